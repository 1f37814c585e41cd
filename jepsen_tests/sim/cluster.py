"""A cluster in one thread: production nodes on simulated disks, clocks and network."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from jepsen_tests.sim.disk import Image, SimStorage
from jepsen_tests.sim.faults import ELECTION_TICKS, Faults
from jepsen_tests.sim.network import SimNetwork, SimTransport
from jepsen_tests.sim.serving import SimClientPort
from jepsen_tests.sim.world import MILLISECOND, World
from raftkv.config import LimitsConfig, NodeConfig, RaftConfig, WatchConfig
from raftkv.node.assembly import Start, assemble
from raftkv.node.bootstrap import first_write
from raftkv.node.node import Node
from raftkv.node.settings import NodeSettings
from raftkv.pb import rpc_pb2

TICK_US = 100 * MILLISECOND
MISSED_TICKS_MAX = 3
"""Ticks that a process makes up for after it was stopped, as the production clock does."""
CLUSTER_ID = 0xC1

NODE_CONFIG = NodeConfig(
    snapshot_count_entries=40,
    snapshot_catchup_entries=10,
    snapshot_chunk_bytes=2_000,
    apply_entries_per_turn_max=4,
)
"""Small, so that a short run cuts its log, sends snapshots and compacts many times."""

WATCH_CONFIG = WatchConfig(
    catch_up_rows_per_turn_max=20,
    backlog_bytes_max=3_000,
    response_bytes_max=2_000,
    progress_notify_interval_ms=1_000,
)
"""Small too: streams get full, responses are cut, progress is told."""


@dataclass(slots=True)
class SimMember:
    """A member's place: its disk outlives its node."""

    member_id: int
    image: Image
    tick_us: int
    node: Node | None = None
    storage: SimStorage | None = None
    transport: SimTransport | None = None
    port: SimClientPort | None = None
    """Where clients of the workloads come in, when the cluster has such."""
    paused: bool = False
    missed_ticks: int = 0
    """Since it was paused."""
    turn_due: bool = False
    starts: int = 0
    held: list[Callable[[], None]] = field(default_factory=list)
    """What arrived while the process was paused."""
    removed: bool = False
    disk_faults: Faults = field(default_factory=Faults)
    fastest_rate: float = 1.0
    """How much faster than it should the member's clock ran, at the fastest."""


class SimCluster:
    """The members, and what can be done to them."""

    def __init__(
        self, world: World, faults: Faults, member_count: int, *, serves_clients: bool = False
    ) -> None:
        self.world = world
        self.serves_clients = serves_clients
        self.faults = faults
        self.network = SimNetwork(world, faults)
        self.members: dict[int, SimMember] = {}
        self.touched: list[SimMember] = []
        """Those whose state may have changed since this was last emptied."""
        first = [rpc_pb2.Member(ID=i, peerURLs=[f"sim://{i}"]) for i in range(1, member_count + 1)]
        for member in first:
            self.add_place(member.ID)
            disk = SimStorage(world, Faults(), self.members[member.ID].image)
            write = first_write(first)
            disk.image.hard_state, disk.image.entries = write.hard_state, write.entries
        for member in first:
            self.start(member.ID)

    def add_place(self, member_id: int) -> None:
        """A machine with an empty disk, on which nothing runs."""
        drift = self.world.random.uniform(-self.faults.clock_drift, self.faults.clock_drift)
        place = SimMember(member_id, Image(), int(TICK_US * (1 + drift)))
        place.disk_faults = replace(self.faults)
        place.fastest_rate = max(1.0, TICK_US / place.tick_us)
        self.members[member_id] = place

    def start(self, member_id: int) -> None:
        """Starts a member's process on what its disk holds."""
        place = self.members[member_id]
        assert place.node is None, f"member {member_id} runs already"
        place.starts += 1
        place.paused, place.turn_due, place.held = False, False, []
        place.storage = SimStorage(self.world, place.disk_faults, place.image)
        place.transport = SimTransport(self.network, member_id)
        chance, spread = self.world.random, self.faults.election_spread_ticks
        start = Start(
            member_id=member_id,
            raft=RaftConfig(
                election_timeout_ticks=ELECTION_TICKS,
                append_bytes_max=2_000,
                pre_vote=self.faults.pre_vote,
            ),
            watch=WATCH_CONFIG,
            limits=LimitsConfig(),
            settings=NodeSettings(
                cluster_id=CLUSTER_ID,
                first_request_id=place.starts << 40,
                ticks_per_second=10,
                election_timeout_ticks=ELECTION_TICKS,
                strict_reconfig_check=False,
                auto_compaction_seconds=0,
                auto_compaction_revisions=0,
                config=self._node_config(),
            ),
            election_timeout=lambda: ELECTION_TICKS + chance.randrange(spread),
            wake=lambda: self._turn_due(place),
            flush=lambda: None,
            members_changed=lambda: self._members_changed(place),
        )
        node = assemble(start, place.storage.load(), place.storage, place.transport)
        place.node = node
        self.touched.append(place)
        if self.serves_clients:
            place.port = SimClientPort(node, self.world, lambda run: self.run_in(place, node, run))
        place.storage.on_durable = lambda sequence: self.run_in(
            place, node, lambda: node.durable(sequence)
        )
        place.storage.on_staged = lambda number: self.run_in(
            place, node, lambda: node.staged(number)
        )
        self.network.receivers[member_id] = lambda message: self.run_in(
            place, node, lambda: node.receive(message)
        )
        self._tick_later(place, node, hastens=chance.random() < 0.5)
        self._turn_due(place)

    def _node_config(self) -> NodeConfig:
        """As much is removed a tick as is written, however many requests there are."""
        return replace(
            NODE_CONFIG,
            snapshot_count_entries=self.faults.snapshot_count_entries,
            compaction_rows_per_tick_max=max(8, self.faults.requests_per_second // 5),
        )

    def be_calm(self, faults: Faults) -> None:
        """From now on only these faults."""
        self.faults = self.network.faults = faults
        self.network.disturbed.clear()
        for place in self.members.values():
            place.disk_faults = replace(faults)
            if place.storage is not None:
                place.storage.be_calm()

    def crash(self, member_id: int) -> None:
        """The process dies and the power fails: only what is durable stays."""
        place = self.members[member_id]
        assert place.storage is not None, f"member {member_id} does not run"
        assert place.transport is not None, f"member {member_id} does not run"
        place.storage.crash()
        place.transport.lost = True
        place.node = None
        if place.port is not None:
            place.port.lose()
            place.port = None
        del self.network.receivers[member_id]
        self.network.forget(member_id)
        for other in self.running():
            self.lose_connection(other, member_id)

    def lose_connection(self, place: SimMember, member_id: int) -> None:
        """Tells a member that its connection to another is gone."""
        node = place.node
        if node is not None:
            self.run_in(place, node, lambda: node.peer_lost(member_id))

    def pause(self, member_id: int) -> None:
        """Stops the process as SIGSTOP does."""
        place = self.members[member_id]
        place.paused, place.missed_ticks = True, 0

    def resume(self, member_id: int) -> None:
        """Lets a paused process go on with all that has arrived meanwhile."""
        place = self.members[member_id]
        place.paused = False
        held, place.held = place.held, []
        for run in held:
            run()
        if place.node is not None:
            for _ in range(min(place.missed_ticks, MISSED_TICKS_MAX)):
                self._tick(place)

    def set_clock_rate(self, member_id: int, rate: float) -> None:
        """Lets a member's clock run faster or slower from its next tick on."""
        place = self.members[member_id]
        place.tick_us = int(TICK_US / rate)
        place.fastest_rate = max(place.fastest_rate, rate)

    def jump_clock(self, member_id: int, ticks: int) -> None:
        """Lets a member's clock jump ahead, as far as the production clock makes up for."""
        place = self.members[member_id]
        if not place.paused:
            for _ in range(min(ticks, MISSED_TICKS_MAX)):
                self._tick(place)

    def running(self) -> list[SimMember]:
        """The members whose process lives, paused or not."""
        return [place for place in self.members.values() if place.node is not None]

    def run_in(self, place: SimMember, node: Node, run: Callable[[], None]) -> None:
        """Runs something in a member's process unless that is gone; later if it is paused."""
        if place.node is not node:
            return
        if place.paused:
            place.held.append(lambda: self.run_in(place, node, run))
        else:
            self.touched.append(place)
            run()

    def reachable(self) -> list[SimMember]:
        """The members whose process runs, as far as a client can tell."""
        return [place for place in self.running() if not place.paused]

    def leader(self) -> Node | None:
        """The running leader of the highest term, if there is one."""
        leaders = [
            place.node
            for place in self.running()
            if place.node is not None and place.node.raft.leader == place.member_id
        ]
        return max(leaders, key=lambda node: node.raft.term, default=None)

    def _members_changed(self, place: SimMember) -> None:
        """Takes note that a member learned of its own removal: its process ends and stays away."""
        node = place.node
        if node is not None and node.state.members.is_removed(place.member_id):
            place.removed = True
            self.world.after(0, lambda: self.crash(place.member_id) if place.node else None)

    def _turn_due(self, place: SimMember) -> None:
        if not place.turn_due:
            place.turn_due = True
            delay_us = self.world.random.randint(1, self.faults.turn_us_max)
            self.world.after(delay_us, lambda: self._turn(place, place.starts))

    def _turn(self, place: SimMember, starts: int) -> None:
        if place.starts != starts or place.node is None:
            return
        if place.paused:
            place.held.append(lambda: self._turn(place, starts))
            return
        place.turn_due = False
        self.touched.append(place)
        place.node.turn()

    def _tick(self, place: SimMember) -> None:
        """A heartbeat interval has passed, as the member sees it."""
        self.touched.append(place)
        if place.node is not None:
            place.node.tick()
        if place.port is not None:
            place.port.tick()

    def _tick_later(self, place: SimMember, node: Node, *, hastens: bool) -> None:
        """Ticks from now on; a member that reaches the others at once hastens its election."""

        def tick() -> None:
            if place.node is node:
                if place.paused:
                    place.missed_ticks += 1
                else:
                    self._tick(place)
                self.world.after(place.tick_us, tick)

        def first_tick() -> None:
            if hastens and place.node is node and not place.paused:
                node.hasten_election()
            tick()

        self.world.after(place.tick_us, first_tick)
