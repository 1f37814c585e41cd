"""A snapshot that is cut off: a member falls behind until it needs one, which breaks off midway.

The member is isolated until the leader's log begins after its own ends, and connected again. When a
few chunks are under way to it, the sender or the receiver dies, or the link breaks once more.
"""

from jepsen_tests.plan import SnapshotCut
from jepsen_tests.sim.harm.processes import start
from jepsen_tests.sim.harm.scene import Scene
from jepsen_tests.sim.wiring import member_id_of, name_of_member
from jepsen_tests.world.infliction import Infliction, NotNowError
from raftkv.peer.codec import AnyMessage
from raftkv.peer.messages import SnapshotChunk

LOOK_SECONDS = 0.05
CHUNKS_MAX = 4
DOWN_SECONDS_MAX = 2.0


async def cut_snapshot(scene: Scene, fault: SnapshotCut) -> Infliction:
    """Begins; the rest happens beside."""
    (name, *_) = scene.running(fault.target)
    if len(scene.names) < 2:
        raise NotNowError("a member alone is sent no snapshot")
    task = scene.world.spawn(_Cutting(scene, name).run())

    async def undo() -> None:
        task.cancel()

    return Infliction([name], undo=undo)


class _Cutting:
    """The steps of one."""

    def __init__(self, scene: Scene, name: str) -> None:
        self._scene = scene
        self._name = name
        self._member = member_id_of(name)
        self._chunks = 0
        self._sender = 0

    async def run(self) -> None:
        """Isolates, waits, connects, waits for chunks, cuts."""
        scene, network = self._scene, self._scene.cluster.network
        others = [member for member in scene.cluster.members if member != self._member]
        links = frozenset(
            pair for other in others for pair in ((other, self._member), (self._member, other))
        )
        isolation = scene.cut(links, [self._name])
        try:
            await self._until_behind()
        finally:
            await isolation.end()
        see = network.on_send

        def seen(message: AnyMessage) -> None:
            see(message)
            if isinstance(message, SnapshotChunk) and message.to == self._member:
                self._chunks += 1
                self._sender = message.sender

        network.on_send = seen
        try:
            await self._until_chunks(scene.chance.randint(1, CHUNKS_MAX))
        finally:
            network.on_send = see
        await self._strike()

    async def _until_behind(self) -> None:
        scene = self._scene
        while True:
            leader, node = scene.cluster.leader(), scene.place(self._name).node
            if leader is None or node is None or leader is node:
                pass
            elif leader.raft.first_index > node.raft.last_index + 1:
                return
            await scene.world.sleep(LOOK_SECONDS)

    async def _until_chunks(self, least: int) -> None:
        while self._chunks < least:
            await self._scene.world.sleep(0.001)

    async def _strike(self) -> None:
        scene, chance = self._scene, self._scene.chance
        victim = chance.choice((self._member, self._sender, 0))
        down_seconds = chance.uniform(0.05, DOWN_SECONDS_MAX)
        place = scene.cluster.members.get(victim)
        if place is None:
            pair = (self._sender, self._member)
            broken = scene.cut(frozenset((pair, pair[::-1])), [self._name])
            await scene.world.sleep(down_seconds)
            await broken.end()
        elif place.node is not None:
            scene.cluster.crash(victim)
            await scene.world.sleep(down_seconds)
            start(scene, name_of_member(victim))
