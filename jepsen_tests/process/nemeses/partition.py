"""Cuts links between members, or between members and clients."""

import random

from jepsen_tests.plan import Partition
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.world.infliction import Infliction
from jepsen_tests.world.links import Disturbance, Link
from jepsen_tests.world.shapes import links_cut


def why_not(_cluster: ProcessCluster) -> str:
    """Without network namespaces there is no cluster at all."""
    return ""


async def inflict(cluster: ProcessCluster, fault: Partition, chance: random.Random) -> Infliction:
    """Cuts the links of this shape."""
    leader = await cluster.leader()
    cut = links_cut(fault.shape, cluster.names, leader, chance, fault.groups)
    mark = object()
    await cluster.network.disturb(mark, Disturbance(cut=cut))

    async def end() -> None:
        await cluster.network.restore(mark)

    targets = sorted({name for link in cut for name in link if name in cluster.members})
    return Infliction(targets, f"{fault.shape}: {_in_words(cut)}", end)


def _in_words(cut: frozenset[Link]) -> str:
    both = sorted(link for link in cut if link[::-1] in cut and link.sender < link.receiver)
    single = sorted(link for link in cut if link[::-1] not in cut)
    words = [f"{a} | {b}" for a, b in both] + [f"{a} -/-> {b}" for a, b in single]
    return ", ".join(words)
