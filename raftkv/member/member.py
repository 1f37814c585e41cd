"""The wiring of one member: disk, network, clock and client port around its node."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import SystemRandom

from raftkv.command.types import Failure
from raftkv.config import MemberConfig
from raftkv.gateway.member_figures import ClockFigures, DiskFigures, PeerFigures
from raftkv.gateway.metrics import MetricsSource
from raftkv.member.client_port import ClientPort
from raftkv.member.errors import StartupError
from raftkv.member.forcing import force_new_cluster
from raftkv.member.identity import Origin
from raftkv.member.lateness import Lateness
from raftkv.member.peer_port import PeerPort
from raftkv.member.publishing import Publishing
from raftkv.member.ticker import Ticker
from raftkv.node.assembly import Start, assemble
from raftkv.node.bootstrap import first_write
from raftkv.node.node import Node
from raftkv.node.settings import NodeSettings
from raftkv.storage import DiskStorage, Identity, StorageError

log = logging.getLogger(__name__)

_REQUEST_ID_BOOT_BITS = 23
_REQUEST_ID_COUNT_BITS = 40
"""A request id is a number of this start, drawn by chance, and a count within it."""


class Member:
    """A member that runs, from `start` to `stop`. Everything happens on one asyncio loop."""

    def __init__(
        self, config: MemberConfig, storage: DiskStorage, fail: Callable[[str], None]
    ) -> None:
        """`fail` is told why the member can't go on."""
        self._config = config
        self._storage = storage
        self._fail = fail
        self._loop = asyncio.get_running_loop()
        self._node: Node
        self._peers: PeerPort
        self._clients: ClientPort
        self._ticker: Ticker
        self._turn_due: asyncio.Handle | None = None
        self._is_new = True
        """Whether this member has not yet reached a quorum since it started."""
        self._lateness = Lateness()

    @property
    def node(self) -> Node:
        """The member's loop."""
        return self._node

    async def start(self, origin: Origin | None) -> None:
        """Starts everything but the client port's serving, which waits until the state is fresh.

        `origin` is given when the disk is empty.

        Raises:
            StartupError: A port can't be bound, or what the disk holds makes no sense.
            StorageError: The disk does not allow it.
        """
        storage, config = self._storage, self._config
        if origin is not None:
            first = first_write(origin.first_members) if origin.first_members else None
            storage.bootstrap(Identity(origin.cluster, origin.member), first)
        identity = storage.identity
        assert identity is not None, "a directory that is in use has an identity"
        if config.force_new_cluster:
            force_new_cluster(storage, identity, config)
        self._peers = PeerPort(identity, config, self._removed)
        self._node = node = self._load(identity)
        await self._peers.listen(node, origin.peer_urls if origin is not None else {})
        self._clients = ClientPort(
            node, config, lambda: storage.size().allocated, self._figures(identity)
        )
        self._ticker = Ticker(config.heartbeat_interval_ms / 1_000, self._tick, self._late)
        log.info(
            "started member",
            extra={"member_id": f"{identity.member:x}", "cluster_id": f"{identity.cluster:x}"},
        )

    async def serve_clients(self) -> None:
        """Waits until this member has everything that was committed when it started, then serves.

        Raises:
            StartupError: A client port can't be bound.
        """
        await self._fresh()
        await self._clients.listen()
        Publishing(self._node, self._config, self._after_a_tick).start()

    async def stop(self) -> None:
        """Hands leadership over, ends calls in good order, and makes everything durable."""
        await self._hand_over()
        await self._clients.close(grace_seconds=1.0)
        self._ticker.stop()
        self._node.stop()
        await self._peers.close()
        self._storage.close()

    async def abandon(self) -> None:
        """Stops at once, without another word to anyone: the disk can't be trusted any more."""
        self._ticker.stop()
        self._node.stop()
        await self._peers.close()

    # -- what the ports call

    def durable(self, sequence: int) -> None:
        """A write is on the disk: its turn comes at once, since nothing else can add to it."""
        self._node.durable(sequence)
        if self._turn_due is not None:
            self._turn_due.cancel()
        self._turn()

    def _wake(self) -> None:
        self._turn_due = self._loop.call_soon(self._turn)

    def _flush(self) -> None:
        self._clients.flush()

    def _turn(self) -> None:
        self._turn_due = None
        try:
            self._node.turn()
        except Exception as error:
            # Our own mistake: what is in memory can't be trusted any more, what is on the disk can.
            log.exception("the member stops")
            self._fail(f"internal error: {error!r}")
            return
        self._clients.flush()

    def _tick(self) -> None:
        if self._is_new and self._reaches_quorum():
            self._is_new = False
            self._node.hasten_election()
        self._node.tick()
        self._peers.tick()
        self._clients.tick()

    def _late(self, seconds: float) -> None:
        heartbeats = len(self._peers.transport.peers) if self._node.status.is_leader else 0
        self._lateness.observe(seconds, heartbeats)

    def _reaches_quorum(self) -> bool:
        raft = self._node.raft
        voters = raft.membership.voters
        me, transport = raft.member_id, self._peers.transport
        reached = [member for member in voters if member == me or transport.is_connected(member)]
        return len(reached) > len(voters) // 2

    def _members_changed(self) -> None:
        self._peers.update()
        if self._node.state.members.is_removed(self._node.raft.member_id):
            # What this turn still has to say goes out first.
            self._loop.call_soon(self._leave_if_removed)

    def _leave_if_removed(self) -> None:
        if self._node.state.members.is_removed(self._node.raft.member_id):
            self._removed()

    def _removed(self) -> None:
        self._fail("the member has been permanently removed from the cluster")

    # -- starting and stopping

    def _load(self, identity: Identity) -> Node:
        start, storage = self._start_of(identity), self._storage
        stored = storage.load()
        try:
            return assemble(start, stored, storage, self._peers.transport)
        except StorageError:
            raise
        except Exception as error:
            # Bytes that are not what was written may fail in any way where they are read.
            log.debug("the stored state can't be loaded", exc_info=True)
            raise StartupError(
                f"{data_path(self._config)} is damaged: its state can't be loaded ({error!r})"
            ) from error

    def _start_of(self, identity: Identity) -> Start:
        config = self._config
        chance = SystemRandom()
        ticks = config.raft.election_timeout_ticks
        boot = secrets.randbelow(1 << _REQUEST_ID_BOOT_BITS)
        return Start(
            member_id=identity.member,
            raft=config.raft,
            watch=config.watch,
            limits=config.limits,
            settings=NodeSettings(
                cluster_id=identity.cluster,
                first_request_id=(boot << _REQUEST_ID_COUNT_BITS) + 1,
                ticks_per_second=1_000 / config.heartbeat_interval_ms,
                election_timeout_ticks=ticks,
                strict_reconfig_check=config.strict_reconfig_check,
                auto_compaction_seconds=config.auto_compaction_period_seconds,
                auto_compaction_revisions=config.auto_compaction_revisions,
                config=config.node,
            ),
            election_timeout=lambda: chance.randint(ticks, 2 * ticks - 1),
            wake=self._wake,
            flush=self._flush,
            members_changed=self._members_changed,
        )

    def _figures(self, identity: Identity) -> tuple[MetricsSource, ...]:
        """What the metrics page shows of disk, network and clock."""
        storage = self._storage
        return (
            DiskFigures(lambda: storage.log_statistics, lambda: storage.state_statistics),
            PeerFigures(identity.member, self._peers.transport),
            ClockFigures(self._lateness),
        )

    def _after_a_tick(self, run: Callable[[], None]) -> None:
        self._loop.call_later(self._config.heartbeat_interval_ms / 1_000, run)

    async def _fresh(self) -> None:
        """Returns when a linearizable read has gone through; asks as often as it takes."""
        while True:
            fresh: asyncio.Future[bool] = self._loop.create_future()
            self._node.read_barrier(partial(_set_fresh, fresh))
            if await fresh and not self._is_joining:
                return
            await asyncio.sleep(self._config.heartbeat_interval_ms / 1_000)

    @property
    def _is_joining(self) -> bool:
        """Whether this member was added as a voter and may not vote yet."""
        known = self._node.state.members.get(self._node.raft.member_id)
        return self._node.status.is_learner and known is not None and not known.is_learner

    async def _hand_over(self) -> None:
        """Gives leadership to the voter with the longest log, so that nobody has to miss us."""
        raft = self._node.raft
        voters = raft.membership.voters
        peers = [p for p in raft.status.peers if p.member in voters and p.recently_active]
        if raft.leader != raft.member_id or not peers:
            return
        done: asyncio.Future[None] = self._loop.create_future()
        target = max(peers, key=lambda peer: peer.match).member

        def handed_over(_: Failure | None) -> None:
            if not done.done():
                done.set_result(None)

        self._node.transfer_leadership(target, handed_over)
        timeout_seconds = self._config.election_timeout_ms / 1_000
        await asyncio.wait([done], timeout=timeout_seconds)


def _set_fresh(fresh: "asyncio.Future[bool]", failure: Failure | None) -> None:
    if not fresh.done():
        fresh.set_result(failure is None)


def data_path(config: MemberConfig) -> Path:
    """Where the member's data file is."""
    return Path(config.data_dir) / "member"
