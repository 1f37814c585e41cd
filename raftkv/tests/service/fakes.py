"""A node that applies at once, over the real state machine, and calls that note how they end."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from google.protobuf.message import Message

from raftkv.apply.state import StateMachine
from raftkv.cluster.members import Member
from raftkv.command.types import CommandKind, Failure, Result
from raftkv.config import LimitsConfig, MemberConfig
from raftkv.mvcc.memory import MemoryRows, MemoryTables
from raftkv.node.status import NodeStatus
from raftkv.pb import rpc_pb2 as pb
from raftkv.raft.events import MembershipChange
from raftkv.raft.types import Membership
from raftkv.service.routes import Services
from raftkv.wire import Code, MethodKind

CLUSTER_ID = 0xC1
ME = 0xA1
OTHERS = (0xB2, 0xC3)

M = TypeVar("M", bound=Message)


@dataclass
class FakeConsensus:
    leader: int = ME
    term: int = 5
    membership: Membership = field(
        default_factory=lambda: Membership(voters=frozenset((ME, *OTHERS)))
    )


class FakeNode:
    """Answers at once, unless told to fail, or to hold."""

    def __init__(self, limits: LimitsConfig) -> None:
        self.raft = FakeConsensus()
        self.leaderless_ticks = 0
        self.state = StateMachine(MemoryRows(), MemoryTables(), limits)
        self.state.bootstrap(
            [
                Member(id=member, name=f"m{at}", peer_urls=(f"http://10.0.0.{at}:2380",))
                for at, member in enumerate((ME, *OTHERS))
            ],
            CLUSTER_ID,
        )
        self.state.lessor.promote(0)
        self.tick_count = 0
        self.failure: Failure | None = None
        """What every request gets instead of its outcome."""
        self.is_holding = False
        """Whether outcomes wait for `release`."""
        self.held: list[Callable[[], None]] = []
        self.proposed: list[int] = []
        self.membership_changes: list[MembershipChange] = []
        self.transfers: list[int] = []
        self.barriers = 0

    @property
    def status(self) -> NodeStatus:
        return NodeStatus(
            member_id=ME,
            cluster_id=CLUSTER_ID,
            leader=self.raft.leader,
            term=self.raft.term,
            commit_index=12,
            applied_index=11,
            last_index=12,
            is_learner=ME in self.raft.membership.learners,
            leader_changes=1,
            proposals_waiting=0,
            proposals_failed=0,
            reads_failed=0,
        )

    def propose(self, kind: int, body: bytes, on_result: Callable[[Result], None]) -> None:
        self.proposed.append(kind)
        self._later(lambda: on_result(self.failure or self.state.apply(kind, body)))

    def propose_membership(
        self,
        changes: tuple[MembershipChange, ...],
        kind: int,
        body: bytes,
        on_result: Callable[[Result], None],
    ) -> None:
        self.membership_changes += changes
        self.propose(kind, body, on_result)

    def read_barrier(self, on_ready: Callable[[Failure | None], None]) -> None:
        self.barriers += 1
        self._later(lambda: on_ready(self.failure))

    def lease_query(
        self,
        lease_id: int,
        renew: bool,  # noqa: FBT001
        on_answer: Callable[[int, int], None],
    ) -> None:
        self._later(lambda: on_answer(*self._lease_answer(lease_id, renew=renew)))

    def transfer_leadership(self, target: int, on_done: Callable[[Failure | None], None]) -> None:
        self.transfers.append(target)
        self._later(lambda: on_done(self.failure))

    def release(self) -> None:
        held, self.held = self.held, []
        for action in held:
            action()

    def _later(self, action: Callable[[], None]) -> None:
        if self.is_holding:
            self.held.append(action)
        else:
            action()

    def _lease_answer(self, lease_id: int, *, renew: bool) -> tuple[int, int]:
        lessor = self.state.lessor
        if self.failure is not None:
            return -2, 0
        if renew:
            ttl = lessor.renew(lease_id, self.tick_count)
            return (-1, 0) if ttl is None else (ttl, ttl)
        return lessor.remaining(lease_id, self.tick_count) or (-1, 0)


class FakeHost:
    """Keeps what was deferred until `run`."""

    def __init__(self) -> None:
        self.deferred: deque[Callable[[], None]] = deque()
        self.ids = iter(range(7_000, 8_000))
        self.now = 1_700_000_000

    def defer(self, callback: Callable[[], None]) -> None:
        self.deferred.append(callback)

    def random_id(self) -> int:
        return next(self.ids)

    def unix_seconds(self) -> int:
        return self.now

    def seconds(self) -> float:
        return float(self.now)

    def disk_bytes(self) -> int:
        return 4_096

    def run(self) -> int:
        """Runs what was deferred to the end; the number of turns that took."""
        turns = 0
        while self.deferred:
            turns += 1
            self.deferred.popleft()()
        return turns


class FakeCall:
    """A unary call that notes its end."""

    def __init__(self, metadata: dict[str, str] | None = None) -> None:
        self._metadata = metadata or {}
        self.ends: list[bytes | tuple[int, str]] = []

    def reply(self, message: bytes) -> None:
        self.ends.append(message)

    def fail(self, code: int, text: str) -> None:
        self.ends.append((code, text))

    def metadata(self, name: str) -> str | None:
        return self._metadata.get(name)

    @property
    def is_over(self) -> bool:
        return bool(self.ends)

    @property
    def message(self) -> bytes:
        [end] = self.ends
        assert isinstance(end, bytes), end
        return end

    @property
    def error(self) -> tuple[int, str]:
        [end] = self.ends
        assert isinstance(end, tuple), end
        return end


class FakeStream:
    """A stream that notes what is sent."""

    def __init__(self, metadata: dict[str, str] | None = None) -> None:
        self._metadata = metadata or {}
        self.on_message: Callable[[bytes], None] | None = None
        self.on_half_close: Callable[[], None] | None = None
        self.on_close: Callable[[], None] | None = None
        self.on_drained: Callable[[], None] | None = None
        self.drained_below_bytes = 0
        self.output_bytes = 0
        self.sent: list[bytes] = []
        self.ends: list[tuple[int, str]] = []

    def send(self, message: bytes) -> None:
        if not self.ends:
            self.sent.append(message)

    def finish(self, code: int = 0, text: str = "") -> None:
        if self.ends:
            return
        self.ends.append((code, text))
        if self.on_close is not None:
            self.on_close()

    def metadata(self, name: str) -> str | None:
        return self._metadata.get(name)

    def take(self, request: Message) -> None:
        assert self.on_message is not None, "nobody listens"
        self.on_message(request.SerializeToString())


class World:
    """The services over a fake node."""

    def __init__(self, config: MemberConfig | None = None) -> None:
        self.config = config or MemberConfig()
        self.node = FakeNode(self.config.limits)
        self.host = FakeHost()
        self.services = Services(self.node, self.host, self.config)

    def start(
        self, path: str, request: Message | bytes, metadata: dict[str, str] | None = None
    ) -> FakeCall:
        """Begins a call to a method of etcdserverpb, or to a full path."""
        method = self.services.routes[path if path[0] == "/" else f"/etcdserverpb.{path}"]
        assert method.kind is MethodKind.UNARY, path
        call = FakeCall(metadata)
        message = request if isinstance(request, bytes) else request.SerializeToString()
        method.handler(call, message)
        return call

    def ask(self, path: str, request: Message, answer: type[M]) -> M:
        """The answer to a call that succeeds."""
        call = self.start(path, request)
        self.host.run()
        return answer.FromString(call.message)

    def refused(self, path: str, request: Message | bytes) -> tuple[Code, str]:
        """The error of a call that fails."""
        code, text = self.start(path, request).error
        return Code(code), text.removeprefix("etcdserver: ")

    def open(self, path: str, metadata: dict[str, str] | None = None) -> FakeStream:
        """Begins a streaming call."""
        method = self.services.routes[path if path[0] == "/" else f"/etcdserverpb.{path}"]
        assert method.kind is MethodKind.STREAM, path
        stream = FakeStream(metadata)
        method.handler(stream)
        return stream

    def put(self, key: bytes, value: bytes = b"v", lease: int = 0) -> int:
        """Sets a key; returns the revision."""
        request = pb.PutRequest(key=key, value=value, lease=lease)
        return pb.PutResponse.FromString(self.start("KV/Put", request).message).header.revision

    def become_learner(self) -> None:
        """Makes this member a learner."""
        self.node.raft.membership = Membership(voters=frozenset(OTHERS), learners=frozenset((ME,)))


def with_limits(**limits: int) -> MemberConfig:
    """A configuration with some limits changed."""
    return replace(MemberConfig(), limits=replace(LimitsConfig(), **limits))


__all__ = ["CLUSTER_ID", "ME", "OTHERS", "CommandKind", "FakeNode", "World", "with_limits"]
