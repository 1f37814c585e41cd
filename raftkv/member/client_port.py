"""The client port of a member: services on HTTP/2, pages on HTTP/1.1, both on the same sockets."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable

from raftkv.config import MemberConfig
from raftkv.gateway import metrics
from raftkv.gateway.checks import Checks
from raftkv.gateway.figures import (
    NodeFigures,
    PortFigures,
    ProcessFigures,
    ServiceFigures,
    WatchFigures,
)
from raftkv.gateway.http1 import HttpConnection
from raftkv.gateway.listener import Listener
from raftkv.gateway.member_figures import LoopFigures
from raftkv.gateway.metric_names import METRICS
from raftkv.gateway.metrics import MetricsSource
from raftkv.gateway.pages import Pages
from raftkv.member.errors import StartupError
from raftkv.node.node import Node
from raftkv.service.routes import Services
from raftkv.service.watch import PATH as WATCH_PATH
from raftkv.service.watch import WatchService
from raftkv.wire import ServerConnection

_ID_BITS = 63


class Host:
    """What the services need of the process (`service/ports.py`)."""

    def __init__(self, disk_bytes: Callable[[], int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._disk_bytes = disk_bytes

    def defer(self, callback: Callable[[], None]) -> None:
        """Calls back in the next turn of the loop."""
        self._loop.call_soon(callback)

    def random_id(self) -> int:
        """A random number of 63 bits that is not 0."""
        return secrets.randbelow((1 << _ID_BITS) - 1) + 1

    def unix_seconds(self) -> int:
        """The wall clock: it makes the ids of added members differ from earlier ones."""
        return int(time.time())  # noqa: TID251 - not a clock that anything is timed by

    def seconds(self) -> float:
        """The loop's clock."""
        return self._loop.time()

    def disk_bytes(self) -> int:
        """What the store takes up on disk."""
        return self._disk_bytes()


class ClientPort:
    """Serves one node's clients."""

    def __init__(
        self,
        node: Node,
        config: MemberConfig,
        disk_bytes: Callable[[], int],
        sources: Iterable[MetricsSource],
    ) -> None:
        """`sources` have figures for the metrics page beside those that are known here."""
        self._config = config
        host = Host(disk_bytes)
        self._services = services = Services(node, host, config)
        watch = WatchService(node, node.watch_hub)
        services.add_stream(WATCH_PATH, watch.watch)
        pages = Pages(Checks(node), self._metrics)
        self._listener = Listener(
            lambda on_output: ServerConnection(services.routes, config.wire, on_output),
            lambda on_output: HttpConnection(pages, on_output),
        )
        self._figures: tuple[MetricsSource, ...] = (
            WatchFigures(node.watch_hub),
            NodeFigures(node, disk_bytes, config.limits.quota_bytes),
            LoopFigures(node, host.unix_seconds),
            ServiceFigures(services),
            PortFigures(self._listener, pages),
            ProcessFigures(),
            *sources,
        )

    async def listen(self) -> None:
        """Binds every URL that was asked for.

        Raises:
            StartupError: One of them can't be bound.
        """
        config = self._config
        for url in config.listen_client_urls:
            apart = bool(config.listen_client_http_urls)
            await self._bind("--listen-client-urls", url, http2_only=apart)
        for url in config.listen_client_http_urls:
            await self._bind("--listen-client-http-urls", url, http1_only=True)
        for url in config.listen_metrics_urls:
            await self._bind("--listen-metrics-urls", url, http1_only=True)

    def tick(self) -> None:
        """One heartbeat interval has passed."""
        self._services.tick()

    def flush(self) -> None:
        """Writes every answer that is there, one write a connection."""
        self._listener.flush()

    async def close(self, grace_seconds: float) -> None:
        """Lets calls under way end, then closes every connection."""
        await self._listener.close(grace_seconds)

    async def _bind(
        self, flag: str, url: str, *, http1_only: bool = False, http2_only: bool = False
    ) -> None:
        try:
            await self._listener.listen(url, http1_only=http1_only, http2_only=http2_only)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise StartupError(
                f"{flag} {url}: {reason}; is another process on that port?"
            ) from error

    def _metrics(self) -> bytes:
        return metrics.page(METRICS, self._figures)
