"""The sales funnel: how many leads reach each stage, and what becomes of them there."""

from typing import NamedTuple

OPEN, LOST, WON = OUTCOMES = ("open", "lost", "won")


class Group(NamedTuple):
    """Leads that went the same way. Stages are counted from 0."""

    deepest: int  # the last stage, in the order of the stages, that they ever were in
    at: int  # the stage in which they are, or were lost
    outcome: str  # one of OUTCOMES
    count: int
    money: float


class Step(NamedTuple):
    """One stage of the funnel."""

    reached: int  # leads that ever were in this stage or in a later one
    reached_money: float
    from_before: float | None  # share of those who reached the stage before; None for the first
    from_start: float | None  # share of all leads; None when there is none
    here: int  # are in this stage
    here_money: float
    lost: int  # were lost in this stage
    lost_money: float


class Total(NamedTuple):
    count: int
    money: float
    share: float | None  # of all leads; None when there is none


def pour(size, groups):
    """Steps of a funnel.

    A lead has reached a stage when it ever was in it or in a later one: a stage that was jumped
    over counts as reached, and a step back takes nothing away. A lead that is won has reached
    every stage. Each lead is in exactly one of ``here`` and ``lost`` of one step, or is won.

    :param size: number of stages
    :param groups: iterable of :class:`Group`
    :return: list of :class:`Step`, one per stage

    >>> steps = pour(3, [Group(0, 0, OPEN, 5, 50.0), Group(2, 1, LOST, 3, 9.0),
    ...                  Group(2, 2, WON, 2, 40.0)])
    >>> [step.reached for step in steps], [step.here for step in steps]
    ([10, 5, 5], [5, 0, 0])
    >>> [step.from_before for step in steps], [step.lost for step in steps]
    ([None, 0.5, 1.0], [0, 3, 0])
    """
    reached, reached_money = [0] * size, [0.0] * size
    here, here_money = [0] * size, [0.0] * size
    lost, lost_money = [0] * size, [0.0] * size
    for group in groups:
        last = size - 1 if group.outcome == WON else max(group.deepest, group.at)
        for index in range(last + 1):
            reached[index] += group.count
            reached_money[index] += group.money
        if group.outcome == OPEN:
            here[group.at] += group.count
            here_money[group.at] += group.money
        elif group.outcome == LOST:
            lost[group.at] += group.count
            lost_money[group.at] += group.money
    return [
        Step(
            reached=reached[index],
            reached_money=reached_money[index],
            from_before=get_share(reached[index], reached[index - 1]) if index else None,
            from_start=get_share(reached[index], reached[0]),
            here=here[index],
            here_money=here_money[index],
            lost=lost[index],
            lost_money=lost_money[index],
        )
        for index in range(size)
    ]


def get_share(part, whole):
    """``part`` of ``whole``, or None when there is no whole.

    >>> get_share(1, 4), get_share(0, 0)
    (0.25, None)
    """
    return part / whole if whole else None


def add_up(groups):
    """How the leads ended, ``{outcome: Total}``, and all of them under None.

    >>> add_up([Group(0, 0, OPEN, 3, 30.0), Group(1, 1, WON, 1, 5.0)])[WON]
    Total(count=1, money=5.0, share=0.25)
    """
    groups = list(groups)
    total = sum(group.count for group in groups)
    return {
        outcome: Total(
            count := sum(group.count for group in chosen),
            sum((group.money for group in chosen), 0.0),
            get_share(count, total),
        )
        for outcome in (*OUTCOMES, None)
        for chosen in [[group for group in groups if outcome in (group.outcome, None)]]
    }


def find_narrowest(steps):
    """Index of the stage that the smallest share of the stage before reached; None if there is none.

    Of equals the first; stages that nobody could have reached do not count.

    >>> find_narrowest(pour(3, [Group(1, 1, OPEN, 1, 0.0), Group(0, 0, OPEN, 1, 0.0)]))
    2
    """
    shares = {
        index: step.from_before for index, step in enumerate(steps) if step.from_before is not None
    }
    return min(shares, key=lambda index: (shares[index], index), default=None)
