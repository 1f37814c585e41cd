"""Incoming connections: who is calling, whether we talk to them, and their messages.

Whoever sends bytes that are not what they should be loses the connection, with one line in the log;
until it has introduced itself, a connection may hold no more than a question's worth of memory.
"""

import asyncio
import logging
from typing import cast

from typing_extensions import override

from raftkv.peer.codec import DecodeError, decode
from raftkv.peer.framing import FrameError, FrameReader, frame_head
from raftkv.peer.handshake import (
    MAGIC,
    PREAMBLE,
    PROTOCOL_VERSION,
    QUESTION_BYTES_MAX,
    Accepted,
    Answer,
    AskClusterInfo,
    Hello,
    Refused,
    Removed,
    decode_question,
    encode_handshake,
)
from raftkv.transport.settings import PeerStatistics, TransportHooks, TransportSettings
from raftkv.transport.sockets import context_for, parse_url, tune

_REFUSALS_REMEMBERED_MAX = 100

logger = logging.getLogger(__name__)


class Listener:
    """The sockets that other members dial, and the connections that came of it."""

    def __init__(
        self,
        settings: TransportSettings,
        hooks: TransportHooks,
        statistics: dict[int, PeerStatistics],
    ) -> None:
        self.settings = settings
        self.hooks = hooks
        self.statistics = statistics
        self.connections: set[Incoming] = set()
        self._servers: list[asyncio.Server] = []
        self._refusals: set[tuple[int, str]] = set()

    async def listen(self, url: str) -> None:
        """Listens on a URL; OSError when its port is taken, ValueError when it is of no use."""
        address = parse_url(url)
        context = context_for(address, self.settings.ssl_incoming)
        patience = self.settings.config.handshake_milliseconds_max / 1_000
        server = await asyncio.get_running_loop().create_server(
            lambda: Incoming(self),
            address.host,
            address.port,
            ssl=context,
            ssl_handshake_timeout=patience if context else None,
        )
        self._servers.append(server)

    @property
    def ports(self) -> list[int]:
        """The ports that are listened on."""
        return [s.getsockname()[1] for server in self._servers for s in server.sockets]

    def close(self) -> None:
        """Listens no more and closes every connection."""
        for server in self._servers:
            server.close()
        for connection in tuple(self.connections):
            connection.close()

    def greeted(self, newcomer: "Incoming") -> None:
        """A connection said whose it is: an older one of the same member is of no use any more."""
        for connection in tuple(self.connections):
            if connection.member == newcomer.member and connection is not newcomer:
                connection.close()

    def drop(self, member: int) -> None:
        """Closes what a member sends on; if it was removed, it is told so when it connects anew."""
        for connection in tuple(self.connections):
            if connection.member == member:
                connection.close()

    def refused(self, member: int, reason: str) -> None:
        """Logs a refusal, the first time."""
        if (member, reason) not in self._refusals:
            if len(self._refusals) >= _REFUSALS_REMEMBERED_MAX:
                self._refusals.clear()
            self._refusals.add((member, reason))
            logger.warning("refused member %x: %s", member, reason)


class Incoming(asyncio.Protocol):
    """The listening side of a connection."""

    def __init__(self, listener: Listener) -> None:
        self.member = 0
        """Whose messages come here; 0 before it has introduced itself."""
        self._listener = listener
        self._statistics = PeerStatistics()
        self._transport: asyncio.Transport | None = None
        self._preamble = b""
        self._reader = FrameReader(QUESTION_BYTES_MAX)
        self._deadline: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """Ends the connection; nobody is told that the member was lost."""
        self.member = 0
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        listener = self._listener
        config = listener.settings.config
        self._transport = cast("asyncio.Transport", transport)
        if len(listener.connections) >= config.connections_max:
            self._refuse_bytes("too many connections")
            return
        listener.connections.add(self)
        tune(transport.get_extra_info("socket"), config)
        self._deadline = asyncio.get_running_loop().call_later(
            config.handshake_milliseconds_max / 1_000, self._refuse_bytes, "no question in time"
        )

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.connections.discard(self)
        self._stop_deadline()
        if self.member:
            self._listener.hooks.on_peer_lost(self.member)

    @override
    def data_received(self, data: bytes) -> None:
        self._statistics.received_bytes += len(data)
        try:
            if len(self._preamble) < len(PREAMBLE):
                data = self._take_preamble(data)
            for payload in self._reader.feed(data):
                if self.member:
                    self._take_message(payload)
                elif self._deadline is not None:
                    self._take_question(payload)
        except (DecodeError, FrameError) as error:
            self._refuse_bytes(str(error))

    def _take_preamble(self, data: bytes) -> bytes:
        """Checks the first bytes, as far as they are there; returns what follows them."""
        missing = len(PREAMBLE) - len(self._preamble)
        self._preamble += data[:missing]
        if not PREAMBLE.startswith(self._preamble):
            if self._preamble.startswith(MAGIC) and len(self._preamble) == len(PREAMBLE):
                self._answer(Refused(f"this member speaks protocol version {PROTOCOL_VERSION}"))
            raise FrameError("the first bytes are not those of a member")
        return data[missing:]

    def _take_question(self, payload: memoryview) -> None:
        self._stop_deadline()
        question = decode_question(payload)
        match question:
            case AskClusterInfo():
                self._answer(self._listener.hooks.cluster_info())
                self._end()
            case Hello():
                self._take_hello(question)

    def _take_hello(self, hello: Hello) -> None:
        settings = self._listener.settings
        reason = ""
        if hello.cluster != settings.cluster:
            reason = f"this is cluster {settings.cluster:x}, not {hello.cluster:x}"
        elif hello.receiver != settings.member:
            reason = f"this is member {settings.member:x}, not {hello.receiver:x}"
        elif hello.sender == settings.member:
            reason = f"this is member {settings.member:x} itself"
        if reason:
            self._listener.refused(hello.sender, reason)
            self._answer(Refused(reason))
            self._end()
            return
        if self._listener.hooks.is_removed(hello.sender):
            self._listener.refused(hello.sender, "it was removed from the cluster")
            self._answer(Removed())
            self._end()
            return
        self.member = hello.sender
        self._reader.bytes_max = settings.config.frame_bytes_max
        received = self._statistics.received_bytes
        self._statistics = self._listener.statistics.setdefault(self.member, PeerStatistics())
        self._statistics.received_bytes += received
        self._listener.greeted(self)
        self._answer(Accepted())

    def _take_message(self, payload: memoryview) -> None:
        message = decode(payload)
        if message.sender != self.member or message.to != self._listener.settings.member:
            raise DecodeError(f"a message from {message.sender:x} to {message.to:x}")
        self._listener.hooks.on_message(message)

    def _answer(self, answer: Answer) -> None:
        payload = encode_handshake(answer)
        if self._transport is not None:
            self._transport.write(frame_head(payload) + payload)

    def _end(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse_bytes(self, reason: str) -> None:
        self._statistics.received_failures += 1
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        peer = f"member {self.member:x}" if self.member else transport.get_extra_info("peername")
        logger.warning("closed a connection from %s: %s", peer, reason)
        transport.abort()
