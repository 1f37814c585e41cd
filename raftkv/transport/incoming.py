"""The peer port: other members introduce themselves, then their messages come."""

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from raftkv.config import TransportConfig
from raftkv.peer.codec import AnyMessage, DecodeError, decode
from raftkv.peer.framing import FrameError, FrameReader, frame_head
from raftkv.peer.handshake import (
    PREAMBLE,
    QUESTION_BYTES_MAX,
    Accepted,
    AskClusterInfo,
    ClusterInfo,
    Hello,
    Refused,
    decode_question,
    encode_handshake,
)

log = logging.getLogger(__name__)


class Door:
    """Who may come in, and what is done with what they say."""

    def __init__(
        self,
        cluster: int,
        member: int,
        config: TransportConfig,
        on_messages: Callable[[list[AnyMessage]], None],
        on_lost: Callable[[int], None],
        cluster_info: Callable[[], ClusterInfo],
        is_removed: Callable[[int], bool],
    ) -> None:
        self.cluster = cluster
        self.member = member
        self.config = config
        self.on_messages = on_messages
        self.on_lost = on_lost
        self.cluster_info = cluster_info
        self.is_removed = is_removed
        self.connections: set[Incoming] = set()
        self.received_bytes = 0

    def refusal(self, hello: Hello) -> str:
        """Why `hello` is not welcome; empty if it is."""
        if hello.cluster != self.cluster:
            return f"this is cluster {self.cluster:x}, not {hello.cluster:x}"
        if hello.receiver != self.member:
            return f"this is member {self.member:x}, not {hello.receiver:x}"
        if self.is_removed(hello.sender):
            return f"{REMOVED}: member {hello.sender:x} was removed from the cluster"
        return ""


REMOVED = "removed"
"""How a refusal starts that tells a former member that it is none any more."""


class Incoming(asyncio.Protocol):
    """One connection that somebody made to us; nothing is believed before the handshake."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._preamble = b""
        self._frames = FrameReader(QUESTION_BYTES_MAX)
        self._sender = 0
        """The member that introduced itself; 0 before."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody dialed."""
        self._transport = cast(asyncio.Transport, transport)
        self._door.connections.add(self)
        patience = self._door.config.handshake_milliseconds_max / 1_000
        self._timer = asyncio.get_running_loop().call_later(patience, self.abort)

    def data_received(self, data: bytes) -> None:
        """Takes what arrived; anything that is not a member's ends the connection."""
        self._door.received_bytes += len(data)
        try:
            self._take(data)
        except (FrameError, DecodeError) as error:
            log.warning("closed the connection from %s: %s", self._name(), error)
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended."""
        del exc
        self._stop_timer()
        self._door.connections.discard(self)
        if self._sender:
            self._door.on_lost(self._sender)

    def abort(self) -> None:
        """Closes the connection now."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, data: bytes) -> None:
        if len(self._preamble) < len(PREAMBLE):
            self._preamble += data[: len(PREAMBLE) - len(self._preamble)]
            if not PREAMBLE.startswith(self._preamble):
                raise DecodeError("it does not speak this program's protocol")
            data = data[len(self._preamble) :] if len(self._preamble) == len(PREAMBLE) else b""
            if not data:
                return
        payloads = self._frames.feed(data)
        if not self._sender and payloads:
            self._on_question(payloads.pop(0))
        if self._sender and payloads:
            messages = [decode(payload) for payload in payloads]
            for message in messages:
                if message.sender != self._sender or message.to != self._door.member:
                    raise DecodeError(f"a message from {message.sender:x} to {message.to:x}")
            self._door.on_messages(messages)

    def _on_question(self, payload: memoryview) -> None:
        door = self._door
        self._stop_timer()
        match decode_question(payload):
            case Hello() as hello:
                refusal = door.refusal(hello)
                self._answer(Refused(refusal) if refusal else Accepted())
                if refusal:
                    log.warning("refused %s: %s", self._name(), refusal)
                    self._close()
                else:
                    self._sender = hello.sender
                    self._frames.bytes_max = door.config.frame_bytes_max
            case AskClusterInfo():
                self._answer(door.cluster_info())
                self._close()

    def _answer(self, answer: Accepted | Refused | ClusterInfo) -> None:
        assert self._transport is not None, "an answer before a connection"
        payload = encode_handshake(answer)
        self._transport.write(frame_head(payload) + payload)

    def _close(self) -> None:
        assert self._transport is not None, "closed before it was open"
        self._transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _name(self) -> str:
        if self._sender:
            return f"member {self._sender:x}"
        peer = self._transport.get_extra_info("peername") if self._transport else None
        return str(peer)
