"""The peer port of a member: where the other members are, and what they send to the node."""

from collections.abc import Callable
from random import SystemRandom

from raftkv.config import MemberConfig
from raftkv.member.errors import StartupError
from raftkv.node.node import Node
from raftkv.peer.codec import AnyMessage
from raftkv.peer.handshake import ClusterInfo, MemberInfo
from raftkv.storage import Identity
from raftkv.transport import TcpTransport, TransportHooks, TransportSettings


class PeerPort:
    """Keeps the transport's peers in step with the members table."""

    def __init__(
        self, identity: Identity, config: MemberConfig, on_removed: Callable[[], None]
    ) -> None:
        self._identity = identity
        self._config = config
        self._node: Node
        self._first_urls: dict[int, tuple[str, ...]] = {}
        """Where the others are, as long as the log has not told."""
        self.transport = TcpTransport(
            TransportSettings(
                config=config.transport,
                cluster=identity.cluster,
                member=identity.member,
                jitter=SystemRandom().random,
            ),
            TransportHooks(
                on_message=self._on_message,
                on_peer_lost=self._on_lost,
                is_removed=self._is_removed,
                on_removed=on_removed,
                cluster_info=self._cluster_info,
            ),
        )
        self._peers: set[int] = set()

    async def listen(self, node: Node, first_urls: dict[int, tuple[str, ...]]) -> None:
        """Binds every peer URL and connects to the others.

        Raises:
            StartupError: A URL can't be bound.
        """
        self._node = node
        self._first_urls = first_urls
        try:
            await self.transport.listen(self._config.listen_peer_urls)
        except (OSError, ValueError) as error:
            raise StartupError(f"--listen-peer-urls: {error}") from error
        self.update()

    def update(self) -> None:
        """Follows the members table, once it knows this member; before, what the start told."""
        members = self._node.state.members
        me = self._identity.member
        urls = {m.id: m.peer_urls for m in members.all() if m.id != me and m.peer_urls}
        if me not in members and not members.is_removed(me):
            urls = {**self._first_urls, **urls}
        for member in self._peers - urls.keys():
            self.transport.remove_peer(member)
        for member, theirs in urls.items():
            self.transport.add_peer(member, theirs)
        self._peers = set(urls)

    async def close(self) -> None:
        """Ends every connection; what was sent before still leaves."""
        await self.transport.close()

    def tick(self) -> None:
        """One heartbeat interval has passed."""
        self.transport.tick()

    def _on_message(self, message: AnyMessage) -> None:
        self._node.receive(message)

    def _on_lost(self, member: int) -> None:
        self._node.peer_lost(member)

    def _is_removed(self, member: int) -> bool:
        return self._node.state.members.is_removed(member)

    def _cluster_info(self) -> ClusterInfo:
        return ClusterInfo(
            self._identity.cluster,
            tuple(
                MemberInfo(m.id, m.name, m.peer_urls, m.client_urls, m.is_learner)
                for m in self._node.state.members.all()
            ),
        )
