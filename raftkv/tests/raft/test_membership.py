"""The arithmetic of configurations, and their bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.raft.events import MembershipChange
from raftkv.raft.membership import (
    MembershipHistory,
    changed,
    decode_membership,
    encode_membership,
    is_valid,
    left_joint,
    membership_context,
)
from raftkv.raft.types import CorruptEntryError, Membership

ids = st.integers(1, 7)
groups = st.frozensets(ids, max_size=5)
actions = st.sampled_from(["add_voter", "add_learner", "remove"])
changes = st.lists(st.builds(MembershipChange, actions, ids), max_size=4)
simple = st.builds(
    lambda voters, learners: Membership(voters, learners=learners - voters),
    st.frozensets(ids, min_size=1, max_size=5),
    groups,
)
any_membership = st.builds(Membership, groups, groups, groups, groups)


def share_a_voter(one: frozenset[int], other: frozenset[int]) -> bool:
    """Whether a majority of one and a majority of the other always overlap."""
    common = len(one & other)
    outside = len(one - other) + len(other - one)
    needed = len(one) // 2 + 1 + len(other) // 2 + 1
    return needed > common + outside


@given(simple, changes)
def test_changes_lead_where_they_say(before: Membership, what: list[MembershipChange]) -> None:
    after = changed(before, what)
    if after is None:
        return
    end = left_joint(after) if after.is_joint else after

    for change in what:
        assert (change.member in end.voters) == (change.action == "add_voter")
        assert (change.member in end.learners) == (change.action == "add_learner")
    untouched = set(range(1, 8)) - {change.member for change in what}
    assert end.voters & untouched == before.voters & untouched
    assert end.learners & untouched == before.learners & untouched


@given(simple, changes)
def test_a_change_without_a_joint_configuration_keeps_majorities_overlapping(
    before: Membership, what: list[MembershipChange]
) -> None:
    after = changed(before, what)
    if after is None:
        return

    assert is_valid(after)
    if after.is_joint:
        assert after.voters_outgoing == before.voters
        assert is_valid(left_joint(after))
    else:
        assert share_a_voter(before.voters, after.voters)


@given(simple, changes)
def test_only_what_makes_no_sense_is_refused(
    before: Membership, what: list[MembershipChange]
) -> None:
    named = [change.member for change in what]
    nobody_left = not (
        (before.voters - set(named))
        | {change.member for change in what if change.action == "add_voter"}
    )
    makes_no_sense = not what or len(set(named)) < len(named) or nobody_left

    assert (changed(before, what) is None) == makes_no_sense


def test_a_joint_configuration_is_not_changed_before_it_is_left() -> None:
    joint = Membership(frozenset({1}), frozenset({1, 2, 3}))

    assert changed(joint, [MembershipChange("add_voter", 4)]) is None


@given(any_membership.filter(is_valid), st.binary(max_size=20))
def test_a_configuration_and_its_command_survive_their_bytes(
    membership: Membership, context: bytes
) -> None:
    payload = encode_membership(membership, context)

    assert decode_membership(payload) == membership
    assert membership_context(payload) == context


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_a_configuration_that_can_rule_or_refused(payload: bytes) -> None:
    try:
        membership = decode_membership(payload)
    except CorruptEntryError:
        return
    assert is_valid(membership)


def test_a_payload_cut_short_has_no_command() -> None:
    payload = encode_membership(Membership(frozenset({1, 2})), b"")
    with pytest.raises(CorruptEntryError):
        membership_context(payload[:4])


def test_the_history_knows_what_ruled_when() -> None:
    first, second, third = (Membership(frozenset(range(1, n))) for n in (2, 3, 4))
    history = MembershipHistory(0, first)
    history.append(3, second)
    history.append(7, third)
    assert [history.at(index) for index in (-1, 0, 2, 3, 6, 7, 99)] == [
        None,
        first,
        first,
        second,
        second,
        third,
        third,
    ]
    assert history.since(3) == history.since(5) == [second, third]
    assert history.since(7) == [third]

    history.truncate(7)
    assert history.latest == second
    history.compact(5)
    assert (history.at(5), history.at(0)) == (second, None)
    history.append(8, third)
    history.restart_after(6, first, keep_later=True)
    assert (history.at(6), history.latest) == (first, third)
    history.restart_after(9, first, keep_later=False)
    assert (history.latest, history.latest_index) == (first, 9)
