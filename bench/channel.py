"""Blocking calls for all that is not measured: preparing keys, checking them, asking for status."""

import itertools
import select
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

from bench.link import Link
from bench.replies import Replies

CALL_SECONDS: Final = 5.0
IN_FLIGHT: Final = 64


class CallFailedError(Exception):
    """The server answered with a gRPC status other than 0."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"gRPC status {status}: {text}")
        self.status = status
        self.text = text


class Channel:
    """Calls of one method to one member, answered one by one or many in flight."""

    def __init__(self, endpoint: str, path: str) -> None:
        """Connects.

        Raises:
            OSError: nobody listens there.
        """
        self._link = Link(endpoint, path)
        self._poll = select.poll()
        self._poll.register(self._link, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._link.close()

    def call(self, message: bytes, timeout_seconds: float = CALL_SECONDS) -> bytes:
        """One call's answer.

        Raises:
            CallFailedError: the answer is an error.
            TimeoutError: there is none in time; the call's outcome is unknown, and the channel
                of no more use.
            ConnectionError, ProtocolError: the member went away, likewise.
        """
        return self.call_many((message,), timeout_seconds)[0]

    def call_many(
        self, messages: Iterable[bytes], timeout_seconds: float = CALL_SECONDS
    ) -> list[bytes]:
        """The answers in the order of the messages; `IN_FLIGHT` calls are on their way at a time.

        Args:
            messages: protobuf bytes, a call each.
            timeout_seconds: the longest silence.

        Raises: as `call`.
        """
        source = iter(messages)
        order: list[int] = []
        answers: dict[int, bytes] = {}
        order.extend(self._link.call(message) for message in itertools.islice(source, IN_FLIGHT))
        while len(answers) < len(order):
            everything_sent = self._link.flush()
            for stream_id, status, message in self._wait(timeout_seconds, everything_sent):
                if status:
                    raise CallFailedError(status, message.decode(errors="replace"))
                answers[stream_id] = message
                order.extend(self._link.call(message) for message in itertools.islice(source, 1))
        self._link.flush()
        return [answers[stream_id] for stream_id in order]

    def _wait(
        self,
        timeout_seconds: float,
        everything_sent: bool,  # noqa: FBT001
    ) -> Replies:
        """The next answers; acknowledges pings meanwhile."""
        stop = time.monotonic() + timeout_seconds
        while True:
            left = stop - time.monotonic()
            step = left if everything_sent else min(left, 0.001)
            if left <= 0:
                raise TimeoutError(f"{self._link.endpoint}: no answer in {timeout_seconds} s")
            if self._poll.poll(step * 1000):
                replies = self._link.receive()
                if replies:
                    return replies
            everything_sent = self._link.flush()


def call(endpoint: str, path: str, message: bytes, timeout_seconds: float = CALL_SECONDS) -> bytes:
    """One call on a connection of its own; raises as `Channel.call`, or OSError."""
    with Channel(endpoint, path) as channel:
        return channel.call(message, timeout_seconds)
