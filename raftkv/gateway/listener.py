"""The sockets of the client port: bytes in, bytes out, and which protocol speaks on a connection.

A connection is handed to HTTP/2 when it begins with HTTP/2's preface, to HTTP/1.1 otherwise, with
or without TLS. Everything that arrives is parsed at once; everything that one turn of the loop has
to say to a client goes out in one write at the end of it (`flush`). A client that does not read is
not written to; its engine keeps what there is to say, and when that becomes too much, the client is
not read from either.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from enum import Enum
from typing import Protocol, TypeAlias, cast
from urllib.parse import urlsplit

from typing_extensions import override

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What an HTTP/2 client says first (RFC 9113, section 3.4)."""
TICK_SECONDS = 0.1
"""How often connections look at their deadlines."""
UNDECIDED_TICKS_MAX = 100
"""A connection that has not shown its protocol after so many ticks is closed."""
WRITE_BUFFER_BYTES_MAX = 1 << 20
"""Bytes that the kernel would not take yet; beyond it the engine's output waits in the engine."""
BACKLOG_CONNECTIONS = 4_096
"""Connections that the kernel keeps for us to accept."""


class Engine(Protocol):
    """A protocol for one connection, sans-I/O: `wire.ServerConnection` or `HttpConnection`."""

    @property
    def should_close(self) -> bool:
        """Whether the connection is to be closed once the output is written."""

    @property
    def accepts_input(self) -> bool:
        """False while so much output waits to be taken that reading should stop."""

    def receive(self, data: bytes) -> None:
        """Takes bytes from the client."""

    def take_output(self) -> bytes:
        """What is to be written."""

    def connection_lost(self) -> None:
        """The client is gone."""

    def tick(self, now_ms: int) -> None:
        """Looks at deadlines."""

    def shutdown(self) -> None:
        """Ends the connection in good order."""


EngineFactory: TypeAlias = Callable[[Callable[[], None]], Engine]
"""Makes an engine; its argument is called when there is output where there was none."""


class Speaks(Enum):
    """What a listening socket takes."""

    BOTH = "both"
    HTTP1 = "http1"
    HTTP2 = "http2"


class Connection(asyncio.Protocol):
    """One client's socket."""

    def __init__(self, listener: "Listener", speaks: Speaks) -> None:
        self._listener = listener
        self._speaks = speaks
        self._transport: asyncio.Transport | None = None
        self._engine: Engine | None = None
        self._undecided = b""
        self._undecided_ticks = 0
        self._holds_writing = False
        """Whether the client does not read what it is sent."""
        self._holds_reading = False
        """Whether the client has too much to read before it may say more."""

    # -- asyncio.Protocol

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES_MAX)
        self._listener.connections.add(self)

    @override
    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        self._listener.received_bytes += len(data)
        if self._engine is None:
            data = self._decide(data)
            if self._engine is None:
                return
        engine = self._engine
        engine.receive(data)
        if engine.should_close:
            self._mark_dirty()
        elif not engine.accepts_input:
            self._hold_reading()

    @override
    def eof_received(self) -> bool | None:
        """The client will send no more; it gets what is ready, and the socket is closed."""
        self.flush()
        return None

    @override
    def pause_writing(self) -> None:
        """The client does not read."""
        self._holds_writing = True

    @override
    def resume_writing(self) -> None:
        """The client reads again."""
        self._holds_writing = False
        self._mark_dirty()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        del exc  # whatever the reason, the calls of this client are over
        self._listener.forget(self)
        if self._engine is not None:
            self._engine.connection_lost()
        self._transport = None

    # -- what the listener asks

    def flush(self) -> None:
        """Writes what there is to say, at once; closes the socket when nothing will follow."""
        transport, engine = self._transport, self._engine
        if transport is None or engine is None or self._holds_writing:
            return
        output = engine.take_output()
        if output:
            self._listener.sent_bytes += len(output)
            transport.write(output)
        if engine.should_close:
            transport.close()
        elif self._holds_reading and engine.accepts_input:
            self._holds_reading = False
            transport.resume_reading()

    def tick(self, now_ms: int) -> None:
        """Looks at deadlines."""
        if self._engine is not None:
            self._engine.tick(now_ms)
            if self._engine.should_close:
                self._mark_dirty()
            return
        self._undecided_ticks += 1
        if self._undecided_ticks > UNDECIDED_TICKS_MAX:
            self.abort()

    def shutdown(self) -> None:
        """Lets calls under way end, and takes no more."""
        if self._engine is None:
            self.abort()
            return
        self._engine.shutdown()
        self._mark_dirty()

    def abort(self) -> None:
        """Closes the socket now."""
        if self._transport is not None:
            self._transport.abort()

    # -- inside

    def _decide(self, data: bytes) -> bytes:
        """Chooses the protocol once the first bytes tell; returns what the engine is to receive."""
        data = self._undecided + data
        if self._speaks is Speaks.HTTP2 or (
            self._speaks is Speaks.BOTH and PREFACE.startswith(data[: len(PREFACE)])
        ):
            if self._speaks is Speaks.BOTH and len(data) < len(PREFACE):
                self._undecided = data
                return b""
            self._engine = self._listener.http2(self._mark_dirty)
        else:
            self._engine = self._listener.http1(self._mark_dirty)
        self._undecided = b""
        return data

    def _hold_reading(self) -> None:
        if not self._holds_reading and self._transport is not None:
            self._holds_reading = True
            self._transport.pause_reading()

    def _mark_dirty(self) -> None:
        self._listener.mark_dirty(self)


class Listener:
    """The listening sockets and their connections.

    `http2` and `http1` make the engine of a new connection. `output_bytes_max`: what a client may
    leave unread before it is no longer read from.
    """

    def __init__(self, http2: EngineFactory, http1: EngineFactory) -> None:
        self.http2 = http2
        self.http1 = http1
        self.connections: set[Connection] = set()
        self.received_bytes = 0
        self.sent_bytes = 0
        self._loop = asyncio.get_running_loop()
        self._dirty: list[Connection] = []
        self._servers: list[asyncio.Server] = []
        self._all_closed: asyncio.Event | None = None
        """While the listener closes: set when the last connection is gone."""
        self._timer = self._loop.call_later(TICK_SECONDS, self._tick)

    async def listen(
        self,
        url: str,
        tls: ssl.SSLContext | None = None,
        *,
        http1_only: bool = False,
        http2_only: bool = False,
    ) -> tuple[str, int]:
        """Binds a URL (`http://host:port`, `https://host:port`) and returns the address bound.

        Both protocols are spoken unless one of them is to be the only one.

        Raises:
            OSError: the address can't be bound.
            ValueError: the URL has another form, or is https without a TLS context.
        """
        speaks = Speaks.HTTP1 if http1_only else Speaks.HTTP2 if http2_only else Speaks.BOTH
        host, port, needs_tls = parse_listen_url(url)
        if needs_tls and tls is None:
            raise ValueError(f"{url}: https needs a certificate and a key")
        address = await _resolve(self._loop, host, port) if host else None
        server = await self._loop.create_server(
            lambda: Connection(self, speaks),
            address[0] if address else None,
            port,
            ssl=tls if needs_tls else None,
            backlog=BACKLOG_CONNECTIONS,
        )
        self._servers.append(server)
        bound = server.sockets[0].getsockname()
        return bound[0], bound[1]

    def forget(self, connection: Connection) -> None:
        """A connection is closed."""
        self.connections.discard(connection)
        if self._all_closed is not None and not self.connections:
            self._all_closed.set()

    def mark_dirty(self, connection: Connection) -> None:
        """Notes that a connection has something to write; it is written at the end of this turn."""
        if not self._dirty:
            self._loop.call_soon(self.flush)
        self._dirty.append(connection)

    def flush(self) -> None:
        """Writes the output of every connection that has some: one write each."""
        dirty, self._dirty = self._dirty, []
        for connection in dirty:
            connection.flush()

    async def close(self, grace_seconds: float) -> None:
        """Stops listening, lets calls under way end for a while, closes what is left."""
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.shutdown()
        if self.connections:
            self._all_closed = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_closed.wait(), grace_seconds)
        for connection in list(self.connections):
            connection.abort()
        self._timer.cancel()

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK_SECONDS, self._tick)
        now_ms = int(self._loop.time() * 1_000)
        for connection in list(self.connections):
            connection.tick(now_ms)


def parse_listen_url(url: str) -> tuple[str, int, bool]:
    """(host, port, whether TLS); an empty host means every address.

    Raises:
        ValueError: not `http://host:port` or `https://host:port`.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or parts.port is None or parts.path not in {"", "/"}:
        raise ValueError(f"{url}: a listen URL looks like http://host:port or https://host:port")
    return parts.hostname or "", parts.port, parts.scheme == "https"


async def _resolve(loop: asyncio.AbstractEventLoop, host: str, port: int) -> tuple[str, int]:
    """One address of `host`, IPv4 rather than IPv6, as Go's net package binds it."""
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    best = min(found, key=lambda info: info[0] != socket.AF_INET)
    return str(best[4][0]), int(best[4][1])
