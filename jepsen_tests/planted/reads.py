"""Bugs of linearizable reads: who may answer them, at which index, and when."""

from typing import Any

from jepsen_tests.planted.planting import Bed, Bug
from raftkv.node.reads import OnReady, Reads
from raftkv.raft import read_index, replication
from raftkv.raft import state as state_module
from raftkv.raft.messages import HeartbeatResponse
from raftkv.raft.quorum import VoteResult
from raftkv.raft.state import State
from raftkv.service.ranges import RangeService

_TRANSFERS = {
    "members": 3,
    "transfers_per_second": 3.0,
    "requests_per_second": 200,
    "message_loss": 0.2,
    "message_overtaking": True,
    "message_delay_us_max": 5_000,
    "message_delay_spike": 0.2,
}
"""New leaders while the old one has not heard of them."""


def _read_without_quorum(bed: Bed) -> None:
    bed.replace(read_index, "vote_result", lambda *_: VoteResult.WON)


def _read_in_a_new_term(bed: Bed) -> None:
    bed.replace(State, "has_committed_in_term", property(lambda _: True))


def _read_by_lease(bed: Bed) -> None:
    """The leader answers for one election timeout, by its own clock, after it heard a quorum."""
    heard: dict[int, dict[int, int]] = {}

    def clock(state: State) -> int:
        return state.heartbeat_elapsed + heard.setdefault(id(state), {}).get(0, 0)

    def on_heartbeat_tick(old: Any, state: State) -> None:  # noqa: ANN401
        ticks = heard.setdefault(id(state), {})
        ticks[0] = ticks.get(0, 0) + 1
        old(state)

    def on_heartbeat_response(old: Any, state: State, message: HeartbeatResponse) -> None:  # noqa: ANN401
        heard.setdefault(id(state), {})[message.sender] = clock(state)
        old(state, message)

    def finish(old: Any, state: State) -> Any:  # noqa: ANN401
        since = clock(state) - state.config.election_timeout_ticks
        ticks = heard.setdefault(id(state), {})
        for member in state.peers:
            if ticks.get(member, since) > since:
                state.round_acks[member] = True
        return old(state)

    bed.wrap(replication, "on_heartbeat_tick", on_heartbeat_tick)
    bed.wrap(read_index, "on_heartbeat_response", on_heartbeat_response)
    bed.wrap(read_index, "_finish_if_confirmed", finish)


def _answer_after_office(bed: Bed) -> None:
    def give_up(old: Any, state: State) -> None:  # noqa: ANN401
        reads = state.round_reads + state.reads_waiting
        state.update.reads += [(context, state.commit) for context in reads]
        state.round_reads, state.reads_waiting = [], []
        old(state)

    bed.wrap(state_module, "_give_up_leadership", give_up)


def _join_the_running_round(bed: Bed) -> None:
    def ask(old: Any, state: State, context: int) -> None:  # noqa: ANN401
        if state.round_reads:
            state.round_reads.append(context)
        else:
            old(state, context)

    bed.wrap(read_index, "ask", ask)


def _any_answer_confirms(bed: Bed) -> None:
    def on_heartbeat_response(old: Any, state: State, message: HeartbeatResponse) -> None:  # noqa: ANN401
        old(state, message._replace(round=state.round))

    bed.wrap(read_index, "on_heartbeat_response", on_heartbeat_response)


def _read_before_applied(bed: Bed) -> None:
    def ready(old: Any, self: Reads, _: int) -> list[OnReady]:  # noqa: ANN401
        return old(self, 1 << 60)  # type: ignore[no-any-return]

    bed.wrap(Reads, "ready", ready)


def _take_late_answers(bed: Bed) -> None:
    def confirm(old: Any, self: Reads, context: int, index: int) -> None:  # noqa: ANN401
        if self.round is not None:
            context = self.round.context
        old(self, context, index)

    bed.wrap(Reads, "confirm", confirm)


def _all_reads_are_serializable(bed: Bed) -> None:
    def serve(old: Any, self: RangeService, call: Any, message: bytes) -> None:  # noqa: ANN401
        self._read_barrier = lambda on_ready: on_ready(None)
        old(self, call, message)

    bed.wrap(RangeService, "range", serve)


def _begin_without_an_entry(bed: Bed) -> None:
    bed.replace(replication, "on_elected", lambda _: None)


BUGS = (
    Bug(
        "no-entry-at-term-start",
        "redisraft 18, 19",
        "section 8: a new leader begins its term with an entry, to learn what is committed",
        _begin_without_an_entry,
    ),
    Bug(
        "read-without-quorum",
        "etcd 0.4.1, d-engine 381, xline 870",
        "thesis 6.4: a leader confirms that it still leads before a read",
        _read_without_quorum,
        {"new_leader_harm": 0.7},
    ),
    Bug(
        "read-in-a-new-term",
        "etcd 7331",
        "thesis 6.4: a new leader commits an entry of its own before a read",
        _read_in_a_new_term,
    ),
    Bug(
        "read-by-lease",
        "classic",
        "thesis 6.4.1: a lease of reads needs clocks that keep pace; these drift and pause",
        _read_by_lease,
        {
            "members": 3,
            "clock_drift": 0.3,
            "partitions_per_second": 2.0,
            "requests_per_second": 200,
            "election_spread_ticks": 2,
        },
    ),
    Bug(
        "read-answered-after-office",
        "tikv 9240",
        "thesis 6.4: who is no longer leader confirms no read",
        _answer_after_office,
        _TRANSFERS,
    ),
    Bug(
        "read-joins-running-round",
        "classic",
        "thesis 6.4: a read is confirmed by a round that began after it",
        _join_the_running_round,
        _TRANSFERS,
    ),
    Bug(
        "read-confirmed-by-old-answer",
        "classic",
        "thesis 6.4: a round is confirmed by answers to its own heartbeats",
        _any_answer_confirms,
        _TRANSFERS,
    ),
    Bug(
        "read-before-applied",
        "classic",
        "thesis 6.4: a read waits until the state has its index",
        _read_before_applied,
    ),
    Bug(
        "read-takes-late-answer",
        "classic",
        "an answer to an earlier question confirms no later read",
        _take_late_answers,
        {"message_delay_spike": 0.05, "new_leader_harm": 0.7},
    ),
    Bug(
        "every-read-serializable",
        "classic",
        "a read that is not marked serializable asks the leader",
        _all_reads_are_serializable,
    ),
)
