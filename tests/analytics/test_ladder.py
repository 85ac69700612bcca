import doctest
import importlib

import numpy as np
import pandas as pd
import pytest
from trade_crm_analytics.ladder import climb, find_worst, summarize_days


def test_doctests():
    for name in ("ladder", "windows"):
        assert doctest.testmod(importlib.import_module(f"trade_crm_analytics.{name}")).failed == 0


def test_customers_are_on_the_rungs_that_they_reached():
    rungs = climb([4, 0, 3, 3], [1, 0, 2, 0])
    assert [rung.reached for rung in rungs] == [10, 6, 6, 3]
    assert [rung.share for rung in rungs] == [1.0, 0.6, 0.6, 0.3]
    assert [(rung.moved, rung.waiting, rung.gone) for rung in rungs] == [
        (6, 3, 1),
        (6, 0, 0),
        (3, 1, 2),
        (0, 3, 0),
    ]
    assert [rung.moved_share for rung in rungs] == [0.6, 1.0, 0.5, None]


def test_expected_is_the_share_when_nobody_waits():
    rungs = climb([4, 1, 3, 2], [4, 1, 3, 0])
    assert [rung.expected for rung in rungs] == pytest.approx([rung.share for rung in rungs])


def test_expected_is_the_product_limit_estimate():
    """Freireich et al. (1963), as in every textbook: weeks of remission under 6-MP, 21 patients."""
    events = {6: 3, 7: 1, 10: 1, 13: 1, 16: 1, 22: 1, 23: 1}
    censored = {6: 1, 9: 1, 10: 1, 11: 1, 17: 1, 19: 1, 20: 1, 25: 1, 32: 2, 34: 1, 35: 1}
    weeks = range(1, 37)
    gone = [events.get(week, 0) for week in weeks]
    stopped = [count + censored.get(week, 0) for week, count in zip(weeks, gone, strict=True)]
    rungs = climb(stopped, gone)
    survival = {week: round(rungs[week].expected, 3) for week in events}
    assert survival == {
        6: 0.857,
        7: 0.807,
        10: 0.753,
        13: 0.690,
        16: 0.627,
        22: 0.538,
        23: 0.448,
    }


def test_nobody_tells_beyond_the_last_customer():
    assert [rung.expected for rung in climb([2, 0], [0, 0])] == [1.0, None]
    assert [rung.expected for rung in climb([2, 0], [2, 0])] == [1.0, 0.0]


def test_no_customer():
    rungs = climb([0, 0, 0], [0, 0, 0])
    assert {(rung.reached, rung.share, rung.expected, rung.moved_share) for rung in rungs} == {
        (0, None, None, None)
    }
    assert find_worst(rungs) is None
    assert climb([], []) == []


def test_gone_is_a_part_of_stopped():
    for stopped, gone in (([1], [2]), ([1], [-1]), ([1, 2], [1])):
        with pytest.raises(ValueError, match="gone"):
            climb(stopped, gone)


def test_worst_is_the_first_of_the_largest_losses():
    assert find_worst(climb([5, 5, 5, 9], [1, 3, 3, 9])) == 2
    assert find_worst(climb([5, 5], [0, 5])) is None


def test_days_are_those_of_pandas():
    rng = np.random.default_rng(3)
    for size in (1, 2, 3, 10, 101, 1000):
        values = pd.Series(rng.integers(0, 400, size))
        histogram = values.value_counts().sort_index()
        mean, median = summarize_days(histogram.index, histogram)
        assert mean == pytest.approx(values.mean())
        assert median == values.median()


def test_no_days():
    assert summarize_days([], []) == (None, None)
