"""Distribution of leads over people, in proportion to what they can take."""

from typing import NamedTuple

import numpy as np


class Member(NamedTuple):
    """Who can get leads."""

    id: int
    capacity: int  # leads in the period
    load: int  # leads had in the period so far


def distribute(leads, members):
    """Give each lead to one of its candidates: fair in proportion to capacity, and within it.

    Leads with the same candidates are dealt out one after another by the quota method of Balinski
    and Young [1]_: the next one goes to the member with the greatest ``capacity / (load + 1)``
    among those whose load is below their share of what all candidates will have with it. From
    equal loads, and so after any number of leads, everybody is less than one lead away from the
    exact share; who has had less than the share catches up first. The share never passes the
    capacity. One run with many leads and many runs with one lead each come to the same.

    Leads with fewer candidates come first, because those with more can go elsewhere.

    :param leads: list of (id of a lead, tuple of tuples of ids of members); the first tuple has the
        preferred candidates, the next one who gets the lead when those are full, and so on
    :param members: iterable of ``Member``
    :return: dict of the id of a lead to that of a member; a lead whose candidates are all full
        is missing

    Ties go to the member with the lowest id, and leads are dealt out in the given order.

    .. [1] M. L. Balinski and H. P. Young (1975): The quota method of apportionment.
       The American Mathematical Monthly 82(7), 701-730.

    >>> ann, bob = Member(1, capacity=20, load=0), Member(2, capacity=10, load=0)
    >>> distribute([(lead, ((1, 2),)) for lead in range(6)], [ann, bob])
    {0: 1, 1: 1, 2: 2, 3: 1, 4: 1, 5: 2}
    >>> distribute([(7, ((3,), (1, 2)))], [ann, bob, Member(3, capacity=5, load=5)])
    {7: 1}
    """
    table = _Table(members)
    groups = {}
    for lead, tiers in leads:
        groups.setdefault(tiers, []).append(lead)
    order = sorted(groups, key=lambda tiers: (len(set().union(*tiers)), tiers))
    given = {}
    for tiers in order:
        pools = [table.get_pool(tier) for tier in tiers]
        for lead in groups[tiers]:
            member = table.pick(pools)
            if member is None:
                break
            given[lead] = member
    # As the leads were given, and not group by group.
    return {lead: given[lead] for lead, _tiers in leads if lead in given}


class _Table:
    """Capacities and loads of everybody, in the order of their ids."""

    def __init__(self, members):
        members = sorted(member for member in members if member.capacity > 0)
        self.ids = [member.id for member in members]
        self.position = {member: position for position, member in enumerate(self.ids)}
        self.capacity = np.array([member.capacity for member in members], dtype=np.int64)
        # More than the capacity counts as full: it must not make the others' share smaller.
        self.load = np.minimum([member.load for member in members], self.capacity)

    def get_pool(self, ids):
        """Positions of members, with their capacities."""
        known = sorted({self.position[member] for member in ids if member in self.position})
        positions = np.array(known, dtype=np.int64)
        capacity = self.capacity[positions]
        return positions, capacity, int(capacity.sum())

    def pick(self, pools):
        """Who gets the next lead, which is then part of the load; None when all are full."""
        for positions, capacity, total in pools:
            load = self.load[positions]
            with_next = int(load.sum()) + 1
            if with_next > total:
                continue
            below_share = load * total < capacity * with_next
            claim = np.where(below_share, capacity / (load + 1), -1.0)
            chosen = positions[int(claim.argmax())]
            self.load[chosen] += 1
            return self.ids[chosen]
        return None


def find_groups(leads):
    """Leads that are of the same person, by any key that they share.

    :param leads: list of (id of a lead, iterable of its hashable keys)
    :return: dict of the id of a lead to that of the first lead of its group, which may be itself

    >>> find_groups([(1, ["mail"]), (2, ["phone"]), (3, []), (4, ["mail", "phone"])])
    {1: 1, 2: 1, 3: 3, 4: 1}
    """
    order = {lead: position for position, (lead, _keys) in enumerate(leads)}
    head = {lead: lead for lead, _keys in leads}

    def find(lead):
        while head[lead] != lead:
            head[lead] = head[head[lead]]
            lead = head[lead]
        return lead

    first = {}
    for lead, keys in leads:
        for key in keys:
            one, other = find(lead), find(first.setdefault(key, lead))
            early, late = sorted((one, other), key=order.get)
            head[late] = early
    return {lead: find(lead) for lead, _keys in leads}
