"""The transport port (`node/ports.py`) over TCP: a listener, and a connection to each other member."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from raftkv.config import TransportConfig
from raftkv.peer.codec import AnyMessage, encode
from raftkv.peer.framing import frame_head
from raftkv.peer.handshake import ClusterInfo, Hello
from raftkv.transport.address import parse_peer_url
from raftkv.transport.incoming import Door, Incoming
from raftkv.transport.outgoing import Outgoing


class TcpTransport:
    """One member's connections to the others."""

    def __init__(
        self,
        identity: tuple[int, int],
        config: TransportConfig,
        tick_seconds: float,
        *,
        on_messages: Callable[[list[AnyMessage]], None],
        on_lost: Callable[[int], None],
        cluster_info: Callable[[], ClusterInfo],
        is_removed: Callable[[int], bool],
    ) -> None:
        """`identity` is (cluster id, member id); `on_lost` is told whose connection ended."""
        self._cluster, self._member = identity
        self._config = config
        self._tick_seconds = tick_seconds
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._outgoing: dict[int, Outgoing] = {}
        self._servers: list[asyncio.Server] = []
        self._door = Door(
            self._cluster, self._member, config, on_messages, on_lost, cluster_info, is_removed
        )

    async def listen(self, url: str) -> None:
        """Binds a peer URL.

        Raises:
            OSError: It can't be bound.
            ValueError: It is no peer URL.
        """
        host, port = parse_peer_url(url)
        server = await self._loop.create_server(lambda: Incoming(self._door), host or None, port)
        self._servers.append(server)

    def set_peers(self, urls: Mapping[int, tuple[str, ...]]) -> None:
        """Connects to these members, and to no other."""
        for member in [m for m in self._outgoing if m not in urls]:
            self._outgoing.pop(member).close()
        for member, theirs in urls.items():
            known = self._outgoing.get(member)
            if known is None:
                self._outgoing[member] = self._dial(member, theirs)
            else:
                known.urls = theirs

    def send(self, messages: list[AnyMessage]) -> None:
        """Sends each message to its receiver; one write a receiver."""
        packed: dict[int, bytes] = {}
        by_member: dict[int, list[bytes]] = {}
        for message in messages:
            payload = encode(message, packed)
            frames = by_member.setdefault(message.to, [])
            frames.append(frame_head(payload))
            frames.append(payload)
        for member, frames in by_member.items():
            outgoing = self._outgoing.get(member)
            if outgoing is not None:
                outgoing.send(b"".join(frames), len(frames) // 2)

    def is_connected(self, member: int) -> bool:
        """Whether messages to the member leave at once."""
        outgoing = self._outgoing.get(member)
        return outgoing is not None and outgoing.connected_since is not None

    def active_since_ticks(self, member: int) -> int:
        """For how many ticks the connection has lived; 0 when there is none."""
        outgoing = self._outgoing.get(member)
        if outgoing is None or outgoing.connected_since is None:
            return 0
        return int((self._loop.time() - outgoing.connected_since) / self._tick_seconds)

    @property
    def sent_bytes(self) -> int:
        """Bytes sent to other members."""
        return sum(outgoing.sent_bytes for outgoing in self._outgoing.values())

    @property
    def received_bytes(self) -> int:
        """Bytes received from other members."""
        return self._door.received_bytes

    @property
    def peers(self) -> Iterable[int]:
        """The members that are connected to, or tried."""
        return self._outgoing.keys()

    def close(self) -> None:
        """Ends every connection and stops listening."""
        for server in self._servers:
            server.close()
        for outgoing in self._outgoing.values():
            outgoing.close()
        self._outgoing.clear()
        for incoming in list(self._door.connections):
            incoming.abort()

    def _dial(self, member: int, urls: tuple[str, ...]) -> Outgoing:
        hello = Hello(self._cluster, self._member, member)
        return Outgoing(hello, urls, self._config, lambda: self._on_lost(member))
