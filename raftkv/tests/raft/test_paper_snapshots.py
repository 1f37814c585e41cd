"""Section 7 of the paper: cutting the log back, and snapshots for members that lag.

A test for each sentence that says what a member does, in our words; given, when, then.
"""

import pytest

from raftkv.raft.core import Raft
from raftkv.raft.events import Compact, PeerLost, Propose, Receive, SnapshotSent, Tick
from raftkv.raft.membership import encode_membership
from raftkv.raft.messages import AppendEntries, AppendEntriesResponse, InstallSnapshot, RequestVote
from raftkv.raft.progress import Mode
from raftkv.raft.state import Role
from raftkv.raft.types import EntryKind, HardState, Membership, encode_entry, entry_payload
from raftkv.raft.update import Update
from raftkv.tests.raft.given import (
    FULL,
    TIMEOUT,
    accept,
    append,
    ask_vote,
    hear,
    leader,
    log_of,
    member,
    persist,
    receive,
    refuse,
    sent,
    settled_leader,
    take,
    terms_of,
    ticks,
    with_config,
)

VOTERS = Membership(frozenset({1, 2, 3}))
OTHERS = Membership(frozenset({1, 2, 3, 4}))


def install(raft: Raft, index: int, term: int, membership: Membership = VOTERS) -> Update:
    """Lets the snapshot of leader 2 arrive."""
    return receive(raft, InstallSnapshot(1, 2, raft.term, index, term, membership))


def follower(*terms: int, commit: int = 0, term: int = 5) -> Raft:
    """A follower of member 2 with a log of these terms."""
    raft = member(log=terms, hard_state=HardState(term, 0, commit))
    receive(raft, AppendEntries(1, 2, term, 0, 0, 0, []))
    take(raft)
    return raft


def cut_leader(entries: int = 10, cut_to: int = 8) -> Raft:
    """A leader whose followers 2 and 3 have all, and whose log starts after `cut_to`."""
    raft = settled_leader(config=FULL)
    take(raft, Propose([b"x"] * (entries - 1)))
    accept(raft, 2)
    accept(raft, 3)
    take(raft, Compact(cut_to))
    return raft


# -- cutting back


def test_a_cut_log_still_knows_the_term_and_configuration_at_the_cut() -> None:
    raft = cut_leader()

    assert (raft.first_index, raft.last_index, raft.term_at(8)) == (9, 10, 1)
    assert raft.membership_at(8) == VOTERS


def test_a_cut_log_weighs_less() -> None:
    raft = settled_leader()
    take(raft, Propose([b"x" * 1_000] * 9))
    accept(raft, 2)
    accept(raft, 3)
    before = raft.log_bytes

    take(raft, Compact(9))

    assert before > 9_000
    assert raft.log_bytes < 2_000


def test_a_cut_behind_an_earlier_one_changes_nothing() -> None:
    raft = cut_leader()

    take(raft, Compact(3))

    assert raft.first_index == 9


def test_an_append_right_after_the_cut_matches() -> None:
    raft = member(log=[1, 1, 1], hard_state=HardState(1, 0, 3))
    take(raft)
    take(raft, Compact(3))

    update = append(raft, 2, 1, (3, 1), [1])

    assert sent(update, AppendEntriesResponse)[0].index == 4


def test_an_append_that_starts_before_the_cut_is_no_conflict() -> None:
    raft = member(log=[1, 1, 1, 1], hard_state=HardState(1, 0, 3))
    take(raft)
    take(raft, Compact(3))

    update = append(raft, 2, 1, (1, 1), [1, 1, 1, 1])

    assert not update.truncate_from
    assert terms_of(raft) == [1, 1]
    assert sent(update, AppendEntriesResponse)[0].index == 5


def test_votes_are_compared_with_the_term_at_the_cut() -> None:
    raft = member(log=[1, 2], hard_state=HardState(2, 0, 2))
    take(raft)
    take(raft, Compact(2))

    assert not ask_vote(raft, 2, 3, (5, 1))
    assert ask_vote(raft, 3, 4, (2, 2))


def test_a_member_restarts_from_a_cut_log() -> None:
    entries = log_of(2, 2, first=8)
    raft = Raft(1, FULL, lambda: TIMEOUT, HardState(2, 0, 8), 7, 1, OTHERS, entries, 7)

    assert (raft.first_index, raft.last_index, raft.commit) == (8, 9, 8)
    assert raft.membership == OTHERS
    assert [entry_payload(entry) for entry in take(raft).committed] == [b"8@2"]


# -- the leader's side


def cut_beyond_learner() -> Raft:
    """A leader with entries 1 to 6 whose log starts after them; learner 3 has not answered yet."""
    raft, update = leader(config=FULL, voters=(1, 2), learners=(3,), log=[1] * 5)
    persist(raft, update)
    accept(raft, 2)
    take(raft, Compact(6))
    return raft


def lags(raft: Raft) -> Update:
    """Learner 3 says that it has nothing."""
    return refuse(raft, 3, 5, hint=(0, 0))


def test_a_follower_whose_next_entry_is_gone_gets_a_snapshot_instead() -> None:
    raft = cut_beyond_learner()

    update = lags(raft)

    assert update.snapshots == [3]
    assert not sent(update, AppendEntries)
    assert raft.status.peers[1].mode is Mode.SNAPSHOT


def test_beside_a_snapshot_no_entries_are_sent_and_no_other_snapshot() -> None:
    raft = cut_beyond_learner()
    lags(raft)

    for _ in range(3):
        ticks(raft, 1)
        hear(raft, 3)
        update = take(raft, Propose([b"z"]))
        assert not update.snapshots
        assert [m.to for m in sent(update, AppendEntries)] == [2]


def test_after_a_snapshot_entries_follow_from_where_it_ends() -> None:
    raft = cut_beyond_learner()
    lags(raft)

    update = take(raft, Propose([b"y"]), SnapshotSent(3, succeeded=True, index=6))

    appends = [m for m in sent(update, AppendEntries) if m.to == 3]
    assert [(m.prev_index, len(m.entries)) for m in appends] == [(6, 1)]


def test_a_snapshot_that_failed_is_tried_again_once_the_follower_is_heard() -> None:
    raft = cut_beyond_learner()
    lags(raft)

    update = take(raft, SnapshotSent(3, succeeded=False, index=0))
    assert not update.snapshots
    ticks(raft, 1)

    assert hear(raft, 3).snapshots == [3]


def test_a_follower_that_is_not_heard_is_sent_no_snapshot() -> None:
    raft = cut_beyond_learner()

    for _ in range(TIMEOUT):
        hear(raft, 2)
        assert not ticks(raft, 1).snapshots

    assert hear(raft, 3).snapshots == [3]


def test_a_follower_that_is_no_longer_heard_gets_no_other_snapshot() -> None:
    raft = cut_beyond_learner()
    lags(raft)
    for _ in range(TIMEOUT):
        hear(raft, 2)
        ticks(raft, 1)

    take(raft, SnapshotSent(3, succeeded=False, index=0))

    for _ in range(TIMEOUT):
        assert not take(raft, Propose([b"y"]), Tick()).snapshots


def test_a_silent_follower_whose_connection_closes_is_sent_no_snapshot() -> None:
    raft = settled_leader(config=FULL)
    take(raft, Propose([b"x"]))
    persist(raft, take(raft, Propose([b"y"])))
    accept(raft, 2)
    take(raft, Compact(raft.commit))
    for _ in range(2 * TIMEOUT):
        hear(raft, 2)
        ticks(raft, 1)

    assert not take(raft, PeerLost(3)).snapshots
    ticks(raft, 1)

    assert hear(raft, 3).snapshots == [3]


def test_a_follower_that_turns_out_to_have_the_entries_needs_no_snapshot() -> None:
    raft = cut_beyond_learner()
    lags(raft)

    raft.step(Propose([b"y"]))
    update = accept(raft, 3, 6)

    appends = [m for m in sent(update, AppendEntries) if m.to == 3]
    assert [(m.prev_index, len(m.entries)) for m in appends] == [(6, 1)]
    assert raft.status.peers[1].mode is Mode.REPLICATE


def test_a_follower_left_behind_while_its_window_was_full_gets_a_snapshot() -> None:
    raft = settled_leader(config=with_config(inflight_messages_max=1))
    for _ in range(4):
        take(raft, Propose([b"x"]))
    persist(raft, take(raft, Propose([b"y"])))
    accept(raft, 2)
    accept(raft, 2)
    hear(raft, 3)
    assert raft.commit == raft.last_index
    take(raft, Compact(raft.last_index))

    update = accept(raft, 3, 2)

    assert update.snapshots == [3]


def test_the_end_of_a_snapshot_that_nobody_waits_for_changes_nothing() -> None:
    raft = cut_leader()
    before = raft.status

    take(raft, SnapshotSent(3, succeeded=True, index=5), SnapshotSent(9, succeeded=True, index=5))

    assert raft.status == before


# -- the follower's side


def test_a_snapshot_ahead_of_the_log_replaces_it() -> None:
    raft = follower(1, 1, commit=1)

    update = install(raft, 9, 4, OTHERS)

    assert update.install == InstallSnapshot(1, 2, 5, 9, 4, OTHERS)
    assert update.must_write
    assert update.truncate_from == 1
    assert (raft.first_index, raft.last_index, raft.commit) == (10, 9, 9)
    assert (raft.term_at(9), raft.membership) == (4, OTHERS)
    assert [m.index for m in sent(update, AppendEntriesResponse)] == [9]
    assert not update.messages, "the answer waits for the write"


def test_entries_that_follow_the_snapshots_last_one_stay() -> None:
    raft = follower(1, 2, 2, 3, commit=1)

    update = install(raft, 3, 2)

    assert terms_of(raft) == [3]
    assert not update.truncate_from


def test_a_log_that_conflicts_with_the_snapshot_goes_wholly() -> None:
    raft = follower(1, 2, 2, 3, commit=1)

    update = install(raft, 3, 4)

    assert terms_of(raft) == []
    assert update.truncate_from == 1
    assert (raft.last_index, raft.term_at(3)) == (3, 4)


@pytest.mark.parametrize("index", [1, 2])
def test_a_snapshot_of_what_is_committed_already_is_late(index: int) -> None:
    raft = follower(1, 1, 1, commit=2)

    update = install(raft, index, 1)

    assert update.install is None
    assert raft.last_index == 3
    assert [m.index for m in sent(update, AppendEntriesResponse)] == [2]


def test_a_snapshot_of_an_earlier_term_is_not_taken() -> None:
    raft = follower(1)

    update = receive(raft, InstallSnapshot(1, 3, 4, 9, 4, VOTERS))

    assert update.install is None
    assert sent(update, AppendEntriesResponse)[0].term == 5


@pytest.mark.parametrize(
    ("index", "term", "membership"),
    [(9, 6, VOTERS), (9, 0, VOTERS), (1 << 70, 4, VOTERS), (9, 4, Membership(frozenset()))],
)
def test_a_snapshot_that_can_not_be_is_not_taken(
    index: int, term: int, membership: Membership
) -> None:
    raft = follower(1)

    assert install(raft, index, term, membership).install is None
    assert raft.last_index == 1


def test_what_the_snapshot_covers_is_not_handed_out_again() -> None:
    raft = follower(1, 2, 2, 3, commit=1)
    install(raft, 3, 2)

    update = append(raft, 2, 5, (4, 3), [5], commit=5)

    assert [entry_payload(entry) for entry in update.committed] == [b"4@3", b"5@5"]


def test_a_snapshot_brings_its_configuration_and_later_ones_in_the_log_stay() -> None:
    raft = follower(1, 1)
    later = encode_membership(OTHERS, b"")
    entry = encode_entry(5, 3, EntryKind.MEMBERSHIP, later)
    receive(raft, AppendEntries(1, 2, 5, 2, 1, 0, [entry]))

    install(raft, 2, 1)
    assert raft.membership == OTHERS
    assert raft.membership_at(2) == VOTERS
    install(raft, 9, 5)

    assert raft.membership == VOTERS


def test_who_got_a_new_configuration_by_snapshot_campaigns_among_its_voters() -> None:
    raft = follower(1)
    install(raft, 9, 4, OTHERS)

    update = ticks(raft)

    assert [m.to for m in sent(update, RequestVote)] == [2, 3, 4]


def test_a_snapshot_counts_as_the_leaders_word() -> None:
    raft = member()
    ticks(raft)
    assert raft.role is Role.CANDIDATE

    receive(raft, InstallSnapshot(1, 2, 1, 9, 1, VOTERS))

    assert (raft.role, raft.leader, raft.last_index) == (Role.FOLLOWER, 2, 9)


def test_entries_not_written_yet_that_a_snapshot_covers_need_not_be() -> None:
    raft = follower(1)
    raft.step(Receive(AppendEntries(1, 2, 5, 1, 1, 0, log_of(2, 3, 3, first=2))))

    update = install(raft, 3, 3)

    assert update.install is not None
    assert update.entries == log_of(3, first=4)
