"""A simulated member's client port: the production services, on calls that no socket carries.

The place of `raftkv/member/client_port.py` and of gRPC. As there, a member serves when it has
applied what was committed when it started.
"""

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

from typing_extensions import override

from jepsen_tests.sim.faults import ELECTION_TICKS
from jepsen_tests.sim.world import SECOND, World
from raftkv.config import LimitsConfig, MemberConfig, RaftConfig, WatchConfig
from raftkv.node.node import Node
from raftkv.service.routes import Services
from raftkv.service.watch import PATH as WATCH_PATH
from raftkv.service.watch import WatchService
from raftkv.wire import Code, MethodKind

if TYPE_CHECKING:
    from raftkv.command.types import Failure

ID_BITS = 63
DISK_BYTES = 1 << 20
"""What members say that they take up on disk."""
METADATA = {"hasleader": "true"}
"""Of every stream: clients of etcd's own library would rather hear that there is no leader."""

CONFIG = MemberConfig(
    strict_reconfig_check=False,
    raft=RaftConfig(election_timeout_ticks=ELECTION_TICKS),
    watch=WatchConfig(),
    limits=LimitsConfig(),
)


class SimHost:
    """What the services need of the process (`raftkv/service/ports.py`)."""

    def __init__(self, world: World, run_in: Callable[[Callable[[], None]], None]) -> None:
        """`run_in` runs something in the member's process unless that is gone."""
        self._world = world
        self._run_in = run_in

    def defer(self, callback: Callable[[], None]) -> None:
        """Calls back in the next turn of the loop."""
        self._world.after(1, lambda: self._run_in(callback))

    def random_id(self) -> int:
        """A number of 63 bits that is not 0."""
        return self._world.random.randrange(1, 1 << ID_BITS)

    def unix_seconds(self) -> int:
        """The time of day."""
        return self._world.now_us // SECOND

    def seconds(self) -> float:
        """The world's clock."""
        return self._world.now_us / SECOND

    def disk_bytes(self) -> int:
        """What the store takes up on disk."""
        return DISK_BYTES


class SimCall:
    """A unary call as the service sees it; whoever made it is told once how it ended."""

    __slots__ = ("_end", "_on_end")

    def __init__(
        self,
        on_end: Callable[[int, bytes | str], None],
        end: Callable[["SimCall"], None],
    ) -> None:
        """`on_end` is called with OK and the response, or with another code and its text."""
        self._on_end: Callable[[int, bytes | str], None] | None = on_end
        self._end = end

    def reply(self, message: bytes) -> None:
        """Ends the call with a response."""
        self._finish(Code.OK, message)

    def fail(self, code: int, text: str) -> None:
        """Ends the call with a gRPC status."""
        self._finish(code, text)

    def metadata(self, name: str) -> str | None:
        """No call wants a leader: it rather waits for one."""
        del name
        return None

    def _finish(self, code: int, answer: bytes | str) -> None:
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            self._end(self)
            on_end(code, answer)


class SimStream:
    """A stream as the service sees it."""

    def __init__(
        self,
        number: int,
        on_output: Callable[[], None],
        closed: Callable[["SimStream"], None],
    ) -> None:
        """`on_output` is called when there is something to carry away, or the end."""
        self.on_message: Callable[[bytes], None] | None = None
        self.on_half_close: Callable[[], None] | None = None
        self.on_close: Callable[[], None] | None = None
        self.on_drained: Callable[[], None] | None = None
        self.drained_below_bytes = 0
        self.output_bytes = 0
        self.output: list[bytes] = []
        """What was sent and has not left, the oldest first."""
        self.status: tuple[int, str] | None = None
        """How it ended."""
        self._number = number
        self._on_output = on_output
        self._closed = closed

    @override
    def __hash__(self) -> int:
        """A set of streams has the same order in every run."""
        return self._number

    @override
    def __eq__(self, other: object) -> bool:
        return self is other

    def send(self, message: bytes) -> None:
        """Sends a response."""
        if self.status is None:
            self.output.append(message)
            self.output_bytes += len(message)
            self._on_output()

    def finish(self, code: int = 0, text: str = "") -> None:
        """Ends the call with a gRPC status."""
        if self.status is None:
            self.status = (code, text)
            self._close()
            self._on_output()

    def metadata(self, name: str) -> str | None:
        """The value of a request header."""
        return METADATA.get(name)

    def take(self) -> bytes:
        """The oldest response leaves."""
        message = self.output.pop(0)
        was_above = self.output_bytes > self.drained_below_bytes
        self.output_bytes -= len(message)
        if was_above and self.output_bytes <= self.drained_below_bytes and self.on_drained:
            self.on_drained()
        return message

    def receive(self, message: bytes) -> None:
        """A request arrives."""
        if self.status is None and self.on_message is not None:
            self.on_message(message)

    def hang_up(self) -> None:
        """The client is gone."""
        if self.status is None:
            self.status = (Code.CANCELLED, "context canceled")
            self._close()

    def _close(self) -> None:
        self._closed(self)
        if self.on_close is not None:
            on_close, self.on_close = self.on_close, None
            on_close()


class SimClientPort:
    """The services of one node, from its start to its crash."""

    def __init__(
        self, node: Node, world: World, run_in: Callable[[Callable[[], None]], None]
    ) -> None:
        self.is_serving = False
        self._node = node
        self._services = services = Services(node, SimHost(world, run_in), CONFIG)
        services.add_stream(WATCH_PATH, WatchService(node, node.watch_hub).watch)
        self._numbers = count()
        self._calls: dict[SimCall, Callable[[], None]] = {}
        """Those under way, with what tells their clients that the member is gone."""
        self._streams: dict[SimStream, Callable[[], None]] = {}
        self._asking = False

    def tick(self) -> None:
        """To be called once a Raft tick."""
        self._services.tick()
        if not self.is_serving and not self._asking:
            self._asking = True
            self._node.read_barrier(self._fresh)

    def call(
        self,
        path: str,
        message: bytes,
        on_end: Callable[[int, bytes | str], None],
        on_lost: Callable[[], None],
    ) -> None:
        """A unary call arrives; `on_lost` is called if the member ends before it does."""
        method = self._services.routes[path]
        assert method.kind is MethodKind.UNARY, path
        call = SimCall(on_end, self._ended)
        self._calls[call] = on_lost
        method.handler(call, message)

    def open(
        self, path: str, on_output: Callable[[], None], on_lost: Callable[[], None]
    ) -> SimStream:
        """A stream arrives; `on_lost` is called if the member ends before it does."""
        method = self._services.routes[path]
        assert method.kind is MethodKind.STREAM, path
        stream = SimStream(next(self._numbers), on_output, self._closed)
        self._streams[stream] = on_lost
        method.handler(stream)
        return stream

    def lose(self) -> None:
        """The member ends: every connection does."""
        lost = (*self._calls.values(), *self._streams.values())
        self._calls, self._streams = {}, {}
        for on_lost in lost:
            on_lost()

    def reset(self) -> None:
        """Every connection breaks; the member lives."""
        streams = list(self._streams)
        self.lose()
        for stream in streams:
            stream.hang_up()

    def _ended(self, call: SimCall) -> None:
        self._calls.pop(call, None)

    def _closed(self, stream: SimStream) -> None:
        self._streams.pop(stream, None)

    def _fresh(self, failure: "Failure | None") -> None:
        self._asking = False
        members, me = self._node.state.members, self._node.raft.member_id
        known = members.get(me)
        is_joining = self._node.status.is_learner and known is not None and not known.is_learner
        self.is_serving = failure is None and not is_joining
