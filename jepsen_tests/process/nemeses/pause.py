"""Pauses members (SIGSTOP): their connections stay, they do not know that time passes."""

import random

from jepsen_tests.plan import Pause
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.process.members import Condition
from jepsen_tests.world.infliction import Infliction
from jepsen_tests.world.targets import chosen


def why_not(_cluster: ProcessCluster) -> str:
    """Any process can be paused."""
    return ""


async def inflict(cluster: ProcessCluster, fault: Pause, chance: random.Random) -> Infliction:
    """Pauses those of them that run."""
    meant = chosen(fault.target, cluster.names, await cluster.leader(), chance)
    targets = [name for name in meant if name in cluster.running]
    for name in targets:
        cluster.members[name].pause()

    async def end() -> None:
        for name in targets:
            member = cluster.members.get(name)
            if member is not None and member.condition is Condition.PAUSED:
                member.resume()

    return Infliction(targets, "paused", end)
