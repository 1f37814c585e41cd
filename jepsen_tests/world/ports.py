"""What a workload may ask of its world: time, chance, clients; and what a plan may do to a cluster.

Workloads await nothing else, so the same coroutines run in virtual time on simulated members and in
wall time on real ones. A coroutine that is cancelled gets `asyncio.CancelledError` in both worlds,
where it waits, and must let it pass.

The words for outcomes are Jepsen's: what is `Refused` certainly had no effect, ever; what is
`Unanswered` may have had one, may have one later, or never.
"""

import random
from collections.abc import AsyncIterator, Coroutine, Generator, Mapping
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message

from jepsen_tests.history import Fact, MemberState
from jepsen_tests.plan import Fault
from raftkv.pb import rpc_pb2

M = TypeVar("M", bound=Message)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

KEEP_ALIVE_PATH = "/etcdserverpb.Lease/LeaseKeepAlive"
"""A stream in etcd's API; `Client.call` gives each request a stream of its own, of one request."""


class Refused(Exception):  # noqa: N818 - an answer, not an error of ours
    """The call certainly had no effect."""

    def __init__(self, code: str, text: str) -> None:
        """Takes gRPC's name of the code, as `FAILED_PRECONDITION`, and the status's text."""
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Unanswered(Exception):  # noqa: N818 - an answer, not an error of ours
    """The call may have had an effect; of a stream: it broke."""


class Task(Protocol[T_co]):
    """A coroutine that runs beside the one that spawned it."""

    def cancel(self) -> object:
        """Ends it where it waits; without effect once it is over."""

    def done(self) -> bool:
        """Whether it is over."""

    def __await__(self) -> Generator[Any, Any, T_co]:
        """Waits for its result, or raises what it raised."""


class World(Protocol):
    """Time and chance of a run."""

    @property
    def random(self) -> random.Random:
        """The run's chance: its seed decides all of it. Over processes, all but the timing."""

    def now_ns(self) -> int:
        """The run's one clock, monotonic."""

    async def sleep(self, seconds: float) -> None:
        """Waits."""

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> Task[T]:
        """Runs a coroutine beside this one. What a task raises that nobody awaits ends the run."""

    async def within(self, seconds: float, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result; it is cancelled when it takes longer.

        Raises:
            TimeoutError: It did.
        """


class WatchStream(Protocol):
    """One watch at one member, as it was asked for; its first response says that it is created."""

    @property
    def member(self) -> str:
        """Who answers."""

    def __aiter__(self) -> AsyncIterator[rpc_pb2.WatchResponse]:
        """The responses as they come, until `close`; to be called once.

        Raises:
            Unanswered: The stream broke, or the member ended it; the text says how.
        """

    def request_progress(self) -> None:
        """Asks for a response that says up to which revision everything was told."""

    def close(self) -> None:
        """Ends it, and the iteration."""


class Client(Protocol):
    """A client with a connection of its own, to one member. It never repeats a call by itself."""

    @property
    def member(self) -> str:
        """Whom it asks."""

    async def call(
        self, method: str, request: Message, response_type: type[M], timeout_seconds: float
    ) -> M:
        """Calls a method by its path, as `/etcdserverpb.KV/Put`: unary ones and `KEEP_ALIVE_PATH`.

        Raises:
            Refused: It certainly had no effect.
            Unanswered: It may have had one.
        """

    def watch(self, request: rpc_pb2.WatchCreateRequest) -> WatchStream:
        """Opens a watch, on a stream of its own."""


class Injected(Protocol):
    """A fault that was made."""

    @property
    def targets(self) -> list[str]:
        """Whom it hit; links as `a->b`."""

    @property
    def detail(self) -> str:
        """What chance decided, for the report."""

    @property
    def skipped(self) -> str:
        """Why nothing was done, where it could not be; else empty."""

    async def end(self) -> None:
        """Undoes it; what is momentary, or over already, needs nothing."""


class Cluster(Protocol):
    """Members, and what can be done to them."""

    @property
    def names(self) -> list[str]:
        """Who belongs to it now."""

    def client(self, member: str) -> Client:
        """A new client of a member."""

    def capabilities(self) -> Mapping[str, str]:
        """Each fault's name (`plan.name_of`), with the reason why it can't be made; empty: it can.

        A fault that is not named can't be made.
        """

    async def apply(self, fault: Fault) -> Injected:
        """Makes a fault. It returns when the fault is there, not when it is over."""

    async def heal(self) -> None:
        """Ends every fault and starts every member; does not wait for what members do then."""

    async def states(self) -> list[MemberState]:
        """A sample of each member that answers, for the timeline."""

    async def facts(self) -> list[Fact]:
        """What else is known at the end: `hash_kv` and `clock_rate` of members, counters."""
