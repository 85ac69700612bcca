"""When a lead was in which stage, from the notes that were kept of its changes."""

from typing import NamedTuple


class Move(NamedTuple):
    """A noted change of the stage."""

    moment: object  # datetime
    old: int | None
    new: int | None


class Stay(NamedTuple):
    stage: int | None
    entered_at: object  # datetime
    left_at: object | None  # None as long as it lasts


def rebuild_stays(created_at, moves, stage, updated_at=None, closed_at=None):
    """Stays of a lead, in order and without a gap.

    A note that does not go on from where the lead stands is left out when a later one does: it
    came with another lead that was merged into this one. Otherwise a change was not noted, and the
    lead stands where the note says.

    :param created_at: datetime of the creation
    :param moves: list of :class:`Move`, oldest first
    :param stage: where the lead stands now
    :param updated_at: when it got there, in case the notes do not lead there
    :param closed_at: when the last stay ended, for a lead that is lost; None for the others
    :return: list of :class:`Stay`, at least one

    >>> [(stay.stage, stay.entered_at, stay.left_at) for stay in
    ...  rebuild_stays(0, [Move(3, 1, 2), Move(5, 2, 4)], 4)]
    [(1, 0, 3), (2, 3, 5), (4, 5, None)]
    >>> rebuild_stays(0, [], 7, closed_at=9)
    [Stay(stage=7, entered_at=0, left_at=9)]
    """
    standing = moves[0].old if moves else stage
    entries = [(standing, created_at)]
    for index, move in enumerate(moves):
        if move.new == standing:
            continue
        if move.old != standing and any(later.old == standing for later in moves[index + 1 :]):
            continue
        standing = move.new
        entries.append((standing, max(move.moment, entries[-1][1])))
    if standing != stage:
        entries.append((stage, max(updated_at or entries[-1][1], entries[-1][1])))
    ends = [entered_at for _stage, entered_at in entries[1:]]
    ends.append(None if closed_at is None else max(closed_at, entries[-1][1]))
    return [
        Stay(at, entered_at, left_at)
        for (at, entered_at), left_at in zip(entries, ends, strict=True)
    ]
