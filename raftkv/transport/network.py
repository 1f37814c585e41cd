"""The network as the loop sees it: the transport port (`node/ports.py`) over TCP."""

import asyncio
from collections.abc import Sequence

from raftkv.peer.codec import AnyMessage, encode
from raftkv.transport.listener import Listener
from raftkv.transport.peer import Peer
from raftkv.transport.settings import PeerStatistics, TransportHooks, TransportSettings

_CLOSE_SECONDS_MAX = 0.5
"""What was written before `close` has so long to leave."""


class TcpTransport:
    """Connections with every other member. Everything runs on the loop's thread."""

    def __init__(self, settings: TransportSettings, hooks: TransportHooks) -> None:
        self._settings = settings
        self._hooks = hooks
        self._peers: dict[int, Peer] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        """Of removed members whose last messages are leaving."""
        self._statistics: dict[int, PeerStatistics] = {}
        self._listener = Listener(settings, hooks, self._statistics)

    async def listen(self, urls: Sequence[str]) -> None:
        """Listens on every URL.

        Raises:
            OSError: A port is taken.
            ValueError: A URL is of no use.
        """
        for url in urls:
            await self._listener.listen(url)

    @property
    def ports(self) -> list[int]:
        """The ports that are listened on, in the order of the URLs."""
        return self._listener.ports

    def add_peer(self, member: int, urls: Sequence[str]) -> None:
        """Keeps a connection to a member from now on; a known member's URLs are replaced."""
        if member in self._peers:
            self._peers[member].update(urls)
            return
        statistics = self._statistics.setdefault(member, PeerStatistics())
        peer = Peer(member, urls, self._settings, statistics, self._hooks)
        self._peers[member] = peer
        self._tasks[member] = asyncio.get_running_loop().create_task(peer.run())

    def remove_peer(self, member: int) -> None:
        """Ends the connections with a member; what was sent to it before still leaves."""
        peer = self._peers.pop(member, None)
        if peer is not None:
            self._end(peer, self._tasks.pop(member))
        self._listener.drop(member)

    def send(self, messages: Sequence[AnyMessage]) -> None:
        """Sends each message to its `to`, in one write a member; drops what cannot leave."""
        peers = self._peers
        packed_entries: dict[int, bytes] = {}
        written = set()
        for message in messages:
            peer = peers.get(message[0])
            if peer is not None:
                peer.put(encode(message, packed_entries))
                written.add(peer)
        for peer in written:
            peer.flush()

    def is_connected(self, member: int) -> bool:
        """Whether there is a live connection to the member."""
        peer = self._peers.get(member)
        return peer is not None and peer.is_connected

    def active_since_ticks(self, member: int) -> int:
        """For how many ticks the connection has lived; 0 when there is none."""
        peer = self._peers.get(member)
        return 0 if peer is None else peer.ticks_connected

    def tick(self) -> None:
        """One tick of the member's clock has passed."""
        for peer in self._peers.values():
            peer.tick()

    @property
    def statistics(self) -> dict[int, PeerStatistics]:
        """What went between this member and each other one, since the start."""
        return self._statistics

    @property
    def peers(self) -> list[int]:
        """The other members that a connection is kept to."""
        return list(self._peers)

    def round_trip_seconds(self, member: int) -> float | None:
        """How long the member takes to acknowledge; None without a connection."""
        peer = self._peers.get(member)
        return None if peer is None else peer.round_trip_seconds()

    async def close(self) -> None:
        """Ends everything; what was sent before leaves if it can do so soon."""
        self._listener.close()
        for member in tuple(self._peers):
            self.remove_peer(member)
        ending = tuple(self._ending)
        if ending:
            await asyncio.wait(ending, timeout=_CLOSE_SECONDS_MAX)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def _end(self, peer: Peer, task: "asyncio.Task[None]") -> None:
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        if peer.is_connected:
            peer.end()
        else:
            task.cancel()
