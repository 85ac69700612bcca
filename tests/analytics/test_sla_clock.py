import doctest
import importlib

from hypothesis import given
from hypothesis import strategies as st
from trade_crm_service_analytics.sla_clock import (
    Marks,
    WorkClock,
    count_passed,
    get_deadline,
    get_elapsed,
    get_marks,
    merge,
)

END = 400
moments = st.integers(0, END)
intervals = st.lists(st.tuples(moments, moments), max_size=8)


def count(work, pauses, start, stop):
    """Second by second, which is too slow for anything but to compare with."""
    return sum(
        any(begin <= second < end for begin, end in work)
        and not any(begin <= second < end for begin, end in pauses)
        for second in range(start, stop)
    )


def test_doctests():
    module = importlib.import_module("trade_crm_service_analytics.sla_clock")
    assert doctest.testmod(module).failed == 0


@given(intervals, intervals, moments, moments)
def test_elapsed(work, pauses, start, stop):
    expected = count(work, pauses, start, stop)
    assert get_elapsed(WorkClock(work), start, max(start, stop), pauses) == expected


@given(intervals, intervals, moments, st.integers(1, 200))
def test_deadline_is_the_first_moment_with_enough_work(work, pauses, start, seconds):
    deadline = get_deadline(WorkClock(work), start, seconds, pauses)
    if deadline is None:
        assert count(work, pauses, start, END) < seconds
    else:
        assert count(work, pauses, start, deadline) == seconds
        assert count(work, pauses, start, deadline - 1) == seconds - 1


@given(intervals, moments, st.integers(1, 100), st.tuples(moments, moments).map(sorted))
def test_a_pause_moves_the_deadline_by_its_length(work, start, seconds, pause):
    """In working time, and only if it begins before the deadline."""
    clock = WorkClock(work)
    before = get_deadline(clock, start, seconds)
    after = get_deadline(clock, start, seconds, [pause])
    if before is None:
        assert after is None
    elif pause[0] >= before:
        assert after == before
    else:
        length = clock.worked(max(pause[0], start), max(pause[1], start))
        assert after == clock.add(start, seconds + length)


@given(intervals)
def test_merge(pairs):
    merged = merge(pairs)
    assert all(start < stop for start, stop in merged)
    assert all(one[1] < other[0] for one, other in zip(merged, merged[1:], strict=False))
    for second in range(END):
        assert any(a <= second < b for a, b in pairs) == any(a <= second < b for a, b in merged)


def test_marks():
    assert get_marks(WorkClock(None), 0, 100, [(80, 90)], 0.5, 30) == Marks(50, 110, 140)
    assert count_passed(Marks(None, None, None), 10**9) == 0


def test_no_hours_at_all():
    assert not WorkClock([])
    assert WorkClock([]).add(5, 1) is None
    assert WorkClock([]).add(5, 0) == 5
