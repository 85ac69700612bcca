"""What the statistics of campaigns promise, by simulation: errors, power and coverage."""

import numpy as np
import pytest
from trade_crm_marketing_analytics.experiment import Arm, judge
from trade_crm_marketing_analytics.means import Sample, get_mean_difference, get_mean_test
from trade_crm_marketing_analytics.proportions import (
    get_quantile,
    get_share_difference,
    get_share_size,
    get_share_test,
)
from trade_crm_marketing_analytics.sequence import (
    get_final_multiplier,
    get_information,
    get_mean_sequence,
    get_share_sequence,
)

LOOKS = 20


def buy_one_by_one(draw, runs, size, share):
    """A fixed audience of ``size``; ``share`` of them has bought at the last look: (looks, runs)."""
    hazard = 1 - (1 - share) ** (1 / LOOKS)
    bought, looks = np.zeros(runs, dtype=np.int64), []
    for _look in range(LOOKS):
        bought = bought + draw.binomial(size - bought, hazard)
        looks.append(bought)
    return np.array(looks)


def grow(draw, runs, size, share):
    """An audience that grows at each look, and whose purchases are known at once: (looks, runs)."""
    return draw.binomial(size // LOOKS, share, (LOOKS, runs)).cumsum(axis=0)


def get_planned(size, share):
    return get_information((size * share, size * share), (size, size))


@pytest.mark.parametrize(("size", "share"), [(300, 0.1), (5000, 0.02), (1000, 0.5)])
@pytest.mark.parametrize("sizes", ["fixed", "growing"])
def test_looking_20_times_is_wrong_in_5_percent_at_most(size, share, sizes):
    runs, draw = 4000, np.random.default_rng(11)
    shape = np.arange(1, LOOKS + 1)[:, None] * (size // LOOKS) if sizes == "growing" else size
    make = grow if sizes == "growing" else buy_one_by_one
    bought = make(draw, runs, size, share), make(draw, runs, size, share)
    # Half of what was planned for comes, and four times that.
    for factor in (0.5, 4):
        _value, low, high = get_share_sequence(
            bought, (shape, shape), factor * get_planned(size, share)
        )
        wrong = ((low > 0) | (high < 0)).any(axis=0).mean()
        assert wrong <= 0.05
    _statistic, p_value = get_share_test(bought, (shape + 0 * bought[0],) * 2)
    assert (p_value < 0.05).any(axis=0).mean() > 0.15  # what the sequence spares us


def test_verdicts_on_three_equal_variants_are_wrong_in_5_percent_at_most():
    runs, size, share, draw = 400, 800, 0.1, np.random.default_rng(12)
    bought = [buy_one_by_one(draw, runs, size, share) for _arm in range(3)]
    wrong = 0
    for run in range(runs):
        kinds = {
            judge(
                [Arm(arm, size, counts[look, run]) for arm, counts in enumerate(bought)],
                share,
                0.02,
            ).kind
            for look in range(0, LOOKS, 2)
        }
        wrong += "better" in kinds
    assert wrong / runs <= 0.05


def test_sequence_covers_the_difference_at_every_look():
    runs, size, draw = 4000, 1000, np.random.default_rng(13)
    bought = [buy_one_by_one(draw, runs, size, share) for share in (0.15, 0.1)]
    looks = np.arange(1, LOOKS + 1)[:, None] / LOOKS
    truth = (1 - 0.85**looks) - (1 - 0.9**looks)
    _value, low, high = get_share_sequence(bought, (size, size), get_planned(size, 0.12))
    assert ((low <= truth) & (truth <= high)).all(axis=0).mean() >= 0.95


def make_revenue(draw, runs, size, share):
    """Samples (looks, runs) of skewed revenue that comes in, and buyers."""
    orders = draw.random((runs, size)) < share
    day = draw.integers(0, LOOKS, (runs, size))
    amount = draw.lognormal(4, 0.9, (runs, size)) * orders
    total, squares, buyers = (np.zeros((LOOKS, runs)) for _figure in range(3))
    for look in range(LOOKS):
        at_look = day == look
        total[look] = (amount * at_look).sum(axis=1)
        squares[look] = (amount**2 * at_look).sum(axis=1)
        buyers[look] = (orders & at_look).sum(axis=1)
    sums = (figure.cumsum(axis=0) for figure in (total, squares))
    return Sample(size, *sums), buyers.cumsum(axis=0)


def test_revenue_looked_at_20_times_is_wrong_in_5_percent_at_most():
    runs, size, share, draw = 1000, 1000, 0.1, np.random.default_rng(14)
    (one, buyers_one), (two, buyers_two) = (
        make_revenue(draw, runs, size, share) for _arm in range(2)
    )
    _value, low, high = get_mean_sequence(
        one, two, (buyers_one, buyers_two), get_planned(size, share)
    )
    assert ((low > 0) | (high < 0)).any(axis=0).mean() <= 0.05
    _statistic, _freedom, p_value = get_mean_test(one, two)
    assert (p_value < 0.05).any(axis=0).mean() > 0.15


@pytest.mark.parametrize("shares", [(0.1, 0.13), (0.02, 0.03), (0.5, 0.56)])
def test_power_is_as_promised(shares):
    runs, draw = 20_000, np.random.default_rng(15)
    size = int(np.ceil(get_share_size(*shares, 0.8)))
    bought = [draw.binomial(size, share, runs) for share in shares]
    _statistic, p_value = get_share_test(bought, (np.full(runs, size),) * 2)
    assert (p_value < 0.05).mean() == pytest.approx(0.8, abs=0.015)

    size = int(np.ceil(get_share_size(*shares, 0.8, get_final_multiplier())))
    bought = [draw.binomial(size, share, runs) for share in shares]
    planned = get_planned(size, sum(shares) / 2)
    _value, _low, high = get_share_sequence(bought, (size, size), planned)
    assert (high < 0).mean() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    ("sizes", "shares"),
    [((100, 100), (0.1, 0.1)), ((50, 400), (0.05, 0.15)), ((20, 20), (0.9, 0.4))],
)
def test_interval_of_shares_covers(sizes, shares):
    runs, draw = 40_000, np.random.default_rng(16)
    successes = [
        draw.binomial(size, share, runs) for size, share in zip(sizes, shares, strict=True)
    ]
    _value, low, high = get_share_difference(successes, sizes)
    truth = shares[0] - shares[1]
    assert ((low <= truth) & (truth <= high)).mean() == pytest.approx(0.953, abs=0.015)


def test_interval_of_means_covers():
    runs, draw = 5000, np.random.default_rng(17)
    samples = []
    for size, deviation in ((60, 1.0), (200, 3.0)):
        values = draw.normal(10, deviation, (runs, size))
        samples.append(Sample(size, values.sum(axis=1), (values**2).sum(axis=1)))
    _value, low, high = get_mean_difference(*samples, get_quantile(0.05))
    assert ((low <= 0) & (high >= 0)).mean() == pytest.approx(0.95, abs=0.01)
