"""The clock of service level agreements: working time between moments, deadlines and pauses.

Moments are whole seconds since 1970 in UTC, so that time zones and daylight saving are the business
of whoever lists the working hours.
"""

from bisect import bisect_left, bisect_right
from typing import NamedTuple

# Longer than any ticket lives: seconds of a clock that never stops.
FOREVER = 1 << 40


class WorkClock:
    """Counts the seconds within working hours.

    :param intervals: iterable of (start, stop), which may touch or overlap. ``None``: around the
        clock.

    >>> clock = WorkClock([(100, 200), (300, 400)])
    >>> clock.worked(150, 350), clock.add(150, 60), clock.add(150, 50), clock.add(150, 500)
    (100, 310, 200, None)
    >>> WorkClock(None).worked(7, 9)
    2
    """

    def __init__(self, intervals):
        merged = merge([(0, FOREVER)] if intervals is None else intervals)
        self.starts = [start for start, _stop in merged]
        # Work done before each interval, and behind the last one.
        self.before = [0]
        for start, stop in merged:
            self.before.append(self.before[-1] + stop - start)

    def __bool__(self):
        return self.before[-1] > 0

    def reading(self, moment):
        """Working seconds before ``moment``."""
        place = bisect_right(self.starts, moment) - 1
        if place < 0:
            return 0
        return min(self.before[place] + moment - self.starts[place], self.before[place + 1])

    def worked(self, start, stop):
        """Working seconds from ``start`` to ``stop``, 0 if that is earlier."""
        return max(self.reading(stop) - self.reading(start), 0)

    def add(self, start, seconds):
        """The first moment by which ``seconds`` of work were done since ``start``.

        :return: None if the working hours end before that
        """
        if seconds <= 0:
            return start
        reading = self.reading(start) + seconds
        place = bisect_left(self.before, reading) - 1
        if place >= len(self.starts):
            return None
        return self.starts[place] + reading - self.before[place]


class Marks(NamedTuple):
    """When a target is near, missed, and missed for so long that somebody else has to know."""

    warn: int | None
    deadline: int | None
    escalate: int | None


def merge(intervals):
    """Intervals in order, without overlap and without empty ones.

    >>> merge([(5, 7), (1, 3), (2, 4), (4, 5), (9, 9)])
    [(1, 7)]
    """
    merged = []
    for start, stop in sorted(pair for pair in intervals if pair[0] < pair[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def get_elapsed(clock, start, moment, pauses=()):
    """Working seconds from ``start`` to ``moment`` that are in no pause.

    >>> get_elapsed(WorkClock(None), 0, 100, [(10, 30), (20, 40), (90, 200)])
    60
    """
    paused = sum(clock.worked(max(begin, start), min(end, moment)) for begin, end in merge(pauses))
    return clock.worked(start, moment) - paused


def get_deadline(clock, start, seconds, pauses=()):
    """When ``seconds`` of work without pauses are over; a pause after that moves nothing.

    :return: None if the working hours end before that

    >>> get_deadline(WorkClock(None), 0, 60, [(10, 30), (20, 40), (90, 200)])
    90
    """
    moment, left = start, seconds
    for begin, end in merge(pauses):
        if end <= moment:
            continue
        done = clock.worked(moment, begin)
        if done >= left:
            break
        left -= done
        moment = max(moment, end)
    return clock.add(moment, left)


def get_marks(clock, start, seconds, pauses, warn_share, escalate_seconds):
    """The marks of a target.

    :param warn_share: share of the time after which it is near, from 0 to 1
    :param escalate_seconds: working seconds after the deadline
    """
    deadline = get_deadline(clock, start, seconds, pauses)
    warn = get_deadline(clock, start, round(seconds * warn_share), pauses)
    after = None if deadline is None else clock.add(deadline, escalate_seconds)
    return Marks(warn, deadline, after)


def count_passed(marks, moment):
    """How many of the marks are over.

    A deadline is kept up to and including its moment.

    >>> marks = Marks(10, 20, 30)
    >>> [count_passed(marks, moment) for moment in (9, 10, 20, 21, 31)]
    [0, 1, 1, 2, 3]
    """
    warn, deadline, escalate = marks
    late = deadline is not None and moment > deadline
    if late and escalate is not None and moment > escalate:
        return 3
    if late:
        return 2
    return int(warn is not None and moment >= warn)
