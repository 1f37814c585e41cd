"""Harm to the network: partitions, and links that lose, delay, double and disorder messages."""

from jepsen_tests.plan import Delay, Duplication, Loss, Partition, Reordering
from jepsen_tests.sim.harm.scene import Scene
from jepsen_tests.sim.network import CLIENTS as CLIENTS_ID
from jepsen_tests.sim.wiring import member_id_of
from jepsen_tests.sim.world import MILLISECOND
from jepsen_tests.world.infliction import Infliction, NotNowError
from jepsen_tests.world.links import CLIENTS
from jepsen_tests.world.shapes import links_cut


async def partition(scene: Scene, fault: Partition) -> Infliction:
    """Links are cut, as a shape says."""
    links = links_cut(fault.shape, scene.names, scene.leader_name, scene.chance, fault.groups)
    known = set(scene.cluster.members)
    ends = {link: (_end(link.sender), _end(link.receiver)) for link in sorted(links)}
    pairs = frozenset(pair for pair in ends.values() if known | {CLIENTS_ID} >= set(pair))
    if not pairs:
        raise NotNowError(f"a partition of shape {fault.shape} cuts nothing here")
    return scene.cut(pairs, [f"{link.sender}->{link.receiver}" for link in ends])


def _end(name: str) -> int:
    if name == CLIENTS:
        return CLIENTS_ID
    number = name.removeprefix("m")
    return member_id_of(name) if number.isdecimal() else -1


async def lose(scene: Scene, fault: Loss) -> Infliction:
    """Messages vanish."""
    return scene.disturb(scene.targets(fault.target), message_loss=fault.chance)


async def delay(scene: Scene, fault: Delay) -> Infliction:
    """Messages are late."""
    least = round(fault.milliseconds * MILLISECOND)
    return scene.disturb(
        scene.targets(fault.target),
        message_delay_us_min=least,
        message_delay_us_max=least + round(fault.jitter_milliseconds * MILLISECOND),
    )


async def duplicate(scene: Scene, fault: Duplication) -> Infliction:
    """Messages of consensus arrive twice."""
    return scene.disturb(scene.targets(fault.target), message_duplication=fault.chance)


async def reorder(scene: Scene, fault: Reordering) -> Infliction:
    """Messages of consensus overtake each other."""
    most = max(scene.conditions.message_delay_us_max, 20 * MILLISECOND)
    return scene.disturb(
        scene.targets(fault.target), message_overtaking=True, message_delay_us_max=most
    )
