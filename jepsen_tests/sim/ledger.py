"""Every request that clients made, what they were told, and whether that was the truth.

The truth is what the committed log means (`reference.py`). An answer is held against it as soon as
the event that brought it is over, since a member may answer in the same moment in which it learns
that an entry is committed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.reference import Reference
from jepsen_tests.sim.world import SECOND
from raftkv.command.types import CommandKind, Failure, Result
from raftkv.pb import rpc_pb2

REFUSALS = frozenset({Failure.LEADER_CHANGED, Failure.NO_LEADER, Failure.TOO_MANY_REQUESTS})
"""Failures after which a request certainly has no effect, ever."""
GIVEN_UP = REFUSALS | {
    Failure.TIMEOUT,
    Failure.TIMEOUT_LEADER_FAILED,
    Failure.UNHEALTHY,
    Failure.LEARNER_NOT_READY,
}
"""Failures that say nothing of the state: the request was not carried out, as far as is known."""
ANSWER_SECONDS_MAX = 12
"""Every request is answered by then: 7 s on a clock that may be a third slow, and a little."""


@dataclass(slots=True)
class Request:
    """A request at a member."""

    place: SimMember
    starts: int
    started_us: int
    request_id: int = 0
    """0 for a read, and for what was refused at once."""
    is_answered: bool = False


class Ledger:
    """The requests of a run."""

    def __init__(self, cluster: SimCluster, reference: Reference) -> None:
        self.newest_revision = 0
        """The highest revision anyone was told: no later linearizable read may be older."""
        self.writes = 0
        self.failures = 0
        self.on_put: Callable[[SimMember, bytes, int], None] = lambda *_: None
        """Called with (member, key, revision) at the very moment when a put is acknowledged."""
        self.last_lease = 0
        """The newest lease that was asked for; ids count up from 1."""
        self._cluster = cluster
        self._reference = reference
        self._waiting: dict[int, Request] = {}
        self._count = 0
        self._told: list[tuple[Request, Result]] = []
        self._refused: list[Request] = []

    def propose(
        self,
        place: SimMember,
        kind: CommandKind,
        body: bytes,
        on_result: Callable[[Result], None] | None = None,
    ) -> None:
        """Makes a request that changes the state."""
        node = place.node
        assert node is not None, f"member {place.member_id} does not run"
        request, end = self._begin(place)

        def answered(result: Result) -> None:
            end()
            self._note(request, result)
            if not isinstance(result, Failure) and kind is CommandKind.PUT:
                self.on_put(place, rpc_pb2.PutRequest.FromString(body).key, result[0])
            if on_result is not None:
                on_result(result)

        node.propose(kind, body, answered)
        if not request.is_answered:
            request.request_id = next(reversed(node.proposals.waiting))

    def begin(self, place: SimMember) -> Callable[[], None]:
        """Takes note of a request of another kind; returns what its answer is to call, once."""
        return self._begin(place)[1]

    def verify(self) -> None:
        """Holds everything that was told since the last time against the truth."""
        if self._told:
            told, self._told = self._told, []
            for request, result in told:
                self._verify_result(request, result)

    def reckon(self) -> None:
        """At the end: nobody waits too long, and what was refused has not happened."""
        for request in self._waiting.values():
            waited = (self._cluster.world.now_us - request.started_us) / SECOND
            is_there = request.place.starts == request.starts and request.place.node is not None
            if is_there and waited > ANSWER_SECONDS_MAX:
                raise BrokenPromiseError(
                    f"member {request.place.member_id} has not answered for {waited:.1f} s"
                )
        for request in self._refused:
            if (request.place.member_id, request.request_id) in self._reference.results:
                raise BrokenPromiseError(
                    f"member {request.place.member_id} refused request {request.request_id:#x}, "
                    "which was carried out"
                )

    def _begin(self, place: SimMember) -> tuple[Request, Callable[[], None]]:
        self._count += 1
        serial = self._count
        request = Request(place, place.starts, self._cluster.world.now_us)
        self._waiting[serial] = request

        def end() -> None:
            if request.is_answered:
                raise BrokenPromiseError(f"member {place.member_id} answered a request twice")
            request.is_answered = True
            del self._waiting[serial]

        return request, end

    def _note(self, request: Request, result: Result) -> None:
        if not isinstance(result, Failure):
            self.writes += 1
            self.newest_revision = max(self.newest_revision, result[0])
            self._told.append((request, result))
            return
        self.failures += 1
        if result in REFUSALS:
            self._refused.append(request)
        if result not in GIVEN_UP and result is not Failure.STOPPED:
            self._told.append((request, result))

    def _verify_result(self, request: Request, result: Result) -> None:
        true = self._reference.results.get((request.place.member_id, request.request_id))
        if true is None:
            raise BrokenPromiseError(
                f"member {request.place.member_id} answered {result} to request "
                f"{request.request_id:#x}, which is not committed"
            )
        if true != result:
            raise BrokenPromiseError(
                f"member {request.place.member_id} answered {result} to request "
                f"{request.request_id:#x}, which came to {true}"
            )
