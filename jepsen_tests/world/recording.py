"""Clients that write down what they do: each call as an operation, each response of a watch.

A `Recorder` belongs to a run, a `Session` to one logical client with one thread. An operation whose
outcome is not known ends the process; the session goes on under a new number, as Jepsen has it. A
read without an answer certainly did nothing, so it is a `fail`.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from google.protobuf.message import Message

from jepsen_tests.history import History, Json, Operation, Status, WatchEvents
from jepsen_tests.world.kv_words import event_of
from jepsen_tests.world.ports import Client, Refused, Unanswered, World
from raftkv.pb import rpc_pb2

CALL_SECONDS_MAX = 8.0
"""A member answers or gives up before: after 5 s and two election timeouts."""
_FILTERS = {
    "NOPUT": rpc_pb2.WatchCreateRequest.NOPUT,
    "NODELETE": rpc_pb2.WatchCreateRequest.NODELETE,
}

A = TypeVar("A", bound=Message)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What a watch is asked for."""

    key: str
    range_end: str = ""
    start_revision: int = 0
    filters: tuple[str, ...] = ()
    prev_kv: bool = False
    progress_notify: bool = False

    def request(self) -> rpc_pb2.WatchCreateRequest:
        """The request."""
        return rpc_pb2.WatchCreateRequest(
            key=self.key.encode("latin-1"),
            range_end=self.range_end.encode("latin-1"),
            start_revision=self.start_revision,
            filters=[_FILTERS[name] for name in self.filters],
            prev_kv=self.prev_kv,
            progress_notify=self.progress_notify,
            fragment=True,
        )


class Recorder:
    """Where the sessions of one run write."""

    def __init__(self, world: World, history: History) -> None:
        self.world = world
        self.history = history
        self.operations_begun = 0
        self._processes = 0
        self._watches = 0

    def new_process(self) -> int:
        """The number of a process that there was not yet."""
        self._processes += 1
        return self._processes - 1

    def new_watch(self) -> str:
        """The name of a watch that there was not yet."""
        self._watches += 1
        return f"w{self._watches}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an operation came to, for its record."""

    result: Json = None
    revision: int = 0
    status: Status = Status.OK
    error: str = ""
    count: int | None = None
    lease: int = 0
    """Where it was known only later."""


class Session:
    """One client, bound to a member until it is told to ask another."""

    def __init__(self, recorder: Recorder, client: Client) -> None:
        self.recorder = recorder
        self.client = client
        self.process = recorder.new_process()
        self._intended: Json = None

    @property
    def world(self) -> World:
        """Its world."""
        return self.recorder.world

    async def call(self, method: str, request: Message, response_type: type[A]) -> A:
        """One call, not recorded by itself: a part of an operation."""
        return await self.client.call(method, request, response_type, CALL_SECONDS_MAX)

    async def record(
        self, asked: Operation, carry_out: Callable[[], Awaitable[tuple[Answer, T]]]
    ) -> T:
        """Carries out an operation and writes down what it came to.

        Args:
            asked: The operation without an outcome; `operation` makes one.
            carry_out: Does it; the answer is for the record, the rest is returned.

        Raises:
            Refused: It certainly had no effect.
            Unanswered: It may have had one, and the session has a new process.
        """
        self.recorder.operations_begun += 1
        self._intended = None
        asked = replace(asked, call_ns=self.world.now_ns(), member=self.client.member)
        try:
            answer, result = await carry_out()
        except Refused as error:
            self._write(asked, Answer(status=Status.FAIL, error=str(error)))
            raise
        except Unanswered as error:
            self._give_up(asked, str(error))
            raise
        except BaseException as error:
            self._give_up(asked, f"client died: {type(error).__name__}", has_returned=False)
            raise
        self._write(asked, answer)
        return result

    def intend(self, value: Json) -> None:
        """Says what the operation under way will have done, where that was not known before."""
        self._intended = value

    async def watch(self, asked: Watching) -> AsyncGenerator[rpc_pb2.WatchResponse, None]:
        """The responses of a watch, each written down as it comes; raises Unanswered at a break."""
        name, requested_ns = self.recorder.new_watch(), self.world.now_ns()
        stream = self.client.watch(asked.request())
        try:
            async for response in stream:
                self.recorder.history.append(
                    WatchEvents(
                        watch=name,
                        member=stream.member,
                        received_ns=self.world.now_ns(),
                        start_revision=asked.start_revision,
                        key=asked.key,
                        range_end=asked.range_end,
                        filters=list(asked.filters),
                        prev_kv=asked.prev_kv,
                        progress_notify=asked.progress_notify,
                        revision=response.header.revision,
                        created=response.created,
                        canceled=response.canceled,
                        cancel_reason=response.cancel_reason,
                        compact_revision=response.compact_revision,
                        fragment=response.fragment,
                        events=[event_of(event) for event in response.events],
                        requested_ns=requested_ns,
                    )
                )
                yield response
        finally:
            stream.close()

    def _give_up(self, asked: Operation, error: str, *, has_returned: bool = True) -> None:
        """Nobody knows what became of it; to a client that died it never returned."""
        if asked.function in READS:
            self._write(asked, Answer(status=Status.FAIL, error=error))
            return
        answer = Answer(status=Status.INFO, error=error)
        self._write(asked, answer, has_returned=has_returned)
        self.process = self.recorder.new_process()

    def _write(self, asked: Operation, answer: Answer, *, has_returned: bool = True) -> None:
        intended = self._intended
        changes: dict[str, Any] = {} if intended is None else {"value": intended}
        if answer.lease:
            changes["lease"] = answer.lease
        operation = replace(
            asked,
            process=self.process,
            return_ns=self.world.now_ns() if has_returned else None,
            status=answer.status,
            result=answer.result,
            revision=answer.revision,
            error=answer.error,
            count=answer.count,
            **changes,
        )
        self.recorder.history.append(operation)


READS = frozenset({"read", "range", "time-to-live", "leases", "observe", "hash"})


def operation(function: str, key: str = "", value: Json = None, **fields: Any) -> Operation:  # noqa: ANN401
    """An operation that has not begun."""
    return Operation(
        process=0,
        function=function,
        key=key,
        value=value,
        call_ns=0,
        return_ns=None,
        status=Status.INFO,
        **fields,
    )
