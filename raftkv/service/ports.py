"""What the services need of the world: the node, the process, and the calls they answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from raftkv.command.types import Failure, Result

if TYPE_CHECKING:
    from raftkv.apply.state import StateMachine
    from raftkv.node.status import NodeStatus
    from raftkv.raft.events import MembershipChange
    from raftkv.raft.types import Membership

OnResult: TypeAlias = Callable[[Result], None]
OnReady: TypeAlias = Callable[[Failure | None], None]
OnTtl: TypeAlias = Callable[[int, int], None]


class Consensus(Protocol):
    """What every request and response looks at: the Raft core itself, so that it costs nothing."""

    @property
    def leader(self) -> int:
        """The leader as far as this member knows; 0: none."""

    @property
    def term(self) -> int:
        """The present term."""

    @property
    def membership(self) -> Membership:
        """Who votes and who only listens."""


class Node(Protocol):
    """The loop. Every callback is called once, perhaps before the call returns.

    A request that has no outcome in 5 seconds plus two election timeouts gets `Failure.TIMEOUT` or
    one of its two relatives; when the node stops, `Failure.STOPPED`.
    """

    @property
    def raft(self) -> Consensus:
        """The consensus core, to look at."""

    @property
    def leaderless_ticks(self) -> int:
        """For how many ticks there has been no leader."""

    @property
    def state(self) -> StateMachine:
        """The applied state."""

    @property
    def status(self) -> NodeStatus:
        """Everything the node tells about itself."""

    def propose(self, kind: int, body: bytes, on_result: OnResult) -> None:
        """Replicates a command (`CommandKind`); the outcome is that of applying it here."""

    def propose_membership(
        self, changes: tuple[MembershipChange, ...], kind: int, body: bytes, on_result: OnResult
    ) -> None:
        """Replicates a membership change along with its command.

        The leader refuses what would endanger its quorum (UNHEALTHY, NOT_ENOUGH_STARTED_MEMBERS)
        and to promote a learner that lags (LEARNER_NOT_READY).
        """

    def read_barrier(self, on_ready: OnReady) -> None:
        """Calls back with None once the applied state holds all that was answered so far."""

    def lease_query(self, lease_id: int, renew: bool, on_answer: OnTtl) -> None:  # noqa: FBT001
        """Asks the leader: (seconds left, seconds granted); -1: no such lease; -2: no answer."""

    def transfer_leadership(self, target: int, on_done: OnReady) -> None:
        """Hands leadership to a voter; calls back once it leads."""


class Host(Protocol):
    """The process around the services."""

    def defer(self, callback: Callable[[], None]) -> None:
        """Calls back in the next turn of the loop, after what waits there already."""

    def random_id(self) -> int:
        """A random number of 63 bits that is not 0: for leases."""

    def unix_seconds(self) -> int:
        """The time of day: part of a new member's id, and nothing else."""

    def seconds(self) -> float:
        """A clock that only goes forward, to say how long something took."""

    def disk_bytes(self) -> int:
        """What the store takes up on disk."""


class Call(Protocol):
    """A unary call. What happens after its end is ignored."""

    def reply(self, message: bytes) -> None:
        """Ends the call with a response."""

    def fail(self, code: int, text: str) -> None:
        """Ends the call with a gRPC status."""

    def metadata(self, name: str) -> str | None:
        """The value of a request header by its lower-case name."""


class Stream(Protocol):
    """A call with a stream of requests, of responses, or of both. Ended, it ignores the rest."""

    on_message: Callable[[bytes], None] | None
    on_half_close: Callable[[], None] | None
    on_close: Callable[[], None] | None
    """Called exactly once: finished, cancelled, or the connection is gone."""
    on_drained: Callable[[], None] | None
    """Called when `output_bytes` falls to `drained_below_bytes` after having been above."""
    drained_below_bytes: int

    @property
    def output_bytes(self) -> int:
        """What was sent and waits for the client to read."""

    def send(self, message: bytes) -> None:
        """Sends a response."""

    def finish(self, code: int = 0, text: str = "") -> None:
        """Ends the call with a gRPC status."""

    def metadata(self, name: str) -> str | None:
        """The value of a request header by its lower-case name."""
