"""Sections 5.1, 5.2 and 5.4.1 of the paper and thesis 3.10, 4.2.3, 6.2 and 9.6: who may lead.

A test for each sentence that says what a member does, in our words; given, when, then.
"""

import pytest

from raftkv.raft.core import Raft
from raftkv.raft.events import Hasten, PeerLost, Persisted, Receive, Tick, TransferLeadership
from raftkv.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    HeartbeatResponse,
    InstallSnapshot,
    Message,
    RequestVote,
    RequestVoteResponse,
    TimeoutNow,
)
from raftkv.raft.state import Role
from raftkv.raft.types import HardState, Membership
from raftkv.tests.raft.given import (
    FULL,
    PLAIN,
    TIMEOUT,
    accept,
    answer,
    append,
    ask_vote,
    candidate,
    hear,
    leader,
    log_of,
    member,
    receive,
    role_of,
    sent,
    settled_leader,
    take,
    ticks,
)
from raftkv.tests.raft.world import Disk, World

VOTERS = Membership(frozenset({1, 2, 3}))


def follower(**given: object) -> Raft:
    """A follower of member 2 in term 1."""
    raft = member(**given)  # type: ignore[arg-type]
    append(raft, 2, 1, (0, 0))
    return raft


def in_role(role: Role) -> Raft:
    """A member of three in each role, with the full algorithm."""
    if role is Role.FOLLOWER:
        return follower(config=FULL)
    if role is Role.LEADER:
        return settled_leader(config=FULL)
    raft = member(config=FULL)
    ticks(raft)
    if role is Role.CANDIDATE:
        answer(raft, [2])
    assert raft.role is role, f"{raft.role.name} instead of {role.name}"
    return raft


def messages_of(term: int, sender: int = 2) -> list[Message]:
    """One of each kind that shows a term its sender is in."""
    return [
        RequestVote(1, sender, term, 9, term, pre_vote=False, transfer=True),
        RequestVoteResponse(1, sender, term, granted=False, pre_vote=False),
        AppendEntries(1, sender, term, 0, 0, 0, []),
        AppendEntriesResponse(1, sender, term, rejected=True, index=0, hint_index=0, hint_term=0),
        Heartbeat(1, sender, term, 0, 1),
        HeartbeatResponse(1, sender, term, 1),
        InstallSnapshot(1, sender, term, 20, term, VOTERS),
    ]


# -- 5.1: terms


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", range(7))
def test_a_member_enters_any_higher_term_it_sees_and_follows(role: Role, kind: int) -> None:
    raft = in_role(role)

    receive(raft, messages_of(term=8)[kind])

    assert (raft.term, raft.role) == (8, Role.FOLLOWER)


def test_a_term_is_durable_before_anyone_is_told_that_it_was_entered() -> None:
    raft = member()

    update = receive(raft, Heartbeat(1, 2, 5, 0, 1))
    assert update.must_write
    assert not update.messages
    assert [type(m) for m in update.messages_after_write] == [HeartbeatResponse]

    assert receive(raft, Heartbeat(1, 2, 5, 0, 1)).messages


def test_a_member_that_enters_a_term_has_not_voted_in_it() -> None:
    raft = candidate()
    assert raft.vote == 1

    receive(raft, Heartbeat(1, 2, 5, 0, 1))

    assert (raft.term, raft.vote, raft.leader) == (5, 0, 2)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", range(7))
def test_a_message_with_a_stale_term_changes_nothing(role: Role, kind: int) -> None:
    raft = in_role(role)
    term = raft.term + 5
    receive(raft, Heartbeat(1, 3, term, 0, 1))
    before = raft.status

    update = receive(raft, messages_of(term=term - 1)[kind])

    assert raft.status == before
    assert not update.must_write


def test_requests_with_a_stale_term_are_refused_with_the_current_one() -> None:
    raft = member(hard_state=HardState(term=5))
    old = messages_of(term=4)

    update = receive(raft, *old)

    answered = [(type(message).__name__, message.term) for message in update.messages]
    assert answered == [
        ("RequestVoteResponse", 5),
        ("AppendEntriesResponse", 5),
        ("AppendEntriesResponse", 5),
        ("AppendEntriesResponse", 5),
    ]


def test_a_leader_that_learns_of_a_higher_term_from_a_refusal_steps_down() -> None:
    raft = settled_leader(config=FULL)
    refusal = AppendEntriesResponse(1, 2, 9, rejected=True, index=0, hint_index=0, hint_term=0)

    receive(raft, refusal)

    assert (raft.role, raft.term, raft.leader) == (Role.FOLLOWER, 9, 0)


# -- 5.2: elections


def test_members_start_as_followers_of_nobody() -> None:
    raft = member(log=[1, 1], hard_state=HardState(term=3, vote=2, commit=1))

    assert (raft.role, raft.term, raft.vote, raft.leader) == (Role.FOLLOWER, 3, 2, 0)


def test_a_follower_stays_one_while_it_hears_from_a_leader() -> None:
    raft = follower()
    for message in (Heartbeat(1, 2, 1, 0, 1), AppendEntries(1, 2, 1, 0, 0, 0, [])):
        for _ in range(5):
            ticks(raft, TIMEOUT - 1)
            receive(raft, message)

    assert raft.role is Role.FOLLOWER


def test_a_follower_waits_anew_after_it_gave_its_vote() -> None:
    raft = member()
    ticks(raft, TIMEOUT - 1)

    assert ask_vote(raft, 2, 1)
    ticks(raft, TIMEOUT - 1)

    assert raft.role is Role.FOLLOWER


def test_a_follower_that_refuses_its_vote_does_not_wait_any_longer_for_that() -> None:
    raft = member(log=[1])
    ticks(raft, TIMEOUT - 1)

    assert not ask_vote(raft, 2, 2, log=(0, 0))
    ticks(raft, 1)

    assert raft.role is Role.CANDIDATE


def test_after_silence_a_follower_starts_an_election() -> None:
    raft = follower()

    ticks(raft, TIMEOUT - 1)
    assert raft.role is Role.FOLLOWER
    update = ticks(raft, 1)

    assert (raft.role, raft.term, raft.vote, raft.leader) == (Role.CANDIDATE, 2, 1, 0)
    assert [(m.to, m.term) for m in sent(update, RequestVote)] == [(2, 2), (3, 2)]


def test_term_and_own_vote_are_durable_together_before_anyone_is_asked() -> None:
    update = ticks(member())

    assert update.must_write
    assert update.hard_state == HardState(term=1, vote=1, commit=0)
    assert not update.messages
    assert len(update.messages_after_write) == 2


@pytest.mark.parametrize(
    ("members", "votes", "wins"),
    [
        (1, 0, True),
        (2, 0, False),
        (2, 1, True),
        (3, 0, False),
        (3, 1, True),
        (4, 1, False),
        (4, 2, True),
        (5, 1, False),
        (5, 2, True),
        (6, 2, False),
        (6, 3, True),
        (7, 2, False),
        (7, 3, True),
    ],
)
def test_votes_of_a_majority_win(members: int, votes: int, *, wins: bool) -> None:
    raft = member(voters=range(1, members + 1))
    ticks(raft)

    answer(raft, range(2, 2 + votes))

    assert raft.role is (Role.LEADER if wins else Role.CANDIDATE)


def test_a_majority_of_refusals_ends_the_candidacy() -> None:
    raft = candidate()

    answer(raft, [2], granted=False)
    assert raft.role is Role.CANDIDATE
    answer(raft, [3], granted=False)

    assert (raft.role, raft.term, raft.vote) == (Role.FOLLOWER, 1, 1)


def test_a_voter_that_answers_twice_counts_once() -> None:
    raft = candidate(voters=(1, 2, 3, 4, 5))

    answer(raft, [2, 2, 2])

    assert raft.role is Role.CANDIDATE


def test_votes_of_who_is_not_a_voter_do_not_count() -> None:
    raft = candidate(learners=(4,))

    answer(raft, [4, 5, 6, 7])

    assert raft.role is Role.CANDIDATE
    assert set(raft._state.votes) <= {1, 4}, "strangers are not even remembered"


def test_a_vote_from_an_earlier_term_does_not_count() -> None:
    raft = candidate()
    ticks(raft)
    assert raft.term == 2

    receive(raft, RequestVoteResponse(1, 2, 1, granted=True, pre_vote=False))

    assert raft.role is Role.CANDIDATE


def test_a_member_votes_for_one_candidate_a_term_and_again_for_the_same() -> None:
    raft = member()

    assert ask_vote(raft, 2, 1)
    assert not ask_vote(raft, 3, 1)
    assert ask_vote(raft, 2, 1)
    assert ask_vote(raft, 3, 2)


def test_a_vote_outlasts_a_restart() -> None:
    raft = member(hard_state=HardState(term=4, vote=2))

    assert not ask_vote(raft, 3, 4)
    assert ask_vote(raft, 2, 4)


def test_a_vote_is_durable_before_it_is_given() -> None:
    raft = member()

    update = receive(raft, RequestVote(1, 2, 1, 0, 0, pre_vote=False, transfer=False))

    assert update.must_write
    assert update.hard_state == HardState(term=1, vote=2, commit=0)
    assert not update.messages
    assert sent(update, RequestVoteResponse)[0].granted


def test_a_vote_in_a_term_entered_before_is_written_too() -> None:
    raft = member(hard_state=HardState(term=1))

    update = receive(raft, RequestVote(1, 2, 1, 0, 0, pre_vote=False, transfer=False))

    assert update.must_write
    assert update.hard_state == HardState(term=1, vote=2, commit=0)


def test_a_vote_given_again_still_waits_for_the_write_that_may_be_under_way() -> None:
    raft = member()
    request = RequestVote(1, 2, 1, 0, 0, pre_vote=False, transfer=False)
    receive(raft, request)

    update = receive(raft, request)

    assert not update.messages
    assert len(update.messages_after_write) == 1


def test_who_knows_the_leader_of_a_term_votes_for_nobody_else_in_it() -> None:
    raft = follower()

    assert raft.vote == 0
    assert not ask_vote(raft, 3, 1, log=(9, 1))


def test_a_new_leader_tells_everybody_at_once() -> None:
    _, update = leader()

    assert [(m.to, m.term) for m in sent(update, AppendEntries)] == [(2, 1), (3, 1)]


def test_a_leader_sends_heartbeats_to_everybody() -> None:
    raft = settled_leader(learners=(4,))

    update = ticks(raft, 1)

    assert [(m.to, m.term, m.commit) for m in sent(update, Heartbeat)] == [
        (2, 1, 1),
        (3, 1, 1),
        (4, 1, 1),
    ]


@pytest.mark.parametrize("config", [PLAIN, FULL], ids=["candidate", "pre-candidate"])
@pytest.mark.parametrize("newer", [0, 3])
def test_a_candidate_that_hears_from_a_leader_of_its_term_or_a_later_one_follows_it(
    config: object, newer: int
) -> None:
    raft = member(config=config)  # type: ignore[arg-type]
    ticks(raft)

    append(raft, 3, raft.term + newer, (0, 0))

    assert (raft.role, raft.leader) == (Role.FOLLOWER, 3)


def test_a_candidate_refuses_a_leader_of_an_earlier_term_and_goes_on() -> None:
    raft = candidate()
    ticks(raft)

    update = append(raft, 3, 1, (0, 0), [1])

    assert (raft.role, raft.term, raft.last_index) == (Role.CANDIDATE, 2, 0)
    assert sent(update, AppendEntriesResponse)[0].term == 2


def test_a_candidate_that_neither_wins_nor_loses_tries_again_in_a_new_term() -> None:
    raft = candidate()
    answer(raft, [2], granted=False)

    update = ticks(raft)

    assert (raft.role, raft.term) == (Role.CANDIDATE, 2)
    assert [m.term for m in sent(update, RequestVote)] == [2, 2]


def test_after_a_split_vote_the_next_attempt_comes_soon() -> None:
    raft = candidate(config=FULL)
    answer(raft, [2], granted=False)
    assert raft.role is Role.CANDIDATE

    update = ticks(raft, 3)

    assert role_of(raft) is Role.PRE_CANDIDATE
    assert {(m.term, m.pre_vote) for m in sent(update, RequestVote)} == {(2, True)}


def test_election_timeouts_are_drawn_anew_for_each_election() -> None:
    draws = iter([4, 7, 5, 9])
    raft = member(election_timeout=lambda: next(draws))
    waited = []
    for _ in range(3):
        term, count = raft.term, 0
        while raft.term == term:
            ticks(raft, 1)
            count += 1
        waited.append(count)

    assert waited == [4, 7, 5]


# -- 5.4.1: up-to-date logs


@pytest.mark.parametrize(
    ("own", "other", "granted"),
    [
        ([1], (1, 1), True),
        ([1], (2, 1), True),
        ([1, 1], (1, 1), False),
        ([1], (1, 2), True),
        ([1, 1, 1], (1, 2), True),
        ([1, 2], (9, 1), False),
        ([], (0, 0), True),
        ([1], (0, 0), False),
    ],
)
@pytest.mark.parametrize("pre_vote", [False, True])
def test_a_voter_denies_candidates_whose_log_is_behind_its_own(
    own: list[int], other: tuple[int, int], *, granted: bool, pre_vote: bool
) -> None:
    raft = member(log=own)

    assert ask_vote(raft, 2, 3, other, pre_vote=pre_vote) is granted


# -- thesis 9.6: pre-vote


def test_before_it_raises_its_term_a_member_asks_whether_it_could_win() -> None:
    raft = member(config=FULL, hard_state=HardState(term=4, vote=3))

    update = ticks(raft)

    assert (raft.role, raft.term, raft.vote) == (Role.PRE_CANDIDATE, 4, 3)
    assert not update.must_write
    assert [(m.to, m.term, m.pre_vote) for m in sent(update, RequestVote)] == [
        (2, 5, True),
        (3, 5, True),
    ]


def test_a_majority_of_pre_votes_starts_the_election_proper() -> None:
    raft = member(config=FULL)
    ticks(raft)

    update = answer(raft, [3])

    assert (raft.role, raft.term, raft.vote) == (Role.CANDIDATE, 1, 1)
    assert [m.pre_vote for m in sent(update, RequestVote)] == [False, False]


def test_a_pre_vote_given_changes_neither_term_nor_vote_nor_timer() -> None:
    raft = member(config=FULL, hard_state=HardState(term=2, vote=3))
    ticks(raft, TIMEOUT - 1)

    update = receive(raft, RequestVote(1, 2, 3, 0, 0, pre_vote=True, transfer=False))

    assert sent(update, RequestVoteResponse) == [
        RequestVoteResponse(2, 1, 3, granted=True, pre_vote=True)
    ]
    assert not update.must_write
    assert (raft.term, raft.vote) == (2, 3)
    ticks(raft, 1)
    assert raft.role is Role.PRE_CANDIDATE


def test_a_pre_vote_is_no_vote() -> None:
    raft = member(config=FULL)
    ticks(raft)
    answer(raft, [2])
    assert raft.role is Role.CANDIDATE

    for term in (raft.term, raft.term + 1):
        receive(raft, RequestVoteResponse(1, 3, term, granted=True, pre_vote=True))

    assert (raft.role, raft.term) == (Role.CANDIDATE, 1)


def test_a_vote_is_no_pre_vote() -> None:
    raft = member(config=FULL)
    ticks(raft)

    receive(raft, RequestVoteResponse(1, 2, 0, granted=True, pre_vote=False))

    assert raft.role is Role.PRE_CANDIDATE


def test_a_member_cut_off_does_not_raise_its_term() -> None:
    raft = member(config=FULL, log=[1], hard_state=HardState(term=1))

    ticks(raft, 20 * TIMEOUT)

    assert raft.term == 1


def test_a_pre_vote_for_a_term_that_is_past_is_refused_with_the_current_one() -> None:
    raft = member(config=FULL, hard_state=HardState(term=6))

    update = receive(raft, RequestVote(1, 2, 4, 5, 3, pre_vote=True, transfer=False))

    assert sent(update, RequestVoteResponse) == [
        RequestVoteResponse(2, 1, 6, granted=False, pre_vote=True)
    ]


def test_a_pre_candidate_with_an_old_term_takes_the_newer_one_and_soon_asks_again() -> None:
    raft = member(config=FULL, log=[1, 1], hard_state=HardState(term=1))
    ticks(raft)

    refusal = RequestVoteResponse(1, 2, 6, granted=False, pre_vote=True)
    assert receive(raft, refusal).must_write
    assert (raft.role, raft.term) == (Role.FOLLOWER, 6)

    update = ticks(raft, 3)
    assert {m.term for m in sent(update, RequestVote)} == {7}


def test_the_best_log_wins_even_with_the_oldest_term() -> None:
    world = World((1, 2), config=FULL)
    for member_id, log, term in ((1, [1, 1], 1), (2, [1], 5)):
        world.members[member_id].crash()
        world.members[member_id].disk = Disk(
            HardState(term), world.membership, entries=log_of(*log)
        )
        world.members[member_id].start()

    for _ in range(3 * TIMEOUT):
        for member_id in (1, 2):
            world.step(member_id, Tick())
            world.settle()

    assert world.raft(1).role is Role.LEADER
    assert world.raft(2).commit == 3


# -- thesis 4.2.3 and 6.4: a leader that is heard is not deposed


@pytest.mark.parametrize("pre_vote", [False, True])
def test_who_heard_its_leader_lately_ignores_candidates(*, pre_vote: bool) -> None:
    raft = follower(config=FULL)
    ticks(raft, TIMEOUT - 1)
    request = RequestVote(1, 9, 5, 50, 4, pre_vote, transfer=False)

    update = receive(raft, request)

    assert not sent(update, RequestVoteResponse)
    assert (raft.term, raft.leader) == (1, 2)


def test_a_leader_ignores_candidates_too() -> None:
    raft = settled_leader(config=FULL)

    receive(raft, RequestVote(1, 9, 5, 50, 4, pre_vote=False, transfer=False))

    assert (raft.role, raft.term) == (Role.LEADER, 1)


def test_who_has_not_heard_its_leader_for_a_while_listens_to_candidates() -> None:
    raft = follower(config=FULL, election_timeout=lambda: 2 * TIMEOUT)
    ticks(raft, TIMEOUT)

    assert (raft.role, raft.leader) == (Role.FOLLOWER, 2)
    assert ask_vote(raft, 3, 2, (5, 1))


def test_a_lost_connection_to_the_leader_ends_its_protection() -> None:
    raft = follower(config=FULL)

    take(raft, PeerLost(3))
    assert not ask_vote(raft, 3, 2, (5, 2), pre_vote=True)
    take(raft, PeerLost(2))

    assert ask_vote(raft, 3, 2, (5, 2), pre_vote=True)


@pytest.mark.parametrize(("drawn", "waits"), [(12, 1), (10, 2), (11, 3)])
def test_a_lost_connection_to_the_leader_starts_an_election_at_one_of_the_next_ticks(
    drawn: int, waits: int
) -> None:
    raft = follower(config=FULL, election_timeout=lambda: drawn)

    update = take(raft, PeerLost(2))
    assert not sent(update, RequestVote)
    ticks(raft, waits - 1)
    assert raft.role is Role.FOLLOWER
    ticks(raft, 1)

    assert role_of(raft) is Role.PRE_CANDIDATE


def test_a_learner_that_lost_its_leader_listens_to_candidates_too() -> None:
    raft = follower(config=FULL, voters=(2, 3), learners=(1,))
    assert not ask_vote(raft, 3, 2, (5, 2))

    take(raft, PeerLost(2))
    assert ask_vote(raft, 3, 2, (5, 2))
    ticks(raft, 3)

    assert (raft.role, raft.leader) == (Role.FOLLOWER, 0)


def test_a_member_that_hears_of_no_leader_may_be_told_not_to_wait() -> None:
    raft = member(config=FULL, election_timeout=lambda: 12)

    assert not sent(take(raft, Hasten()), RequestVote)
    ticks(raft, 1)

    assert raft.role is Role.PRE_CANDIDATE


def test_who_has_a_leader_waits_whatever_it_is_told() -> None:
    raft = follower(config=FULL)

    take(raft, Hasten())
    ticks(raft, TIMEOUT - 1)

    assert (raft.role, raft.leader) == (Role.FOLLOWER, 2)


def test_a_leader_that_comes_back_in_time_stays() -> None:
    raft = follower(config=FULL, election_timeout=lambda: 11)
    take(raft, PeerLost(2))
    ticks(raft, 2)

    receive(raft, Heartbeat(1, 2, 1, 0, 1))
    ticks(raft, 9)

    assert (raft.role, raft.leader) == (Role.FOLLOWER, 2)
    assert not ask_vote(raft, 3, 2, (5, 2))


# -- thesis 6.2: the check of the quorum


def test_a_leader_that_hears_from_no_quorum_for_an_election_timeout_steps_down() -> None:
    raft = settled_leader(config=FULL)
    ticks(raft, TIMEOUT)
    assert raft.role is Role.LEADER

    ticks(raft, TIMEOUT)

    assert (raft.role, raft.term, raft.leader) == (Role.FOLLOWER, 1, 0)


@pytest.mark.parametrize("voters", [(1, 2, 3), (1, 2, 3, 4, 5)])
def test_a_leader_that_hears_from_a_quorum_stays(voters: tuple[int, ...]) -> None:
    raft = settled_leader(config=FULL, voters=voters)

    for _ in range(6 * TIMEOUT):
        ticks(raft, 1)
        hear(raft, *voters[1 : 1 + len(voters) // 2])

    assert raft.role is Role.LEADER


def test_learners_are_no_part_of_the_quorum_that_a_leader_must_hear() -> None:
    raft = settled_leader(config=FULL, learners=(4, 5))

    for _ in range(2 * TIMEOUT):
        ticks(raft, 1)
        hear(raft, 4, 5)

    assert raft.role is Role.FOLLOWER


# -- thesis 3.10: transfer


def test_a_leader_tells_a_target_that_has_its_log_to_stand_at_once() -> None:
    raft = settled_leader(config=FULL)

    update = take(raft, TransferLeadership(3))

    assert sent(update, TimeoutNow) == [TimeoutNow(3, 1, 1)]


def test_a_target_that_lags_is_brought_up_to_date_first() -> None:
    raft, _ = leader(config=FULL)
    accept(raft, 2)

    assert not sent(take(raft, TransferLeadership(3)), TimeoutNow)
    update = accept(raft, 3)

    assert sent(update, TimeoutNow) == [TimeoutNow(3, 1, 1)]


def test_who_is_told_to_stand_by_its_leader_does_so_without_asking_first() -> None:
    raft = follower(config=FULL)

    update = receive(raft, TimeoutNow(1, 2, 1))

    assert (raft.role, raft.term) == (Role.CANDIDATE, 2)
    assert [(m.pre_vote, m.transfer) for m in sent(update, RequestVote)] == [(False, True)] * 2


@pytest.mark.parametrize("sender", [3, 9])
def test_nobody_but_its_leader_can_make_a_member_stand(sender: int) -> None:
    raft = follower(config=FULL)

    for term in (1, 2):
        receive(raft, TimeoutNow(1, sender, term))

    assert (raft.role, raft.term) == (Role.FOLLOWER, 1)


def test_a_learner_does_not_stand_even_if_told() -> None:
    raft = follower(config=FULL, voters=(2, 3), learners=(1,))

    receive(raft, TimeoutNow(1, 2, 1))
    ticks(raft, 5 * TIMEOUT)

    assert (raft.role, raft.term) == (Role.FOLLOWER, 1)


def test_an_election_that_the_leader_wants_is_let_through() -> None:
    raft = follower(config=FULL)

    update = receive(raft, RequestVote(1, 3, 2, 0, 0, pre_vote=False, transfer=True))

    assert sent(update, RequestVoteResponse)[0].granted


@pytest.mark.parametrize("target", [9, 4, 0])
def test_a_transfer_to_who_can_not_lead_fails_at_once(target: int) -> None:
    raft = settled_leader(config=FULL, learners=(4,))

    assert take(raft, TransferLeadership(target)).transfer_failed


def test_a_transfer_asked_of_a_follower_fails_at_once() -> None:
    assert take(follower(), TransferLeadership(3)).transfer_failed


def test_a_transfer_to_the_leader_itself_is_done() -> None:
    raft = settled_leader(config=FULL)

    update = take(raft, TransferLeadership(1))

    assert not update.transfer_failed
    assert raft.status.transfer_target == 0


def test_a_transfer_that_takes_an_election_timeout_is_given_up() -> None:
    raft = settled_leader(config=FULL)
    take(raft, TransferLeadership(3))

    update = ticks(raft, TIMEOUT - 1)
    assert not update.transfer_failed
    hear(raft, 2, 3)
    update = ticks(raft, 1)

    assert update.transfer_failed
    assert (raft.role, raft.status.transfer_target) == (Role.LEADER, 0)


def test_a_leader_elected_by_itself_shows_its_term_only_once_it_is_durable() -> None:
    raft = member(voters=(1,), learners=(2,), config=FULL)

    update = ticks(raft)
    assert not update.messages
    assert [type(m) for m in update.messages_after_write] == [AppendEntries]
    update = take(raft, Tick())
    assert not update.messages
    take(raft, Persisted(1, 1))
    update = take(raft, Receive(HeartbeatResponse(1, 2, 1, 1)), Tick())

    assert [type(m) for m in update.messages][:1] == [Heartbeat]
