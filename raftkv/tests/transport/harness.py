"""Members that are nothing but a transport, on loopback."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from raftkv.config import TransportConfig
from raftkv.peer.codec import AnyMessage
from raftkv.peer.handshake import ClusterInfo, MemberInfo
from raftkv.raft.messages import TimeoutNow
from raftkv.transport import TcpTransport, TransportHooks, TransportSettings

CLUSTER = 0xC1
CONFIG = TransportConfig(reconnect_milliseconds_min=1, reconnect_milliseconds_max=5)
WAIT_SECONDS_MAX = 20


@dataclass
class Site:
    """One member: its transport and what it was told."""

    member: int
    cluster: int = CLUSTER
    config: TransportConfig = CONFIG
    ssl_incoming: ssl.SSLContext | None = None
    ssl_outgoing: ssl.SSLContext | None = None
    received: list[AnyMessage] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    removed: set[int] = field(default_factory=set)
    removals: list[bool] = field(default_factory=list)
    """One for each time that this member was told of its removal."""

    def __post_init__(self) -> None:
        settings = TransportSettings(
            config=self.config,
            cluster=self.cluster,
            member=self.member,
            jitter=lambda: 0.0,
            ssl_incoming=self.ssl_incoming,
            ssl_outgoing=self.ssl_outgoing,
        )
        hooks = TransportHooks(
            on_message=self.received.append,
            on_peer_lost=self.lost.append,
            is_removed=self.removed.__contains__,
            on_removed=lambda: self.removals.append(True),
            cluster_info=self.info,
        )
        self.transport = TcpTransport(settings, hooks)

    def info(self) -> ClusterInfo:
        known = MemberInfo(self.member, "name", (self.url,), ("http://c:1",), is_learner=False)
        return ClusterInfo(self.cluster, (known,))

    @property
    def port(self) -> int:
        return self.transport.ports[0]

    @property
    def url(self) -> str:
        scheme = "https" if self.ssl_incoming else "http"
        return f"{scheme}://localhost:{self.port}"

    async def listen(self, port: int = 0) -> None:
        scheme = "https" if self.ssl_incoming else "http"
        await self.transport.listen([f"{scheme}://127.0.0.1:{port}"])

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.transport.close()


async def connect(*sites: Site) -> None:
    """Joins every site with every other and waits until they agree."""
    for one in sites:
        for other in sites:
            if one is not other:
                one.transport.add_peer(other.member, [other.url])
    for one in sites:
        for other in sites:
            if one is not other:
                await until(partial(one.transport.is_connected, other.member))


async def until(condition: Callable[[], object]) -> None:
    """Lets the loop run until a condition holds."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not condition():  # noqa: ASYNC110 - a condition on what has no event
            await asyncio.sleep(0.001)


def run(body: Callable[[], Awaitable[None]]) -> None:
    """Runs a test's body on a loop of its own."""

    async def main() -> None:
        await body()

    asyncio.run(main())


def numbered(to: int, sender: int, count: int) -> list[AnyMessage]:
    """Messages that can be told apart."""
    return [TimeoutNow(to, sender, number) for number in range(count)]
