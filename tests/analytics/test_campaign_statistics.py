"""Statistics of campaigns against published values and against reference libraries."""

import doctest
import importlib
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.special import betaln
from statsmodels.stats import power as reference_power
from statsmodels.stats import proportion as reference
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW
from trade_crm_marketing_analytics.experiment import (
    Arm,
    check_ratio,
    get_best_probabilities,
    judge,
)
from trade_crm_marketing_analytics.increment import Group, get_increment
from trade_crm_marketing_analytics.means import (
    Sample,
    get_mean_difference,
    get_mean_power,
    get_mean_size,
    get_mean_test,
    get_sample,
)
from trade_crm_marketing_analytics.proportions import (
    get_detectable_share,
    get_quantile,
    get_share_difference,
    get_share_power,
    get_share_size,
    get_share_test,
)
from trade_crm_marketing_analytics.sequence import (
    get_mean_sequence,
    get_mixture,
    get_multiplier,
    get_share_sequence,
)

CASES = [((56, 48), (70, 80)), ((9, 3), (10, 10)), ((6, 2), (7, 7)), ((5, 0), (56, 29)),
         ((0, 0), (10, 20)), ((10, 0), (10, 10)), ((412, 371), (10_000, 9_870))]  # fmt: skip


@pytest.mark.parametrize("module", ["proportions", "means", "sequence", "experiment", "increment"])
def test_doctests(module):
    module = importlib.import_module(f"trade_crm_marketing_analytics.{module}")
    assert doctest.testmod(module).failed == 0


# ----------------------------------------------------------------------
# Shares
# ----------------------------------------------------------------------


def test_interval_is_the_published_one():
    """Newcombe (1998), table II, method 10, cases (a), (b), (c), (d), (e), (h)."""
    published = [(0.0524, 0.3339), (0.1705, 0.8090), (0.0582, 0.8062), (-0.0381, 0.1926),
                 (-0.1611, 0.2775), (0.6075, 1.0)]  # fmt: skip
    for (successes, sizes), expected in zip(CASES, published, strict=False):
        _value, low, high = get_share_difference(successes, sizes)
        assert (low, high) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("successes", "sizes"), CASES)
def test_shares_are_those_of_statsmodels(successes, sizes):
    expected = reference.confint_proportions_2indep(
        successes[0], sizes[0], successes[1], sizes[1], method="newcomb", compare="diff"
    )
    assert get_share_difference(successes, sizes)[1:] == pytest.approx(expected, abs=1e-6)
    if 0 < sum(successes) < sum(sizes):
        assert get_share_test(successes, sizes) == pytest.approx(
            reference.proportions_ztest(successes, sizes), abs=1e-8
        )
    else:
        assert get_share_test(successes, sizes) == (0, 1)


def test_sample_size_of_shares_is_the_published_one():
    """The documentation of R's power.prop.test, and Fleiss (1981), table A.3 without correction."""
    assert get_share_power(0.5, 0.75, 50) == pytest.approx(0.740, abs=5e-4)
    assert get_share_size(0.5, 0.75, 0.9) == pytest.approx(76.7, abs=0.05)
    assert np.ceil(get_share_size(0.6, 0.7, 0.8)) == 356


@pytest.mark.parametrize("shares", [(0.05, 0.06), (0.1, 0.08), (0.5, 0.52), (0.01, 0.02)])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_sample_size_of_shares_is_that_of_statsmodels(shares, alpha):
    size = get_share_size(*shares, 0.8, get_quantile(alpha))
    expected = reference.samplesize_proportions_2indep_onetail(
        abs(shares[0] - shares[1]), min(shares), 0.8, alpha=alpha
    )
    assert size == pytest.approx(expected, rel=1e-4)
    assert get_share_power(*shares, size, get_quantile(alpha)) == pytest.approx(0.8, abs=1e-9)
    detectable = get_detectable_share(min(shares), size, 0.8, get_quantile(alpha))
    assert detectable == pytest.approx(max(shares), abs=1e-9)


def test_what_cannot_be_sized():
    for shares in ((0.1, 0.1), (-0.1, 0.2), (0.5, 1.2)):
        with pytest.raises(ValueError, match="shares"):
            get_share_size(*shares)
    assert get_detectable_share(1.0, 100) is None
    assert get_detectable_share(0.9, 3) is None
    for values in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="difference"):
            get_mean_size(*values)


# ----------------------------------------------------------------------
# Means
# ----------------------------------------------------------------------


def test_welch_is_the_published_one():
    """Student's sleep data, t.test(extra ~ group) in R: t -1.8608, df 17.776, p 0.07939."""
    one = get_sample([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    two = get_sample([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    assert get_mean_test(one, two) == pytest.approx((-1.8608, 17.776, 0.07939), abs=5e-4)
    assert get_mean_difference(one, two)[1:] == pytest.approx((-3.3654832, 0.2054832), abs=1e-6)


def test_welch_is_that_of_the_libraries():
    draw = np.random.default_rng(1)
    for size_one, size_two in ((5, 9), (40, 300), (2, 2)):
        one, two = draw.lognormal(3, 1, size_one), draw.lognormal(3.4, 1, size_two)
        samples = get_sample(one), get_sample(two)
        statistic, freedom, p_value = get_mean_test(*samples)
        expected = stats.ttest_ind(one, two, equal_var=False)
        assert (statistic, p_value) == pytest.approx((expected.statistic, expected.pvalue))
        compared = CompareMeans(DescrStatsW(one), DescrStatsW(two))
        interval = compared.tconfint_diff(usevar="unequal")
        assert get_mean_difference(*samples)[1:] == pytest.approx(interval)
        assert freedom == pytest.approx(expected.df)


def test_sums_are_added_up():
    values = [1.0, 5.0, 2.5, 0.0]
    assert get_sample(values[:1]) + get_sample(values[1:]) == get_sample(values)
    flat = Sample(5, 0.0, 0.0)
    assert get_mean_difference(flat, flat) == (0, 0, 0)
    assert get_mean_test(flat, flat) == (0, 8, 1)


def test_sample_size_of_means_is_the_published_one():
    """The documentation of R's power.t.test."""
    assert get_mean_power(1, 1, 20) == pytest.approx(0.8689528, abs=1e-6)
    assert get_mean_size(1, 1, 0.9) == pytest.approx(22.02110, abs=1e-5)


@pytest.mark.parametrize("effect", [0.05, 0.2, 0.8])
def test_sample_size_of_means_is_that_of_statsmodels(effect):
    expected = reference_power.TTestIndPower().solve_power(effect, alpha=0.05, power=0.8)
    assert get_mean_size(effect * 7, 7) == pytest.approx(expected, rel=1e-4)


# ----------------------------------------------------------------------
# Ratio, chances, verdict
# ----------------------------------------------------------------------


def test_ratio_is_that_of_scipy():
    """Kohavi, Tang and Xu, Trustworthy Online Controlled Experiments (2020), p. 220: 1.8e-6."""
    assert check_ratio([821_588, 815_482], [1, 1]) == pytest.approx(1.8e-6, abs=5e-8)
    counts, weights = [480, 260, 270], [2, 1, 1]
    expected = stats.chisquare(counts, np.array(weights) * sum(counts) / sum(weights))
    assert check_ratio(counts, weights) == pytest.approx(expected.pvalue)
    assert check_ratio([0, 0], [1, 1]) == check_ratio([7], [1]) == 1
    with pytest.raises(ValueError, match="positive"):
        check_ratio([1, 2], [1, 0])


def test_chances_are_the_exact_ones():
    """The sum of E. Miller, Formulas for Bayesian A/B testing (2014), and a simulation of three."""
    one, two = Arm("A", 1000, 100), Arm("B", 1000, 115)
    hits, misses = 101, 901
    # log of 1 / ((b + i) B(1 + i, b) B(a, b)) · B(a + i, b + b), written with gamma functions
    exact = sum(
        np.exp(
            betaln(hits + i, misses + 886)
            - np.log(886 + i)
            - betaln(1 + i, 886)
            - betaln(hits, misses)
        )
        for i in range(116)
    )
    chances = get_best_probabilities([one, two])
    assert chances[1] == pytest.approx(exact, abs=1e-4)
    arms = [one, two, Arm("C", 500, 60)]
    draw = np.random.default_rng(2)
    shares = [draw.beta(arm.successes + 1, arm.size - arm.successes + 1, 400_000) for arm in arms]
    simulated = np.bincount(np.argmax(shares, axis=0)) / 400_000
    assert get_best_probabilities(arms) == pytest.approx(simulated, abs=3e-3)
    assert get_best_probabilities([one]).tolist() == [1.0]


def test_verdict():
    def kind(*successes, size=10_000, **values):
        arms = [Arm(key, size, count) for key, count in zip("ABC", successes, strict=False)]
        return judge(arms, 0.1, 0.02, **values)[:2]

    assert kind(1000, 1200) == ("better", "B")
    assert kind(1200, 1000) == ("better", "A")
    assert kind(1000, 1010) == ("same", None)
    assert kind(1000, 1110) == ("open", None)
    # Few have bought yet: that they are equally few says nothing of the end.
    assert kind(12, 14, is_over=False) == kind(1000, 1010, is_over=False) == ("open", None)
    assert kind(1000, 1200, is_over=False) == ("better", "B")
    assert kind(1000, 1200, ratio=1e-4) == ("unsound", None)
    assert kind(1000, 1500, 1010) == ("better", "B")
    # Two equally good ones: neither is the winner, and they differ from the third.
    assert kind(1500, 1500, 1000) == ("open", None)
    assert kind(0, 9) == ("open", None)
    assert kind(100) == ("open", None)
    assert judge([], 0.1, 0.02).kind == "open"
    assert judge([Arm("A", 10, 2), Arm("B", 0, 0)], 0.1, 0.02).differences == {}


def test_more_variants_are_held_to_a_stricter_bound():
    two = judge([Arm("A", 2000, 200), Arm("B", 2000, 230)], 0.1, 0.01)
    three = judge([Arm(key, 2000, 200) for key in "AC"] + [Arm("B", 2000, 230)], 0.1, 0.01)
    assert three.differences["A", "B"].low < two.differences["A", "B"].low


# ----------------------------------------------------------------------
# Always valid
# ----------------------------------------------------------------------


def test_bound_is_the_mixture_of_johari():
    """1 / (mixture likelihood ratio) is alpha where the interval ends."""
    variance, mixture, alpha = 3.7, 2.1, 0.05
    # Mixture over effects with variance 1 / r: a sum of variance v is at the bound.
    radius = get_multiplier(variance, mixture / get_mixture(1, alpha), alpha) * np.sqrt(variance)
    grid = np.linspace(-60, 60, 200_001)
    prior = stats.norm.pdf(grid, scale=mixture**-0.5)
    ratio = np.exp(grid * radius - grid**2 * variance / 2)
    assert np.trapezoid(prior * ratio, grid) == pytest.approx(1 / alpha, rel=1e-6)


def test_bound_is_narrowest_as_planned():
    around = get_multiplier(np.array([0.8, 1.0, 1.25]) * 50, 50) / np.sqrt([0.8, 1.0, 1.25])
    mixtures = np.array([0.8, 1.0, 1.25])
    at_planned = get_multiplier(50, 50 * mixtures)
    assert at_planned[1] == at_planned.min()
    assert all(one > two for one, two in pairwise(around))


def test_nothing_known_is_no_interval():
    _value, low, high = get_share_sequence((0, 0), (100, 100), 10)
    assert low < -0.99
    assert high > 0.99
    empty = Sample(100, 0.0, 0.0)
    assert get_mean_sequence(empty, empty, (0, 0), 10)[1:] == (-np.inf, np.inf)


# ----------------------------------------------------------------------
# Increment
# ----------------------------------------------------------------------


def make_group(draw, size, share, amount=100):
    bought = draw.random(size) < share
    revenue = np.where(bought, draw.gamma(4, amount / 4, size), 0)
    return Group(
        int(bought.sum()), get_sample(bought), get_sample(revenue), get_sample(revenue * 0.3)
    )


def test_increment_is_the_difference_of_means_times_the_customers():
    draw = np.random.default_rng(5)
    contacted, held_out = make_group(draw, 9000, 0.2), make_group(draw, 1000, 0.1)
    result = get_increment(contacted, held_out, 5000.0, 0.15)
    expected = 9000 * (contacted.margin.mean - held_out.margin.mean)
    assert result.margin.value == pytest.approx(expected)
    assert result.margin.low < 9000 * 3 < result.margin.high
    assert result.profit.value == pytest.approx(expected - 5000)
    assert result.roi == pytest.approx([figure / 5000 for figure in result.profit])
    assert result.orders.value == pytest.approx(contacted.buyers - 9 * held_out.buyers)
    assert get_increment(contacted, held_out, 0, 0.15).roi is None


def test_increment_needs_a_yardstick():
    draw = np.random.default_rng(6)
    many, few = make_group(draw, 900, 0.2), make_group(draw, 29, 0.1)
    assert set(get_increment(many, few, 1, 0.1)) == set(get_increment(few, many, 1, 0.1)) == {None}
    nobody = make_group(draw, 900, 0.0)
    assert get_increment(nobody, nobody, 1, 0.1).orders is None
