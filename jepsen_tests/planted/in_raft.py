"""Bugs of consensus: each breaks one sentence of the paper."""

from typing import Any

from jepsen_tests.planted.planting import Bed, Bug
from raftkv.raft import acceptance, collection, core, election, read_index, replication
from raftkv.raft.messages import AppendEntries, AppendEntriesResponse, Heartbeat, RequestVote
from raftkv.raft.quorum import VoteResult, agreed_index
from raftkv.raft.state import State, commit_to
from raftkv.raft.types import NO_MEMBER, TERM_MAX
from raftkv.raft.update import Update


def _commit_older_terms(bed: Bed) -> None:
    def advance(state: State, index: int) -> bool:
        match = {member: progress.match for member, progress in state.progress.items()}
        agreed = agreed_index(state.halves, match)
        if index <= state.commit or agreed <= state.commit:
            return False
        commit_to(state, agreed)
        return True

    bed.replace(replication, "_advance_commit", advance)


def _vote_for_any_log(bed: Bed) -> None:
    def on_request_vote(old: Any, state: State, message: RequestVote) -> None:  # noqa: ANN401
        old(state, message._replace(last_term=TERM_MAX))

    bed.wrap(election, "on_request_vote", on_request_vote)


def _vote_twice(bed: Bed) -> None:
    def on_request_vote(old: Any, state: State, message: RequestVote) -> None:  # noqa: ANN401
        if not message.pre_vote:
            state.vote = NO_MEMBER
        old(state, message)

    bed.wrap(election, "on_request_vote", on_request_vote)


def _send_before_durable(kind: type) -> Any:  # noqa: ANN401 - a function that plants
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


def _append_anywhere(bed: Bed) -> None:
    def on_append_entries(old: Any, state: State, message: AppendEntries) -> None:  # noqa: ANN401
        own_term = state.log.term_at(message.prev_index)
        if own_term is not None:
            message = message._replace(prev_term=own_term)
        old(state, message)

    bed.wrap(acceptance, "on_append_entries", on_append_entries)


def _commit_unverified(bed: Bed) -> None:
    def on_heartbeat(old: Any, state: State, message: Heartbeat) -> None:  # noqa: ANN401
        state.verified = state.log.last_index
        old(state, message)

    bed.wrap(acceptance, "on_heartbeat", on_heartbeat)


def _read_without_quorum(bed: Bed) -> None:
    bed.replace(read_index, "vote_result", lambda *_: VoteResult.WON)


def _read_in_a_new_term(bed: Bed) -> None:
    bed.replace(State, "has_committed_in_term", property(lambda _: True))


def _count_undurable(bed: Bed) -> None:
    def take_update(old: Any, raft: core.Raft) -> Update | None:  # noqa: ANN401
        state = raft._state  # noqa: SLF001 - a bug keeps no manners
        me = state.progress.get(state.member_id)
        if me is not None:
            me.match = state.log.last_index
        return old(raft)  # type: ignore[no-any-return]

    bed.wrap(core.Raft, "take_update", take_update)


RAFT_BUGS = (
    Bug(
        "commit-older-terms",
        "section 5.4.2: only entries of the leader's own term are committed by counting",
        _commit_older_terms,
        {
            "new_leader_harm": 1.0,
            "message_loss": 0.1,
            "pre_vote": False,
            "message_delay_us_max": 50_000,
        },
    ),
    Bug(
        "vote-for-any-log",
        "section 5.4.1: a vote is denied to a log that is less up-to-date",
        _vote_for_any_log,
    ),
    Bug("vote-twice", "section 5.2: one vote a term", _vote_twice),
    Bug(
        "acknowledge-before-durable",
        "figure 2: entries are durable before a follower responds",
        _send_before_durable(AppendEntriesResponse),
    ),
    Bug(
        "append-anywhere",
        "section 5.3: entries follow only where both logs match",
        _append_anywhere,
        {"new_leader_harm": 0.9, "partitions_per_second": 0.7},
    ),
    Bug(
        "commit-unverified",
        "figure 2: a follower commits no further than its log matches the leader's",
        _commit_unverified,
    ),
    Bug(
        "leader-counts-undurable",
        "thesis 10.2.1: the leader counts itself for what its disk has",
        _count_undurable,
    ),
    Bug(
        "read-without-quorum",
        "thesis 6.4: a leader confirms that it still leads before a read",
        _read_without_quorum,
        {"new_leader_harm": 0.7},
    ),
    Bug(
        "read-in-a-new-term",
        "thesis 6.4: a new leader commits an entry of its own before a read",
        _read_in_a_new_term,
    ),
)
