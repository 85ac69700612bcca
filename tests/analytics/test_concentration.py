import doctest
import importlib

import numpy as np
import pytest
from trade_crm_analytics.concentration import CLASSES, concentrate


def test_doctests():
    module = importlib.import_module("trade_crm_analytics.concentration")
    assert doctest.testmod(module).failed == 0


def test_one_has_nearly_everything():
    result = concentrate([1e-9] * 99 + [1e6])
    assert result.gini == pytest.approx(0.99)
    assert result.top_share == pytest.approx(1.0)


def test_equal_amounts_are_a_diagonal():
    result = concentrate([7.0] * 250)
    assert result.gini == pytest.approx(0.0, abs=1e-12)
    assert len(result.curve) == 101
    for customers, share in result.curve:
        assert share == pytest.approx(customers)


def test_gini_of_the_pareto_distribution():
    """1 / (2 a - 1), and a top fifth of 0.2 ** (1 - 1 / a): the rule of 80 and 20 at a = 1.16."""
    shape, count = 2.5, 200_000
    amounts = (1 - (np.arange(count) + 0.5) / count) ** (-1 / shape)
    result = concentrate(amounts)
    assert result.gini == pytest.approx(1 / (2 * shape - 1), abs=1e-3)
    assert result.top_share == pytest.approx(0.2 ** (1 - 1 / shape), abs=1e-3)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 19, 100, 1234])
def test_classes_are_all_customers_once(count):
    amounts = np.random.default_rng(count).lognormal(5, 2, count)
    result = concentrate(amounts)
    ranked = np.sort(amounts)[::-1]
    assert [entry.top for entry in result.classes] == list(CLASSES)
    last = 0
    for entry in result.classes:
        assert entry.first == last + 1
        assert entry.count == entry.last - entry.first + 1
        members = ranked[entry.first - 1 : entry.last]
        assert entry.amount == pytest.approx(members.sum())
        assert entry.least == (pytest.approx(members.min()) if entry.count else None)
        last = entry.last
    assert last == count
    assert result.classes[-1].cumulated == pytest.approx(1.0)
    assert result.top_count == np.ceil(round(0.2 * count, 9))


def test_nobody():
    assert concentrate([]) == (0, 0.0, None, None, 0, [], [])


def test_amounts_have_to_be_positive():
    with pytest.raises(ValueError, match="positive"):
        concentrate([1.0, 0.0])
