"""The least that connects a connection to an asyncio socket."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, cast

from typing_extensions import override

from raftkv.config import WireConfig
from raftkv.wire import ClientConnection, Routes, ServerConnection
from raftkv.wire.connection import Connection

SECONDS_MAX = 20.0


class Adapter(asyncio.Protocol):
    """One socket. Output is written once a turn; a full socket stops it, and then reading too."""

    def __init__(self, make: Callable[[Callable[[], None]], Connection]) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_paused = False
        self.transport: asyncio.Transport | None = None
        self.engine = make(self._schedule)
        self.lost = self._loop.create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._loop.call_soon(self.flush)
        self._tick()

    @override
    def data_received(self, data: bytes) -> None:
        self.engine.receive(data)
        if self.engine.should_close:
            self.flush()
        elif not self.engine.accepts_input and self.transport is not None:
            self.transport.pause_reading()

    @override
    def pause_writing(self) -> None:
        self._is_paused = True

    @override
    def resume_writing(self) -> None:
        self._is_paused = False
        self.flush()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.engine.connection_lost()
        self.transport = None
        self.lost.set_result(None)

    def _schedule(self) -> None:
        self._loop.call_soon(self.flush)

    def flush(self) -> None:
        if self.transport is None or self._is_paused:
            return
        self.transport.write(self.engine.take_output())
        if self.engine.accepts_input:
            self.transport.resume_reading()
        if self.engine.should_close:
            self.transport.close()

    def _tick(self) -> None:
        if self.transport is not None:
            self.engine.tick(int(self._loop.time() * 1_000))
            if self.engine.should_close:
                self.flush()
            self._loop.call_later(0.05, self._tick)


@asynccontextmanager
async def serving(
    routes: Routes, config: WireConfig | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serves on a free port of loopback; yields the port."""
    adapters: list[Adapter] = []

    def connect() -> Adapter:
        adapter = Adapter(lambda on: ServerConnection(routes, config or WireConfig(), on))
        adapters.append(adapter)
        return adapter

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connect, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for adapter in adapters:
            if adapter.transport is not None:
                adapter.transport.abort()
        await asyncio.gather(*[adapter.lost for adapter in adapters])
        await server.wait_closed()


@asynccontextmanager
async def calling(
    port: int, config: WireConfig | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ClientConnection]:
    """Connects our client to a port of loopback."""
    adapter: Adapter
    _, adapter = await asyncio.get_running_loop().create_connection(
        lambda: Adapter(lambda on: ClientConnection(config or WireConfig(), on)),
        "127.0.0.1",
        port,
        ssl=tls,
        server_hostname="localhost" if tls else None,
    )
    try:
        yield cast("ClientConnection", adapter.engine)
    finally:
        if adapter.transport is not None:
            adapter.transport.abort()
        await adapter.lost


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs a test's coroutine, bounded in time."""
    asyncio.run(asyncio.wait_for(main, SECONDS_MAX))


async def command(*arguments: str) -> tuple[int, str]:
    """Runs a program; returns its exit code and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode or 0, output.decode(errors="replace")
