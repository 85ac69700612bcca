import doctest
import importlib
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from trade_crm_analytics.lead_assignment import Member, distribute, find_groups

capacities = st.lists(st.integers(1, 12), min_size=1, max_size=5)


def make(rows):
    return [Member(number, *row) for number, row in enumerate(rows, start=1)]


def deal(members, count):
    everybody = (tuple(member.id for member in members),)
    return distribute([(lead, everybody) for lead in range(count)], members)


def count(given_leads, members):
    return [list(given_leads.values()).count(member.id) for member in members]


def test_doctests():
    module = importlib.import_module("trade_crm_analytics.lead_assignment")
    assert doctest.testmod(module).failed == 0


@given(capacities)
def test_nobody_is_a_lead_away_from_the_share(rows):
    """At every moment of a run, and with exact arithmetic."""
    members = make((capacity, 0) for capacity in rows)
    order = list(deal(members, sum(rows)).values())
    assert len(order) == sum(rows)
    for dealt in range(1, len(order) + 1):
        for member in members:
            share = Fraction(dealt * member.capacity, sum(rows))
            assert abs(order[:dealt].count(member.id) - share) < 1


def apportion(rows, seats):
    """The quota method as it is written down, seat by seat in exact arithmetic."""
    total, held = sum(capacity for capacity, _load in rows), [load for _capacity, load in rows]
    for _seat in range(seats):
        if sum(held) == total:
            break
        best = max(
            (
                (Fraction(capacity, held[number] + 1), -number)
                for number, (capacity, _load) in enumerate(rows)
                if held[number] < Fraction(capacity * (sum(held) + 1), total)
            ),
        )
        held[-best[1]] += 1
    return held


@given(
    st.lists(
        st.integers(1, 12).flatmap(lambda cap: st.tuples(st.just(cap), st.integers(0, cap))),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 40),
)
def test_as_written_down(rows, leads):
    members = make(rows)
    found = count(deal(members, leads), members)
    assert [load + got for (_cap, load), got in zip(rows, found, strict=True)] == apportion(
        rows, leads
    )


@given(capacities, st.integers(0, 30))
def test_one_by_one_is_the_same_as_at_once(rows, leads):
    members = make((capacity, 0) for capacity in rows)
    single = []
    for _lead in range(leads):
        member = deal(members, 1).get(0)
        single += [member] if member else []
        members = [person._replace(load=person.load + (person.id == member)) for person in members]
    fresh = make((capacity, 0) for capacity in rows)
    assert single == list(deal(fresh, leads).values())


worlds = st.tuples(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=4),
    st.lists(
        st.lists(st.sets(st.integers(1, 4), max_size=3).map(sorted).map(tuple), max_size=2).map(
            tuple
        ),
        max_size=12,
    ),
)


@given(worlds)
def test_within_capacity_and_candidates(world):
    rows, wishes = world
    members = {member.id: member for member in make(rows)}
    result = distribute(list(enumerate(wishes)), members.values())
    final = {
        member.id: member.load + list(result.values()).count(member.id)
        for member in members.values()
    }
    for member in members.values():
        assert final[member.id] <= max(member.capacity, member.load)
    for lead, tiers in enumerate(wishes):
        allowed = [member for tier in tiers for member in tier if member in members]
        if lead in result:
            assert result[lead] in allowed
        else:
            # Nobody waits while a candidate has room.
            assert all(final[member] >= members[member].capacity for member in allowed)


@given(worlds)
def test_same_every_time(world):
    rows, wishes = world
    leads, members = list(enumerate(wishes)), make(rows)
    assert distribute(leads, members) == distribute(leads, reversed(members))


def test_few_candidates_first():
    """Who has no choice is not crowded out by who has one."""
    members = make([(2, 0), (2, 0)])
    leads = [(number, ((1, 2),)) for number in range(2)]
    leads += [(number, ((1,),)) for number in range(2, 4)]
    assert distribute(leads, members) == {0: 2, 1: 2, 2: 1, 3: 1}


def test_small_capacity():
    """Three leads in 30 days are three, and not none a day."""
    members = make([(3, 0)])
    assert count(deal(members, 5), members) == [3]


def test_nobody():
    assert distribute([(1, ()), (2, ((),)), (3, ((9,),))], []) == {}


@given(st.lists(st.sets(st.integers(0, 6), max_size=3), max_size=8))
def test_groups_are_connected_components(keys):
    leads = list(enumerate(keys))
    found = find_groups(leads)
    for lead in found:
        reached, grown = {lead}, None
        while grown != reached:
            grown = set(reached)
            seen = set().union(*(keys[other] for other in reached))
            reached |= {other for other, own in leads if own & seen}
        assert found[lead] == min(reached)
