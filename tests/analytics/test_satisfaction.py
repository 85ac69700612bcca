import doctest
import importlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trade_crm_service_analytics.satisfaction import (
    MIN_ANSWERS,
    Tally,
    get_nps,
    get_share,
    rank_drivers,
)

counts = st.integers(0, 60)
tallies = st.builds(Tally, counts, counts, counts)


def test_doctests():
    module = importlib.import_module("trade_crm_service_analytics.satisfaction")
    assert doctest.testmod(module).failed == 0


def test_interval_is_the_published_one():
    """By hand: shares 5.75/13 and 2.75/13, center 3/13, variance (8.5/13 - (3/13)²) / 13."""
    estimate = get_nps(Tally(5, 3, 2))
    assert estimate.low == pytest.approx(-19.05, abs=0.01)
    assert estimate.high == pytest.approx(65.20, abs=0.01)
    assert estimate.is_enough
    assert not get_nps(Tally(5, 3, 1)).is_enough


@pytest.mark.parametrize("size", [10, 30, 100])
@pytest.mark.parametrize(
    "shares", [(0.5, 0.3, 0.2), (0.7, 0.2, 0.1), (0.3, 0.3, 0.4), (0.2, 0.6, 0.2)]
)
def test_interval_covers_the_truth(size, shares):
    """19 of 20 intervals of samples hold the score that the samples were drawn from."""
    draw, truth, runs, hits = random.Random(size), 100 * (shares[0] - shares[2]), 2000, 0
    for _run in range(runs):
        kinds = draw.choices(range(3), shares, k=size)
        estimate = get_nps(Tally(*(kinds.count(kind) for kind in range(3))))
        hits += estimate.low <= truth <= estimate.high
    assert 0.93 <= hits / runs <= 0.99


def test_share_covers_the_truth():
    draw, truth, runs = random.Random(7), 0.85, 2000
    hits = 0
    for _run in range(runs):
        estimate = get_share(sum(draw.random() < truth for _answer in range(40)), 40)
        hits += estimate.low <= 100 * truth <= estimate.high
    assert 0.93 <= hits / runs <= 0.99


@given(tallies)
def test_estimate_is_within_its_interval_and_the_scale(tally):
    estimate = get_nps(tally)
    if not tally.count:
        assert estimate.value is None
        return
    assert -100 <= estimate.low <= estimate.high <= 100
    assert estimate.count == tally.count
    mirrored = get_nps(Tally(tally.detractors, tally.passives, tally.promoters))
    assert mirrored.value == pytest.approx(-estimate.value)
    assert mirrored.low == pytest.approx(-estimate.high)


@given(tallies, tallies)
def test_effect_adds_up(with_it, without):
    """The score of all is that of those without a cause plus the effect of the cause."""
    [driver] = rank_drivers(with_it + without, {"cause": with_it})
    if driver.effect is None:
        assert not with_it.count or not without.count
        return
    whole = get_nps(with_it + without).value
    assert get_nps(without).value + driver.effect == pytest.approx(whole)
    weight = with_it.count / (with_it.count + without.count)
    assert driver.effect == pytest.approx(weight * driver.difference)
    assert driver.is_enough == (min(with_it.count, without.count) >= MIN_ANSWERS)


def test_ranking():
    total = Tally(60, 20, 40)
    names = [
        driver.key
        for driver in rank_drivers(
            total,
            {
                "fine": Tally(20, 0, 0),
                "few": Tally(0, 0, 3),
                "worst": Tally(0, 5, 30),
                "bad": Tally(5, 5, 10),
            },
        )
    ]
    assert names == ["worst", "bad", "fine", "few"]
