"""Bugs of elections: who may vote for whom, how often, and who counts the votes."""

from typing import Any

from jepsen_tests.planted.planting import Absent, Bed, Bug
from raftkv.raft import collection, election, quorum, terms
from raftkv.raft.core import Raft
from raftkv.raft.messages import RequestVote, RequestVoteResponse
from raftkv.raft.quorum import Halves, VoteResult
from raftkv.raft.state import Role, State
from raftkv.raft.types import NO_MEMBER, TERM_MAX, HardState
from raftkv.raft.update import Update


def _vote_for_any_log(bed: Bed) -> None:
    def on_request_vote(old: Any, state: State, message: RequestVote) -> None:  # noqa: ANN401
        old(state, message._replace(last_term=TERM_MAX))

    bed.wrap(election, "on_request_vote", on_request_vote)


def _vote_for_the_longest_log(bed: Bed) -> None:
    def on_request_vote(old: Any, state: State, message: RequestVote) -> None:  # noqa: ANN401
        old(state, message._replace(last_term=state.log.last_term))

    bed.wrap(election, "on_request_vote", on_request_vote)


def _vote_twice(bed: Bed) -> None:
    def on_request_vote(old: Any, state: State, message: RequestVote) -> None:  # noqa: ANN401
        if not message.pre_vote:
            state.vote = NO_MEMBER
        old(state, message)

    bed.wrap(election, "on_request_vote", on_request_vote)


def _forget_vote(bed: Bed) -> None:
    def hard_state(raft: Raft) -> HardState:
        return HardState(raft.term, NO_MEMBER, raft.commit)

    bed.replace(Raft, "hard_state", property(hard_state))


def send_before_durable(kind: type) -> Any:  # noqa: ANN401 - a function that plants
    """Lets messages of one kind leave beside the write that they rest on."""

    def plant(bed: Bed) -> None:
        def collect(old: Any, state: State) -> Update | None:  # noqa: ANN401
            update: Update | None = old(state)
            if update is not None:
                early = [m for m in update.messages_after_write if isinstance(m, kind)]
                update.messages += early
                update.messages_after_write = [
                    m for m in update.messages_after_write if not isinstance(m, kind)
                ]
            return update

        bed.wrap(collection, "collect", collect)

    return plant


def _count_pre_votes(bed: Bed) -> None:
    def on_vote_response(old: Any, state: State, message: RequestVoteResponse) -> Any:  # noqa: ANN401
        if state.role is Role.CANDIDATE and message.pre_vote and message.term == state.term:
            message = message._replace(pre_vote=False)
        return old(state, message)

    bed.wrap(election, "on_vote_response", on_vote_response)


def _pre_vote_is_a_vote(bed: Bed) -> None:
    def on_request_vote(old: Any, state: State, message: RequestVote) -> None:  # noqa: ANN401
        old(state, message)
        if message.pre_vote and message.term > state.term:
            state.vote = NO_MEMBER

    bed.wrap(election, "on_request_vote", on_request_vote)


def _half_is_enough(bed: Bed) -> None:
    bed.replace(quorum, "majority", lambda voters: (voters + 1) // 2)


def _count_anybody(bed: Bed) -> None:
    def vote_result(halves: Halves, votes: dict[int, bool]) -> VoteResult:
        needed = len(halves[0]) // 2 + 1
        granted = sum(votes.values())
        if granted >= needed:
            return VoteResult.WON
        return VoteResult.LOST if len(votes) - granted >= needed else VoteResult.PENDING

    def request_votes(state: State, *, pre_vote: bool, transfer: bool) -> None:
        log, term = state.log, state.term + pre_vote
        out = state.update.messages if pre_vote else state.update.messages_after_write
        out += [
            RequestVote(
                to, state.member_id, term, log.last_index, log.last_term, pre_vote, transfer
            )
            for to in state.peers
        ]

    bed.replace(election, "vote_result", vote_result)
    bed.replace(election, "_request_votes", request_votes)


def _enter_no_newer_term(bed: Bed) -> None:
    def become_follower(old: Any, state: State, term: int, leader: int) -> None:  # noqa: ANN401
        vote = state.vote
        old(state, term, leader)
        state.vote = vote

    bed.wrap(terms, "become_follower", become_follower)


def _depose_a_good_leader(bed: Bed) -> None:
    bed.replace(terms, "is_sticky", lambda _: False)
    bed.replace(election, "campaign", lambda state: election._stand(state, transfer=False))  # noqa: SLF001 - a bug keeps no manners


def _protect_no_leader(bed: Bed) -> None:
    bed.replace(terms, "is_sticky", lambda _: False)


def _lead_without_followers(bed: Bed) -> None:
    bed.replace(election, "has_quorum_lately", lambda _: True)


def _never_stand_again(bed: Bed) -> None:
    def on_tick(old: Any, state: State) -> Any:  # noqa: ANN401
        if state.role is Role.CANDIDATE:
            state.election_elapsed = 0
        return old(state)

    bed.wrap(election, "on_tick", on_tick)


def _always_due_at_once(bed: Bed) -> None:
    def restart(old: Any, state: State) -> None:  # noqa: ANN401
        old(state)
        state.election_due = state.config.election_timeout_ticks // 10

    for module in (election, terms):
        bed.wrap(module, "restart_election_timer", restart)


BUGS = (
    Bug(
        "vote-for-any-log",
        "classic",
        "section 5.4.1: a vote is denied to a log that is less up-to-date",
        _vote_for_any_log,
    ),
    Bug(
        "vote-for-longest-log",
        "classic",
        "section 5.4.1: the later last term decides, not the longer log",
        _vote_for_the_longest_log,
        {"new_leader_harm": 0.7, "partitions_per_second": 0.7},
    ),
    Bug("vote-twice", "classic", "section 5.2: one vote a term", _vote_twice),
    Bug(
        "vote-kept-for-new-term",
        "canonical/raft 196",
        "section 5.1: a new term begins without a vote",
        _enter_no_newer_term,
    ),
    Bug(
        "vote-forgotten",
        "classic",
        "figure 2: the vote is durable before it is given",
        _forget_vote,
    ),
    Bug(
        "vote-before-durable",
        "classic",
        "figure 2: the vote is durable before it is given",
        send_before_durable(RequestVoteResponse),
    ),
    Bug(
        "candidate-before-durable",
        "classic",
        "section 5.2: a candidate's vote for itself is durable before it asks for others",
        send_before_durable(RequestVote),
    ),
    Bug(
        "pre-vote-counted-as-vote",
        "canonical/raft 196",
        "thesis 9.6: a pre-vote is no vote",
        _count_pre_votes,
        {"message_delay_us_max": 50_000, "election_spread_ticks": 2},
    ),
    Bug(
        "pre-vote-frees-vote",
        "canonical/raft 196",
        "thesis 9.6: a pre-vote changes nothing at the voter",
        _pre_vote_is_a_vote,
        {"election_spread_ticks": 2, "new_leader_harm": 0.7},
    ),
    Bug(
        "half-is-a-quorum",
        "classic",
        "any two quorums overlap, of an even number too",
        _half_is_enough,
        {"membership_changes_per_second": 0.5, "partitions_per_second": 0.7},
    ),
    Bug(
        "votes-of-non-members",
        "akka-raft 49",
        "section 6: who is not a voter of the configuration has no say",
        _count_anybody,
        {"membership_changes_per_second": 0.8, "partitions_per_second": 0.7},
    ),
    Bug(
        "good-leader-deposed",
        "Cloudflare 2020, logcabin 56",
        "thesis 9.6 and 4.2.3: nobody deposes a leader that a quorum hears",
        _depose_a_good_leader,
    ),
    Bug(
        "leader-not-protected",
        "logcabin 56, 205",
        "thesis 4.2.3: who hears a leader gives no vote to one who was removed, or cut off",
        _protect_no_leader,
        {"pre_vote": False},
    ),
    Bug(
        "deaf-leader-stays",
        "classic",
        "thesis 6.2: a leader that no quorum answers steps down",
        _lead_without_followers,
    ),
    Bug(
        "candidate-gives-up",
        "canonical/raft 279",
        "section 5.2: a candidate that does not win stands again",
        _never_stand_again,
        {"election_spread_ticks": 2, "pre_vote": False},
    ),
    Bug(
        "elections-without-patience",
        "classic",
        "section 5.6: the election timeout is longer than a heartbeat by far",
        _always_due_at_once,
    ),
)

ABSENT = (
    Absent(
        "old-term-kept-after-refusal",
        "canonical/raft 279",
        "a newer term also comes with every request and with every answer to a heartbeat or an "
        "append, so that a refused pre-vote is not needed to learn it",
        "candidate-gives-up",
    ),
)
