"""Section 8 of the paper and thesis 3.10, 6.2 and 6.4: what clients may rely on.

A test for each sentence that says what a member does, in our words; given, when, then.
"""

from collections.abc import Iterable

import pytest

from raftkv.raft.core import Raft
from raftkv.raft.events import (
    MembershipChange,
    Propose,
    ProposeMembership,
    ReadIndex,
    Tick,
    TransferLeadership,
)
from raftkv.raft.messages import Heartbeat, HeartbeatResponse
from raftkv.raft.state import Role
from raftkv.raft.types import HardState, entry_payload, entry_term
from raftkv.raft.update import Update
from raftkv.tests.raft.given import (
    FULL,
    TIMEOUT,
    accept,
    append,
    hear,
    leader,
    member,
    persist,
    receive,
    sent,
    settled_leader,
    take,
    ticks,
    with_config,
)


def read(raft: Raft, *contexts: int) -> Update:
    """Asks for reads in one turn."""
    return take(raft, *map(ReadIndex, contexts))


def rounds(update: Update) -> list[tuple[int, int]]:
    """(receiver, round) of the heartbeats that are to be answered."""
    return [(m.to, m.round) for m in sent(update, Heartbeat) if m.round]


def commit_one(raft: Raft, payload: bytes, followers: Iterable[int] = (2,)) -> Update:
    """Lets a command be proposed and committed."""
    handed_out = persist(raft, take(raft, Propose([payload])))
    for follower in followers:
        handed_out = accept(raft, follower)
    return handed_out


# -- the start of a term


def test_a_new_leader_starts_its_term_with_an_entry_that_does_nothing() -> None:
    _, update = leader(log=[1, 1])

    assert [(entry_term(e), entry_payload(e)) for e in update.entries] == [(2, b"")]


# -- 6.4: reads without the log


def test_a_read_waits_until_a_quorum_confirms_the_leader() -> None:
    raft = settled_leader(voters=(1, 2, 3, 4, 5))

    update = read(raft, 7)
    assert update.reads == []
    assert [to for to, _ in rounds(update)] == [2, 3, 4, 5]
    assert hear(raft, 3).reads == []

    assert hear(raft, 5).reads == [(7, 1)]


def test_a_read_is_served_at_the_commit_index_of_when_it_was_asked() -> None:
    raft = settled_leader()
    read(raft, 7)
    commit_one(raft, b"a")

    assert hear(raft, 2).reads == [(7, 1)]


def test_all_reads_of_a_turn_share_one_round() -> None:
    raft = settled_leader()

    update = read(raft, 7, 8, 9)

    assert len(rounds(update)) == 2
    assert hear(raft, 3).reads == [(7, 1), (8, 1), (9, 1)]


def test_reads_that_come_amid_a_round_share_the_next_which_starts_when_it_ends() -> None:
    raft = settled_leader()
    read(raft, 7)
    assert rounds(read(raft, 8)) == []
    assert rounds(read(raft, 9)) == []
    commit_one(raft, b"a")

    update = hear(raft, 2)
    assert update.reads == [(7, 1)]
    assert len(rounds(update)) == 2

    assert hear(raft, 2).reads == [(8, 2), (9, 2)]


def test_an_answer_to_an_earlier_round_confirms_nothing() -> None:
    raft = settled_leader()
    earlier = raft._state.round
    read(raft, 7)

    for wrong in (0, earlier, earlier + 2):
        update = receive(raft, HeartbeatResponse(1, 2, 1, wrong))
        assert update.reads == []


@pytest.mark.parametrize("stranger", [4, 9])
def test_answers_of_who_does_not_vote_confirm_nothing(stranger: int) -> None:
    raft = settled_leader(learners=(4,))
    read(raft, 7)

    assert hear(raft, stranger).reads == []


def test_a_lost_round_is_repeated_with_the_next_heartbeat() -> None:
    raft = settled_leader()
    lost = rounds(read(raft, 7))

    assert rounds(ticks(raft, 1)) == lost
    assert hear(raft, 2).reads == [(7, 1)]


def test_a_read_waits_for_the_first_commit_of_the_leaders_term() -> None:
    raft, update = leader(log=[1], hard_state=HardState(1, 0, 1))
    assert rounds(read(raft, 7)) == []
    hear(raft, 2, 3)
    persist(raft, update)

    update = accept(raft, 2)
    assert raft.commit == 2
    assert len(rounds(update)) == 2

    assert hear(raft, 2).reads == [(7, 2)]


def test_who_leads_alone_serves_reads_at_once_but_not_before_its_first_commit() -> None:
    raft, update = leader(voters=(1,))
    assert read(raft, 7).reads == []

    assert persist(raft, update).reads == [(7, 1)]
    assert read(raft, 8).reads == [(8, 1)]


def test_who_does_not_lead_drops_reads() -> None:
    assert read(member(), 7).reads_dropped == [7]
    follower = member()
    append(follower, 2, 1, (0, 0))
    assert read(follower, 8).reads_dropped == [8]


def test_a_leader_that_is_deposed_drops_the_reads_that_wait() -> None:
    raft = settled_leader()
    read(raft, 7)
    read(raft, 8)

    update = receive(raft, Heartbeat(1, 3, 2, 0, 1))

    assert update.reads_dropped == [7, 8]
    assert hear(raft, 2, 3).reads == []


def test_a_leader_that_is_cut_off_drops_the_reads_when_it_steps_down() -> None:
    raft = settled_leader(config=FULL)
    ticks(raft, TIMEOUT)
    read(raft, 7)

    update = ticks(raft, TIMEOUT)

    assert raft.role is Role.FOLLOWER
    assert update.reads_dropped == [7]


def test_more_reads_than_may_wait_are_dropped() -> None:
    raft, _ = leader(config=with_config(reads_waiting_max=2))

    assert read(raft, 7, 8, 9).reads_dropped == [9]


def test_a_read_of_a_joint_configuration_needs_majorities_of_both_halves() -> None:
    raft = settled_leader()
    changes = (MembershipChange("add_voter", 4), MembershipChange("add_voter", 5))
    take(raft, ProposeMembership((*changes, MembershipChange("remove", 2)), b""))
    read(raft, 7)

    assert hear(raft, 4, 5).reads == []
    assert hear(raft, 3).reads == [(7, 1)]


# -- 3.10: what a transfer does to clients


def test_while_leadership_is_being_handed_over_proposals_are_rejected() -> None:
    raft = settled_leader(config=FULL)
    take(raft, TransferLeadership(2))

    assert take(raft, Propose([b"a"])).rejected == [b"a"]
    for _ in range(TIMEOUT):
        hear(raft, 2, 3)
        take(raft, Tick())

    assert take(raft, Propose([b"b"])).rejected == []
