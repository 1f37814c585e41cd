"""Kills members (SIGKILL); what they gave to the kernel is still written."""

import asyncio
import random

from jepsen_tests.plan import Kill
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.world.infliction import Infliction
from jepsen_tests.world.targets import chosen


def why_not(_cluster: ProcessCluster) -> str:
    """Any process can be killed."""
    return ""


async def inflict(cluster: ProcessCluster, fault: Kill, chance: random.Random) -> Infliction:
    """Kills them, all at the same time; they are started again at the end."""
    targets = chosen(fault.target, cluster.names, await cluster.leader(), chance)
    await asyncio.gather(*(cluster.members[name].kill() for name in targets))

    async def end() -> None:
        for name in targets:
            await cluster.revive(name)

    return Infliction(targets, "killed", end)
