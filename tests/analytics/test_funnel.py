import doctest
import importlib

import numpy as np
import pandas as pd
import pytest
from trade_crm_analytics.funnel import (
    LOST,
    OPEN,
    OUTCOMES,
    WON,
    Group,
    add_up,
    find_narrowest,
    pour,
)
from trade_crm_analytics.stage_history import Move, Stay, rebuild_stays


def test_doctests():
    for name in ("funnel", "stage_history"):
        assert doctest.testmod(importlib.import_module(f"trade_crm_analytics.{name}")).failed == 0


# ----------------------------------------------------------------------
# Funnel
# ----------------------------------------------------------------------


def test_a_jump_counts_for_what_was_jumped_over():
    steps = pour(4, [Group(3, 3, OPEN, 1, 10.0)])
    assert [step.reached for step in steps] == [1, 1, 1, 1]
    assert [step.here for step in steps] == [0, 0, 0, 1]


def test_a_step_back_takes_nothing_away():
    steps = pour(3, [Group(2, 0, OPEN, 2, 10.0)])
    assert [step.reached for step in steps] == [2, 2, 2]
    assert [step.here for step in steps] == [2, 0, 0]


def test_won_leads_have_reached_everything():
    steps = pour(3, [Group(0, 0, WON, 3, 30.0)])
    assert [step.reached for step in steps] == [3, 3, 3]
    assert sum(step.here + step.lost for step in steps) == 0
    assert steps[2].reached_money == 30.0


def test_nothing():
    assert pour(0, []) == []
    steps = pour(2, [])
    assert {(step.reached, step.from_before, step.from_start) for step in steps} == {
        (0, None, None)
    }
    assert find_narrowest(steps) is None
    assert add_up([])[None] == (0, 0.0, None)


def test_conversion_after_a_stage_that_nobody_reached():
    steps = pour(3, [Group(0, 0, OPEN, 4, 0.0)])
    assert [step.from_before for step in steps] == [None, 0.0, None]
    assert [step.from_start for step in steps] == [1.0, 0.0, 0.0]
    assert find_narrowest(steps) == 1


def test_every_lead_is_somewhere():
    """Against pandas, one row per lead."""
    rng = np.random.default_rng(5)
    for size in (1, 2, 5):
        leads = pd.DataFrame(
            {
                "deepest": rng.integers(0, size, 500),
                "at": rng.integers(0, size, 500),
                "outcome": rng.choice(OUTCOMES, 500),
                "money": rng.integers(0, 1000, 500).astype(float),
            }
        )
        leads["deepest"] = leads[["deepest", "at"]].max(axis=1)
        leads.loc[leads.outcome == WON, "deepest"] = size - 1
        groups = [
            Group(*key, len(rows), rows.money.sum())
            for key, rows in leads.groupby(["deepest", "at", "outcome"])
        ]
        steps = pour(size, groups)
        for index, step in enumerate(steps):
            reached = leads[leads.deepest >= index]
            lost = leads[(leads.outcome == LOST) & (leads["at"] == index)]
            assert (step.reached, step.reached_money) == (len(reached), reached.money.sum())
            assert (step.lost, step.lost_money) == (len(lost), lost.money.sum())
        totals = add_up(groups)
        placed = sum(step.here + step.lost for step in steps)
        assert placed + totals[WON].count == totals[None].count == 500
        assert sum(totals[outcome].share for outcome in OUTCOMES) == pytest.approx(1)


# ----------------------------------------------------------------------
# History
# ----------------------------------------------------------------------


def test_history_without_notes():
    assert rebuild_stays(0, [], 1) == [Stay(1, 0, None)]


def test_steps_back_are_stays_of_their_own():
    moves = [Move(1, "a", "b"), Move(2, "b", "a"), Move(4, "a", "c")]
    assert rebuild_stays(0, moves, "c") == [
        Stay("a", 0, 1),
        Stay("b", 1, 2),
        Stay("a", 2, 4),
        Stay("c", 4, None),
    ]


def test_notes_of_a_merged_lead_are_left_out():
    moves = [Move(1, "a", "b"), Move(2, "x", "y"), Move(3, "b", "c")]
    assert rebuild_stays(0, moves, "c") == [Stay("a", 0, 1), Stay("b", 1, 3), Stay("c", 3, None)]


def test_a_change_that_was_not_noted():
    moves = [Move(1, "a", "b"), Move(5, "c", "d")]
    assert rebuild_stays(0, moves, "d") == [Stay("a", 0, 1), Stay("b", 1, 5), Stay("d", 5, None)]
    assert rebuild_stays(0, [Move(1, "a", "b")], "z", updated_at=7) == [
        Stay("a", 0, 1),
        Stay("b", 1, 7),
        Stay("z", 7, None),
    ]


def test_a_lost_lead_has_left():
    assert rebuild_stays(0, [Move(3, 1, 2)], 2, closed_at=8)[-1] == Stay(2, 3, 8)
    assert rebuild_stays(0, [Move(3, 1, 2)], 2, closed_at=1)[-1] == Stay(2, 3, 3)


def test_stays_follow_on_without_a_gap():
    rng = np.random.default_rng(7)
    for _turn in range(200):
        moments = sorted(rng.integers(0, 50, rng.integers(0, 8)).tolist())
        moves = [Move(moment, *rng.integers(1, 4, 2).tolist()) for moment in moments]
        stays = rebuild_stays(10, moves, int(rng.integers(1, 4)), updated_at=20)
        assert stays[0].entered_at == 10
        assert stays[-1].left_at is None
        for stay, following in zip(stays, stays[1:], strict=False):
            assert stay.entered_at <= stay.left_at == following.entered_at
            assert stay.stage != following.stage
