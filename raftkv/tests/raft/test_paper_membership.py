"""Section 6 of the paper and thesis 4: changing the members.

A test for each sentence that says what a member does, in our words; given, when, then.
"""

import pytest

from raftkv.raft.core import Raft
from raftkv.raft.events import (
    MembershipChange,
    Persisted,
    Propose,
    ProposeMembership,
    Tick,
    TransferLeadership,
)
from raftkv.raft.membership import decode_membership, encode_membership, membership_context
from raftkv.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    RequestVote,
    TimeoutNow,
)
from raftkv.raft.state import Role
from raftkv.raft.types import (
    EntryKind,
    HardState,
    Membership,
    encode_entry,
    entry_kind,
    entry_payload,
)
from raftkv.raft.update import Update
from raftkv.tests.raft.given import (
    FULL,
    TIMEOUT,
    accept,
    answer,
    append,
    leader,
    member,
    persist,
    receive,
    role_of,
    sent,
    settled_leader,
    take,
    ticks,
)
from raftkv.tests.raft.world import World


def change(raft: Raft, *changes: tuple[str, int], context: bytes = b"why") -> Update:
    """Proposes changes, as (action, member) pairs."""
    return take(raft, ProposeMembership(tuple(MembershipChange(*c) for c in changes), context))


def configuration(
    voters: str, outgoing: str = "", learners: str = "", learners_next: str = ""
) -> Membership:
    """A configuration, each group a string of digits."""
    return Membership(
        *[frozenset(map(int, s)) for s in (voters, outgoing, learners, learners_next)]
    )


def change_entry(term: int, index: int, membership: Membership) -> bytes:
    """An entry that brings a configuration."""
    payload = encode_membership(membership, b"")
    return encode_entry(term, index, EntryKind.MEMBERSHIP, payload)


# -- one change, or several through a joint configuration


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ([("add_voter", 4)], configuration("1234")),
        ([("add_learner", 4)], configuration("123", learners="4")),
        ([("remove", 3)], configuration("12")),
        ([("remove", 9)], configuration("123")),
        ([("add_learner", 3)], configuration("12", learners="3")),
        ([("add_learner", 4), ("add_learner", 5)], configuration("123", learners="45")),
        ([("add_voter", 4), ("add_learner", 5)], configuration("1234", learners="5")),
        ([("add_voter", 4), ("remove", 3)], configuration("124", "123")),
        ([("add_voter", 4), ("add_voter", 5)], configuration("12345", "123")),
        ([("add_voter", 4), ("add_learner", 3)], configuration("124", "123", "", "3")),
        ([("remove", 2), ("remove", 3)], configuration("1", "123")),
    ],
)
def test_changes_of_one_voter_take_one_step_and_others_pass_through_both_configurations(
    changes: list[tuple[str, int]], result: Membership
) -> None:
    raft = settled_leader()

    update = change(raft, *changes)

    assert raft.membership == result
    assert entry_kind(update.entries[0]) == EntryKind.MEMBERSHIP
    payload = entry_payload(update.entries[0])
    assert decode_membership(payload) == result
    assert membership_context(payload) == b"why"


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [("add_voter", 0)],
        [("add_voter", 4), ("remove", 4)],
        [("promote", 4)],
        [("remove", 1), ("remove", 2), ("remove", 3)],
        [("add_voter", 1 << 64)],
    ],
)
def test_changes_that_make_no_sense_are_refused(changes: list[tuple[str, int]]) -> None:
    raft = settled_leader()

    update = change(raft, *changes)

    assert update.rejected == [b"why"]
    assert raft.membership == configuration("123")


def test_a_promoted_learner_votes() -> None:
    raft = settled_leader(learners=(4,))

    change(raft, ("add_voter", 4))

    assert raft.membership == configuration("1234")


def test_a_configuration_rules_as_soon_as_it_is_appended_on_the_leader() -> None:
    raft = settled_leader()
    update = change(raft, ("add_voter", 4))
    persist(raft, update)

    accept(raft, 2, 2)
    assert raft.commit == 1, "two of four are no majority"
    accept(raft, 3, 2)

    assert raft.commit == 2


def test_a_configuration_rules_as_soon_as_it_is_appended_on_a_follower() -> None:
    raft = member(1, voters=(1, 2, 3))
    entry = change_entry(1, 1, configuration("12345"))

    receive(raft, AppendEntries(1, 2, 1, 0, 0, 0, [entry]))
    update = ticks(raft)

    assert [m.to for m in sent(update, RequestVote)] == [2, 3, 4, 5]


def test_a_configuration_that_is_replaced_in_the_log_no_longer_rules() -> None:
    raft = member(1, voters=(1, 2, 3))
    entries = [
        change_entry(1, 1, configuration("1234")),
        change_entry(1, 2, configuration("12345")),
    ]
    receive(raft, AppendEntries(1, 2, 1, 0, 0, 0, entries))
    assert raft.membership == configuration("12345")

    append(raft, 3, 2, (1, 1), [2])
    assert raft.membership == configuration("1234")
    append(raft, 2, 3, (0, 0), [3])

    assert raft.membership == configuration("123")


def test_a_restarted_member_is_ruled_by_the_last_configuration_in_its_log() -> None:
    base = configuration("123")
    entry = change_entry(1, 1, configuration("12345"))
    raft = Raft(1, FULL, lambda: TIMEOUT, HardState(1), 0, 0, base, [entry], 0)

    assert raft.commit == 0
    assert raft.membership == configuration("12345")
    assert raft.membership_at(0) == base
    ticks(raft)
    answer(raft, [2])
    assert raft.role is Role.PRE_CANDIDATE, "two of five are no majority"


def test_a_new_leader_keeps_counting_by_a_configuration_that_is_not_committed_yet() -> None:
    base = configuration("123")
    entry = change_entry(1, 1, configuration("12345"))
    raft = Raft(1, FULL, lambda: TIMEOUT, HardState(1), 0, 0, base, [entry], 0)
    ticks(raft)
    answer(raft, [2, 3])
    update = answer(raft, [2, 3])
    assert raft.role is Role.LEADER
    persist(raft, update)

    accept(raft, 2)
    assert raft.commit == 0
    accept(raft, 4)

    assert raft.commit == 2


# -- when a change may start


def test_no_change_before_the_leader_has_committed_in_its_term() -> None:
    raft, update = leader(log=[1], hard_state=HardState(term=1, commit=1))

    assert change(raft, ("add_voter", 4)).rejected == [b"why"]
    persist(raft, update)
    accept(raft, 2)

    assert change(raft, ("add_voter", 4)).rejected == []


def test_no_change_while_another_is_not_committed() -> None:
    raft = settled_leader()
    persist(raft, change(raft, ("add_voter", 4)))

    assert change(raft, ("add_voter", 5)).rejected == [b"why"]
    accept(raft, 2, 2)
    accept(raft, 3, 2)

    assert change(raft, ("add_voter", 5)).rejected == []


def test_no_change_while_a_joint_configuration_is_being_left() -> None:
    raft = settled_leader()
    persist(raft, change(raft, ("add_voter", 4), ("add_voter", 5)))
    accept(raft, 2, 2)
    accept(raft, 3, 2)
    accept(raft, 4, 2)
    assert not raft.membership.is_joint

    assert change(raft, ("remove", 2)).rejected == [b"why"]


def test_no_change_by_a_follower_nor_during_a_transfer() -> None:
    assert change(member(), ("add_voter", 4)).rejected == [b"why"]
    raft = settled_leader()
    take(raft, TransferLeadership(2))

    assert change(raft, ("add_voter", 4)).rejected == [b"why"]


# -- joint consensus


def test_a_joint_configuration_commits_with_majorities_of_both_halves() -> None:
    raft = settled_leader()
    persist(raft, change(raft, ("add_voter", 4), ("add_voter", 5), ("remove", 2), ("remove", 3)))
    assert raft.membership == configuration("145", "123")

    accept(raft, 4, 2)
    accept(raft, 5, 2)
    assert raft.commit == 1, "the outgoing half has no majority"
    accept(raft, 3, 2)

    assert raft.commit == 2


def test_a_candidate_of_a_joint_configuration_needs_majorities_of_both_halves() -> None:
    raft = member(1, voters=(1, 2, 3))
    entry = change_entry(1, 1, configuration("145", "123"))
    receive(raft, AppendEntries(1, 2, 1, 0, 0, 0, [entry]))
    ticks(raft)

    answer(raft, [4, 5])
    assert raft.role is Role.CANDIDATE
    answer(raft, [2])

    assert role_of(raft) is Role.LEADER


def test_entries_go_to_all_members_of_both_halves() -> None:
    raft = settled_leader()

    change(raft, ("add_voter", 4), ("add_voter", 5), ("remove", 2))
    update = take(raft, Tick())

    assert [m.to for m in sent(update, Heartbeat)] == [2, 3, 4, 5]


def test_once_it_is_committed_the_leader_leaves_the_joint_configuration_by_itself() -> None:
    raft = settled_leader()
    persist(raft, change(raft, ("add_voter", 4), ("add_learner", 3)))
    assert raft.membership == configuration("124", "123", "", "3")

    update = accept(raft, 2, 2)

    assert raft.membership == configuration("124", learners="3")
    assert membership_context(entry_payload(update.entries[0])) == b""


def test_a_joint_configuration_is_not_left_when_only_what_was_before_it_is_committed() -> None:
    raft = settled_leader()
    persist(raft, take(raft, Propose([b"before"])))
    persist(raft, change(raft, ("add_voter", 4), ("add_voter", 5)))

    accept(raft, 2, 2)
    accept(raft, 4, 2)

    assert raft.commit == 2
    assert raft.membership.is_joint


def test_a_new_leader_leaves_a_joint_configuration_that_it_found() -> None:
    base = configuration("123")
    entry = change_entry(1, 1, configuration("145", "123"))
    raft = Raft(1, FULL, lambda: TIMEOUT, HardState(1, 0, 1), 0, 0, base, [entry], 1)
    ticks(raft)
    answer(raft, [2, 4])
    update = answer(raft, [2, 4])
    persist(raft, update)
    accept(raft, 2, 2)
    assert raft.membership.is_joint, "nothing of its own term is committed yet"

    accept(raft, 4, 2)

    assert raft.membership == configuration("145")


# -- members that come and go


def test_a_removed_leader_steps_down_once_its_removal_is_committed() -> None:
    raft = settled_leader()
    update = change(raft, ("remove", 1))
    persist(raft, update)
    assert raft.membership == configuration("23")
    assert raft.role is Role.LEADER

    accept(raft, 3, 2)
    assert raft.role is Role.LEADER, "it does not count itself"
    update = accept(raft, 2, 2)

    assert (raft.role, raft.leader, raft.commit) == (Role.FOLLOWER, 0, 2)
    assert [(m.to, m.commit) for m in sent(update, Heartbeat)] == [(2, 2), (3, 2)]
    assert [m.to for m in sent(update, TimeoutNow)] == [2]


def test_a_leader_that_is_not_part_of_the_new_half_leads_until_the_joint_one_is_left() -> None:
    raft = settled_leader()
    persist(raft, change(raft, ("add_voter", 4), ("remove", 1)))
    accept(raft, 2, 2)
    accept(raft, 4, 2)
    assert raft.role is Role.LEADER
    assert raft.membership == configuration("234")

    accept(raft, 2, 3)
    accept(raft, 4, 3)

    assert role_of(raft) is Role.FOLLOWER


def test_a_removed_leader_takes_proposals_until_it_steps_down() -> None:
    raft = settled_leader()
    change(raft, ("remove", 1))

    assert take(raft, Propose([b"a"])).rejected == []


def test_a_removed_member_never_campaigns() -> None:
    raft = member(1, voters=(1, 2, 3))
    entry = change_entry(1, 1, configuration("23"))
    receive(raft, AppendEntries(1, 2, 1, 0, 0, 1, [entry]))

    ticks(raft, 5 * TIMEOUT)

    assert (raft.role, raft.term) == (Role.FOLLOWER, 1)


def test_who_is_removed_stands_until_that_is_committed_without_a_vote_of_its_own() -> None:
    raft = member(1, voters=(1, 2))
    entry = change_entry(1, 1, configuration("2"))
    receive(raft, AppendEntries(1, 2, 1, 0, 0, 0, [entry]))

    ticks(raft)
    assert raft.role is Role.CANDIDATE
    update = answer(raft, [2])
    assert role_of(raft) is Role.LEADER
    persist(raft, update)
    assert raft.commit == 0
    accept(raft, 2)

    assert (raft.role, raft.commit) == (Role.FOLLOWER, 2)


def test_a_removed_member_can_not_disturb_the_others() -> None:
    world = World((1, 2, 3), config=FULL)
    world.elect(1)
    remove = ProposeMembership((MembershipChange("remove", 3),), b"bye")
    world.step(1, remove)
    world.settle()

    for _ in range(10 * TIMEOUT):
        for member_id in (1, 2, 3, 3):
            world.step(member_id, Tick())
        world.settle()

    assert world.raft(3).membership == configuration("123"), "it was not told"
    assert (world.raft(1).role, world.raft(1).term) == (Role.LEADER, 1)


def test_answers_of_members_that_are_gone_mean_nothing() -> None:
    raft = settled_leader()
    persist(raft, change(raft, ("remove", 3)))

    accept(raft, 3, 2)
    stale = AppendEntriesResponse(1, 3, 9, rejected=True, index=0, hint_index=0, hint_term=0)
    receive(raft, stale)

    assert (raft.role, raft.term, raft.commit) == (Role.LEADER, 1, 1)


def test_a_member_that_knows_no_configuration_waits_to_be_told() -> None:
    raft = member(4, voters=(), config=FULL)
    ticks(raft, 5 * TIMEOUT)
    assert (raft.role, raft.term) == (Role.FOLLOWER, 0)

    entries = [change_entry(1, 1, configuration("1")), change_entry(1, 2, configuration("14"))]
    receive(raft, AppendEntries(4, 1, 1, 0, 0, 0, entries))

    assert raft.membership == configuration("14")


def test_a_new_voter_is_not_missed_before_it_had_time_to_answer() -> None:
    raft = settled_leader(voters=(1,), config=FULL)
    ticks(raft, TIMEOUT - 1)

    change(raft, ("add_voter", 2))
    ticks(raft, 1)
    assert raft.role is Role.LEADER
    ticks(raft, TIMEOUT)

    assert role_of(raft) is Role.FOLLOWER


def test_a_follower_does_not_take_a_configuration_that_can_not_rule() -> None:
    raft = member()
    broken = [
        encode_entry(1, 1, EntryKind.MEMBERSHIP, payload)
        for payload in (
            b"",
            b"\x00\x01",
            encode_membership(configuration("12"), b"")[:-1],
            encode_membership(configuration(""), b"context"),
            encode_membership(configuration("12", learners="2"), b""),
            encode_membership(configuration("012"), b""),
        )
    ]
    for entry in broken:
        receive(raft, AppendEntries(1, 2, 1, 0, 0, 0, [entry]))

    assert raft.last_index == 0
    assert raft.membership == configuration("123")


def test_the_configuration_of_any_index_in_the_log_is_known() -> None:
    raft = settled_leader()
    for added in (4, 5):
        update = change(raft, ("add_learner", added))
        persist(raft, update)
        accept(raft, 2)
        take(raft, Persisted(1, raft.last_index), Propose([b"x"]))

    assert [sorted(raft.membership_at(at).learners) for at in range(raft.last_index + 1)] == [
        [],
        [],
        [4],
        [4],
        [4, 5],
        [4, 5],
    ]
