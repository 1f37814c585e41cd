"""What a workload may ask of the world: time, chance, clients."""

import random
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message

from raftkv.pb import rpc_pb2

M = TypeVar("M", bound=Message)


class Refused(Exception):  # noqa: N818 - an answer, not an error of ours
    """The call certainly had no effect."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Unanswered(Exception):  # noqa: N818 - an answer, not an error of ours
    """The call may have had an effect."""


class Task(Protocol):
    """What `World.spawn` returns."""

    def cancel(self) -> object:
        """Ends it."""


class WatchStream(Protocol):
    """The responses of one watch."""

    def __aiter__(self) -> AsyncIterator[rpc_pb2.WatchResponse]:
        """The responses as they come."""

    def close(self) -> None:
        """Ends it."""


class Client(Protocol):
    """A client of one member."""

    async def call(
        self, method: str, request: Message, response_type: type[M], timeout_seconds: float
    ) -> M:
        """Calls a unary method; raises Refused or Unanswered."""

    def watch(self, request: rpc_pb2.WatchCreateRequest) -> WatchStream:
        """Opens a watch."""


class World(Protocol):
    """Time and chance."""

    random: random.Random

    def now_ns(self) -> int:
        """The run's clock."""

    async def sleep(self, seconds: float) -> None:
        """Waits."""

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> Task:
        """Runs something besides."""
