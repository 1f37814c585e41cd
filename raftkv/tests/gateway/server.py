"""A client port over a fake node, in a thread, for clients that are not ours."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from raftkv.gateway.checks import Checks
from raftkv.gateway.figures import NodeFigures, PortFigures, ProcessFigures, ServiceFigures
from raftkv.gateway.http1 import HttpConnection
from raftkv.gateway.listener import Listener
from raftkv.gateway.metric_names import METRICS
from raftkv.gateway.metrics import page
from raftkv.gateway.pages import Pages
from raftkv.tests.service.fakes import World
from raftkv.wire import ServerConnection


class Port:
    """The port of a world's services; its loop runs in a thread of its own."""

    def __init__(self, world: World, tls: ssl.SSLContext | None = None) -> None:
        self.world = world
        self._tls = tls
        self.address = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._listener: Listener | None = None
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10), "the port did not open"

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def call(self, action: Callable[[], None]) -> None:
        """Does something on the loop's thread."""
        self._loop.call_soon_threadsafe(action)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._loop.run_forever()

    async def _open(self) -> None:
        world = self.world
        world.host.defer = self._loop.call_soon  # type: ignore[assignment,method-assign]
        wire = world.config.wire
        routes = world.services.routes
        pages = Pages(Checks(world.node), self._metrics)
        self._listener = listener = Listener(
            lambda on_output: ServerConnection(routes, wire, on_output),
            lambda on_output: HttpConnection(pages, on_output),
        )
        self._sources = (
            NodeFigures(world.node, world.host.disk_bytes, world.config.limits.quota_bytes),
            ServiceFigures(world.services),
            PortFigures(listener, pages),
            ProcessFigures(),
        )
        scheme = "https" if self._tls else "http"
        host, port = await listener.listen(f"{scheme}://127.0.0.1:0", self._tls)
        self.address = f"{host}:{port}"
        self._ready.set()

    async def _close(self) -> None:
        assert self._listener is not None
        await self._listener.close(0.1)

    def _metrics(self) -> bytes:
        return page(METRICS, self._sources)


@contextmanager
def serving(world: World | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Port]:
    """A port that serves while the block runs."""
    port = Port(world or World(), tls)
    port.start()
    try:
        yield port
    finally:
        port.stop()
