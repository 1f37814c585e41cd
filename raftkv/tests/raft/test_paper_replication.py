"""Sections 5.3, 5.4.2 and 5.5 of the paper and thesis 10.2.1: how logs become equal, and committed.

A test for each sentence that says what a member does, in our words; given, when, then.
"""

import pytest

from raftkv.raft.core import Raft
from raftkv.raft.events import PeerLost, Persisted, Propose, Receive, Tick
from raftkv.raft.messages import (
    COMMIT_NOTICE,
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    HeartbeatResponse,
)
from raftkv.raft.progress import Mode
from raftkv.raft.state import Role
from raftkv.raft.types import HardState, encode_entry, entry_payload
from raftkv.raft.update import Update
from raftkv.tests.raft.given import (
    FULL,
    accept,
    answer,
    append,
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


def propose(raft: Raft, *payloads: bytes) -> list[AppendEntries]:
    """Proposes in one step; the appends that follow."""
    return sent(take(raft, Propose(list(payloads))), AppendEntries)


def two_heartbeats(raft: Raft) -> Update:
    """Lets member 2 answer two heartbeats, and nothing else; the update after the second."""
    ticks(raft, 1)
    hear(raft, 2)
    ticks(raft, 1)
    return hear(raft, 2)


def payloads(entries: list[bytes]) -> list[bytes]:
    """What entries carry."""
    return [entry_payload(entry) for entry in entries]


# -- 5.3: the leader


def test_a_leader_appends_a_command_and_sends_it_to_all_others_in_parallel() -> None:
    raft = settled_leader()

    update = take(raft, Propose([b"a"]))

    assert payloads(update.entries) == [b"a"]
    assert [
        (m.to, m.prev_index, m.prev_term, m.commit, payloads(m.entries))
        for m in sent(update, AppendEntries)
    ] == [(2, 1, 1, 1, [b"a"]), (3, 1, 1, 1, [b"a"])]


def test_everything_proposed_between_two_updates_leaves_in_one_message_a_follower() -> None:
    raft = settled_leader()

    update = take(raft, Propose([b"a", b"b"]), Propose([b"c"]), Tick(), Propose([b"d"]))

    assert [payloads(m.entries) for m in sent(update, AppendEntries)] == [
        [b"a", b"b", b"c", b"d"]
    ] * 2


def test_a_leader_sends_beside_its_own_write_and_a_follower_answers_after_it() -> None:
    raft = settled_leader()
    assert not take(raft, Propose([b"a"])).messages_after_write

    update = append(member(2), 1, 1, (0, 0), [1])

    assert not update.messages
    assert sent(update, AppendEntriesResponse)[0].index == 1


def test_followers_and_candidates_reject_proposals() -> None:
    raft = member()
    assert take(raft, Propose([b"a", b"b"])).rejected == [b"a", b"b"]
    ticks(raft)
    assert take(raft, Propose([b"c"])).rejected == [b"c"]
    assert raft.last_index == 0


@pytest.mark.parametrize(
    ("voters", "acknowledged", "committed"),
    [
        ((1, 2), (), False),
        ((1, 2), (2,), True),
        ((1, 2, 3), (), False),
        ((1, 2, 3), (2,), True),
        ((1, 2, 3), (3,), True),
        ((1, 2, 3, 4), (2,), False),
        ((1, 2, 3, 4), (2, 4), True),
        ((1, 2, 3, 4, 5), (2,), False),
        ((1, 2, 3, 4, 5), (2, 5), True),
    ],
)
def test_an_entry_is_committed_once_a_majority_has_it(
    voters: tuple[int, ...], acknowledged: tuple[int, ...], *, committed: bool
) -> None:
    raft = settled_leader(voters=voters)
    update = take(raft, Propose([b"a"]))
    handed_out = persist(raft, update).committed

    for follower in acknowledged:
        handed_out += accept(raft, follower).committed

    assert (raft.commit == 2) is committed
    assert payloads(handed_out) == ([b"a"] if committed else [])


def test_a_leader_alone_commits_what_its_disk_has_and_not_before() -> None:
    raft, update = leader(voters=(1,))
    assert (raft.commit, update.committed) == (0, [])

    update = persist(raft, update)

    assert (raft.commit, payloads(update.committed)) == (1, [b""])


def test_a_leader_does_not_count_itself_for_what_its_disk_does_not_have() -> None:
    raft = settled_leader()
    update = take(raft, Propose([b"a"]))

    persist(raft, update)
    assert raft.commit == 1
    update = take(raft, Propose([b"b"]))
    accept(raft, 2, 2)
    accept(raft, 2, 3)
    assert raft.commit == 2
    persist(raft, update)

    assert raft.commit == 3


def test_a_quorum_of_others_commits_before_the_leader_has_written() -> None:
    raft = settled_leader()
    take(raft, Propose([b"a"]))

    accept(raft, 2)
    update = accept(raft, 3)

    assert (raft.commit, payloads(update.committed)) == (2, [b"a"])


def test_committing_an_entry_commits_all_before_it() -> None:
    raft, update = leader(log=[1, 1, 2])
    handed_out = persist(raft, update).committed

    handed_out += accept(raft, 3).committed

    assert raft.commit == 4
    assert payloads(handed_out) == [b"1@1", b"2@1", b"3@2", b""]


def test_learners_do_not_count_towards_committing() -> None:
    raft = settled_leader(voters=(1, 2, 3), learners=(4, 5))
    persist(raft, take(raft, Propose([b"a"])))

    accept(raft, 4)
    accept(raft, 5)

    assert raft.commit == 1


def test_followers_learn_of_the_commit_index_with_the_next_append() -> None:
    raft = settled_leader()
    persist(raft, take(raft, Propose([b"a"])))
    raft.step(Propose([b"b"]))

    update = accept(raft, 2, 2)

    assert [m.commit for m in sent(update, AppendEntries)] == [2, 2]
    assert not sent(update, Heartbeat)


def test_with_no_append_due_followers_are_told_of_the_commit_index_at_once() -> None:
    raft = settled_leader()
    persist(raft, take(raft, Propose([b"a"])))

    update = accept(raft, 2, 2)

    assert [(m.to, m.commit, m.round) for m in sent(update, Heartbeat)] == [
        (2, 2, COMMIT_NOTICE),
        (3, 2, COMMIT_NOTICE),
    ]


def test_a_notice_of_the_commit_index_is_not_answered() -> None:
    raft = member(2)
    append(raft, 1, 1, (0, 0), [1])

    update = receive(raft, Heartbeat(2, 1, 1, 1, COMMIT_NOTICE))

    assert payloads(update.committed) == [b"1@1"]
    assert not sent(update, HeartbeatResponse)


# -- 5.3: the follower


@pytest.mark.parametrize(
    ("log", "prev", "new", "result"),
    [
        ([], (0, 0), [1], [1]),
        ([1], (1, 1), [1, 2], [1, 1, 2]),
        ([1, 1], (0, 0), [1], [1, 1]),
        ([1, 1], (0, 0), [1, 1, 2], [1, 1, 2]),
        ([1, 1], (1, 1), [2], [1, 2]),
        ([1, 1, 1], (0, 0), [2], [2]),
        ([1, 1, 1], (1, 1), [1, 2], [1, 1, 2]),
        ([1, 1, 1], (1, 1), [], [1, 1, 1]),
        ([1, 2, 2], (2, 2), [3, 3], [1, 2, 3, 3]),
    ],
)
def test_entries_in_conflict_go_and_so_do_all_that_follow_them(
    log: list[int], prev: tuple[int, int], new: list[int], result: list[int]
) -> None:
    raft = member(log=log)

    update = append(raft, 2, 5, prev, new)

    assert terms_of(raft) == result
    assert sent(update, AppendEntriesResponse)[0].index == prev[0] + len(new)
    stored = log_of(*log)
    if update.truncate_from:
        del stored[update.truncate_from - 1 :]
    assert stored + update.entries == [raft.entry_at(at + 1) for at in range(len(result))]


@pytest.mark.parametrize("prev", [(3, 1), (2, 2), (7, 3), (1, 2)])
def test_an_append_after_an_entry_that_is_not_here_is_rejected(prev: tuple[int, int]) -> None:
    raft = member(log=[1, 1])

    update = append(raft, 2, 3, prev, [3])

    response = sent(update, AppendEntriesResponse)[0]
    assert (response.rejected, response.index) == (True, prev[0])
    assert terms_of(raft) == [1, 1]


FIGURE_7 = {
    "a": [1, 1, 1, 4, 4, 5, 5, 6, 6],
    "b": [1, 1, 1, 4],
    "c": [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    "d": [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    "e": [1, 1, 1, 4, 4, 4, 4],
    "f": [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
}


@pytest.mark.parametrize("log", FIGURE_7.values(), ids=FIGURE_7)
def test_a_leader_makes_any_log_equal_to_its_own(log: list[int]) -> None:
    own = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
    raft, update = leader(log=own, hard_state=HardState(7))
    follower = member(2, log=log, hard_state=HardState(7))
    exchanges = 0
    waiting = [m for m in sent(update, AppendEntries) if m.to == 2]
    while waiting:
        exchanges += 1
        replies = sent(receive(follower, *waiting), AppendEntriesResponse)
        waiting = [m for m in sent(receive(raft, *replies), AppendEntries) if m.to == 2]

    assert terms_of(follower) == terms_of(raft)
    assert exchanges <= 3, f"{exchanges} messages: a term in conflict takes one"


def test_a_leader_never_changes_its_own_log() -> None:
    raft = settled_leader(log=[1, 1])
    before = terms_of(raft)

    append(raft, 2, raft.term, (0, 0), [1])
    append(raft, 2, raft.term, (3, 2), [2])

    assert raft.role is Role.LEADER
    assert terms_of(raft) == before


def test_an_append_that_comes_twice_or_late_changes_nothing() -> None:
    raft = member()
    append(raft, 2, 1, (0, 0), [1, 1, 1], commit=1)

    for prev, new in (((0, 0), [1]), ((1, 1), [1, 1]), ((0, 0), []), ((1, 1), [1])):
        update = append(raft, 2, 1, prev, new)
        assert not update.must_write

    assert terms_of(raft) == [1, 1, 1]


def test_an_append_that_reaches_back_before_the_commit_index_is_taken_from_there() -> None:
    raft = member()
    append(raft, 2, 1, (0, 0), [1, 1, 1], commit=3)

    update = append(raft, 2, 1, (1, 1), [1, 1, 1, 1], commit=4)

    assert terms_of(raft) == [1] * 5
    assert payloads(update.committed) == [b"4@1"]
    assert sent(update, AppendEntriesResponse)[0].index == 5


def test_an_old_append_wholly_before_the_commit_index_is_acknowledged_up_to_there() -> None:
    raft = member()
    append(raft, 2, 1, (0, 0), [1, 1, 1], commit=3)

    update = append(raft, 2, 1, (0, 0), [1])

    assert sent(update, AppendEntriesResponse)[0].index == 3


@pytest.mark.parametrize(
    ("new", "leader_commit", "commit"),
    [([], 1, 1), ([], 3, 1), ([1], 1, 1), ([1], 2, 2), ([1], 3, 2), ([1, 1], 9, 3)],
)
def test_a_follower_commits_no_further_than_the_append_has_verified(
    new: list[int], leader_commit: int, commit: int
) -> None:
    raft = member(log=[1, 1, 1, 1])

    append(raft, 2, 2, (1, 1), new, commit=leader_commit)

    assert raft.commit == commit


def test_a_heartbeat_commits_no_further_than_this_leader_has_verified() -> None:
    raft = member(log=[1, 1, 1, 1])
    append(raft, 2, 2, (2, 1))

    receive(raft, Heartbeat(1, 2, 2, 4, 1))
    assert raft.commit == 2
    append(raft, 3, 3, (3, 1))
    receive(raft, Heartbeat(1, 3, 3, 4, 1))

    assert raft.commit == 3


def test_a_follower_hands_out_what_is_committed_once_and_in_order() -> None:
    raft = member()
    handed_out = append(raft, 2, 1, (0, 0), [1, 1, 1], commit=2).committed
    handed_out += append(raft, 2, 1, (3, 1), [], commit=2).committed
    handed_out += append(raft, 2, 1, (3, 1), [1], commit=4).committed

    assert payloads(handed_out) == [b"1@1", b"2@1", b"3@1", b"4@1"]


def test_after_a_restart_only_what_was_not_applied_is_handed_out() -> None:
    stored = HardState(term=1, commit=3)
    raft = member(log=[1, 1, 1, 1], hard_state=stored, applied=2)

    assert payloads(take(raft).committed) == [b"3@1"]


@pytest.mark.parametrize(("stored", "applied", "commit"), [(9, 0, 2), (0, 2, 2), (1, 2, 2)])
def test_a_restarted_member_takes_the_commit_index_it_can_vouch_for(
    stored: int, applied: int, commit: int
) -> None:
    raft = member(log=[1, 1], hard_state=HardState(1, 0, stored), applied=applied)

    assert raft.commit == commit


def test_a_damaged_or_misplaced_entry_is_not_taken() -> None:
    raft = member()
    good = log_of(1, 1)
    damaged = good[1][:-1] + b"?"
    for bad in ([good[0], damaged], [good[1]], [b"short"], [good[0], good[0]], log_of(2, 1)):
        update = receive(raft, AppendEntries(1, 2, 2, 0, 0, 0, bad))
        assert not sent(update, AppendEntriesResponse)
    beyond = [encode_entry(3, 1, 0, b"of a later term than its leader")]
    receive(raft, AppendEntries(1, 2, 2, 0, 0, 0, beyond))

    assert raft.last_index == 0


# -- 5.3: back-off, retries, pipelining


def test_a_new_leader_starts_after_its_last_entry_with_everybody() -> None:
    _, update = leader(log=[1, 1, 2])

    assert [(m.prev_index, m.prev_term) for m in sent(update, AppendEntries)] == [(3, 2)] * 2


def test_a_rejection_skips_to_where_the_logs_may_agree() -> None:
    raft, _ = leader(log=[1, 1, 2, 2, 2, 3], hard_state=HardState(5))

    update = refuse(raft, 2, 6, hint=(5, 1))

    assert [(m.prev_index, m.prev_term) for m in sent(update, AppendEntries)] == [(2, 1)]


def test_a_follower_names_the_last_index_that_may_agree() -> None:
    raft = member(log=[1, 1, 4, 4, 4], hard_state=HardState(5))

    update = append(raft, 2, 6, (5, 3))

    response = sent(update, AppendEntriesResponse)[0]
    assert (response.hint_index, response.hint_term) == (2, 1)


def test_a_follower_without_the_entry_names_its_last_one() -> None:
    raft = member(log=[1, 1])

    update = append(raft, 2, 6, (9, 5))

    response = sent(update, AppendEntriesResponse)[0]
    assert (response.hint_index, response.hint_term) == (2, 1)


def test_a_late_rejection_is_not_believed() -> None:
    raft = settled_leader(log=[1, 1])
    take(raft, Propose([b"a"]))
    for index in (1, 2, 3):
        update = refuse(raft, 2, index, hint=(0, 0))
        assert not sent(update, AppendEntries)

    assert raft.match_index(2) == 3


def test_before_its_log_is_known_to_match_a_follower_gets_one_message_at_a_time() -> None:
    raft, _ = leader()

    assert propose(raft, b"a") == []
    accept(raft, 2, 1)
    appends = propose(raft, b"b")

    assert [(m.to, m.prev_index) for m in appends] == [(2, 2)]
    assert payloads(appends[0].entries) == [b"b"]


def test_once_its_log_matches_a_follower_gets_messages_without_waiting() -> None:
    raft = settled_leader()

    sizes = [len(propose(raft, b"a")) for _ in range(5)]

    assert sizes == [2] * 5
    assert {peer.inflight_messages for peer in raft.status.peers} == {5}


def test_the_window_limits_the_messages_in_flight() -> None:
    raft = settled_leader(config=with_config(inflight_messages_max=2))
    assert [len(propose(raft, b"a")) for _ in range(4)] == [2, 2, 0, 0]

    appends = sent(accept(raft, 2, 2), AppendEntries)

    assert [(m.to, payloads(m.entries)) for m in appends] == [(2, [b"a", b"a"])]


def test_the_window_limits_the_bytes_in_flight() -> None:
    raft = settled_leader(config=with_config(inflight_bytes_max=100))
    assert len(propose(raft, b"x" * 100)) == 2
    assert propose(raft, b"y") == []

    assert [m.to for m in sent(accept(raft, 3, 2), AppendEntries)] == [3]


def test_an_append_carries_a_limited_number_of_bytes_but_at_least_one_entry() -> None:
    raft = settled_leader(config=with_config(append_bytes_max=60))

    appends = propose(raft, b"a", b"b", b"c", b"d" * 100, b"e")

    assert [payloads(m.entries) for m in appends if m.to == 2] == [
        [b"a", b"b"],
        [b"c"],
        [b"d" * 100],
        [b"e"],
    ]


def test_a_lost_probe_is_repeated_once_the_follower_is_heard_again() -> None:
    raft, _ = leader(config=FULL)
    assert not sent(ticks(raft, 3), AppendEntries)

    update = hear(raft, 2)

    assert [(m.to, m.prev_index) for m in sent(update, AppendEntries)] == [(2, 0)]


def test_a_gap_in_the_pipeline_is_found_out_and_filled() -> None:
    raft = settled_leader(config=FULL)
    for _ in range(3):
        propose(raft, b"lost")
    probe = sent(two_heartbeats(raft), AppendEntries)
    assert [(m.to, m.prev_index, m.entries) for m in probe] == [(2, 4, [])]

    update = refuse(raft, 2, 4, hint=(1, 1))

    assert [(m.prev_index, len(m.entries)) for m in sent(update, AppendEntries)] == [(1, 3)]


def test_a_gap_is_found_out_even_when_the_window_is_full() -> None:
    raft = settled_leader(config=with_config(inflight_messages_max=1))
    propose(raft, b"lost")
    propose(raft, b"waits")

    update = two_heartbeats(raft)

    assert [(m.prev_index, m.entries) for m in sent(update, AppendEntries)] == [(2, [])]


def test_answers_to_many_heartbeats_of_one_interval_repeat_nothing() -> None:
    raft, _ = leader(config=FULL)
    ticks(raft, 1)
    hear(raft, 2)

    for _ in range(5):
        assert not sent(hear(raft, 2), AppendEntries)


def test_a_lost_connection_makes_the_leader_start_over_from_what_is_known_to_be_there() -> None:
    raft = settled_leader()
    propose(raft, b"lost")

    update = take(raft, PeerLost(2))

    assert [(m.to, m.prev_index, len(m.entries)) for m in sent(update, AppendEntries)] == [
        (2, 1, 1)
    ]
    assert raft.status.peers[0].mode is Mode.PROBE


def test_accepted_entries_of_several_appends_are_answered_once() -> None:
    raft = member()
    first = AppendEntries(1, 2, 1, 0, 0, 0, log_of(1))
    second = AppendEntries(1, 2, 1, 1, 1, 0, log_of(1, 1, first=2))

    update = receive(raft, first, second)

    assert [m.index for m in sent(update, AppendEntriesResponse)] == [3]


def test_what_one_leader_sent_is_not_acknowledged_to_the_next() -> None:
    raft = member(log=[1])
    old = AppendEntries(1, 2, 2, 1, 1, 0, log_of(2, 2, first=2))

    update = receive(raft, old, Heartbeat(1, 3, 3, 0, 1))
    assert not sent(update, AppendEntriesResponse)
    update = append(raft, 3, 3, (1, 1), [3])

    assert [(m.to, m.index) for m in sent(update, AppendEntriesResponse)] == [(3, 2)]


def test_too_much_uncommitted_rejects_proposals_until_some_is_committed() -> None:
    raft = settled_leader(config=with_config(uncommitted_bytes_max=50))
    update = take(raft, Propose([b"a" * 100]))
    assert take(raft, Propose([b"b"])).rejected == [b"b"]

    persist(raft, update)
    accept(raft, 2)

    assert take(raft, Propose([b"c"])).rejected == []


# -- 5.4.2: entries of earlier terms


def test_entries_of_earlier_terms_are_not_committed_by_counting() -> None:
    raft, update = leader(log=[1, 2], hard_state=HardState(3), voters=(1, 2, 3, 4, 5))
    persist(raft, update)
    assert raft.term == 4

    for follower in (2, 3, 4):
        accept(raft, follower, 2)
    assert raft.commit == 0
    accept(raft, 2, 3)
    assert raft.commit == 0
    accept(raft, 3, 3)

    assert raft.commit == 3


# -- 10.2.1 and durability


def test_an_entry_that_was_replaced_while_it_was_written_is_not_taken_for_durable() -> None:
    raft = member(log=[1])
    append(raft, 2, 2, (1, 1), [2])
    append(raft, 3, 3, (1, 1), [3])

    take(raft, Persisted(2, 2))
    assert raft._state.log.durable_index == 1
    take(raft, Persisted(3, 2))

    assert raft._state.log.durable_index == 2


def test_what_a_member_had_not_written_when_it_became_leader_does_not_count_yet() -> None:
    raft = member(voters=(1, 2), log=[1])
    append(raft, 2, 2, (1, 1), [2])
    ticks(raft)
    update = answer(raft, [2])
    assert raft.role is Role.LEADER

    accept(raft, 2, raft.last_index)
    take(raft, Persisted(2, 2))
    assert raft.commit == 0
    persist(raft, update)

    assert raft.commit == 3


def test_a_follower_applies_what_is_committed_and_appended_in_the_same_message() -> None:
    update = append(member(), 2, 1, (0, 0), [1], commit=1)

    assert payloads(update.entries) == payloads(update.committed) == [b"1@1"]
    assert update.hard_state == HardState(1, 0, 1)


def test_nothing_is_asked_for_when_nothing_happened() -> None:
    raft = member()
    assert raft.take_update() is None
    raft.step(Receive(Heartbeat(1, 9, 0, 0, COMMIT_NOTICE)))
    assert raft.take_update() is None
