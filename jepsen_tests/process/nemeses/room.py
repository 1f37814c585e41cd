"""Fills members' disks to the last byte."""

import random

from jepsen_tests.plan import DiskFull
from jepsen_tests.process import disks
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.world.infliction import Infliction
from jepsen_tests.world.targets import chosen


def why_not(cluster: ProcessCluster) -> str:
    """Each member needs a small file system of its own, which it got at the start."""
    if cluster.workshop.equipment.storage_shim:
        return "a full disk has no room for the storage shim's journal, which other faults need"
    return ""


async def inflict(cluster: ProcessCluster, fault: DiskFull, chance: random.Random) -> Infliction:
    """Fills them; a member that ended for it is started again when there is room."""
    targets = chosen(fault.target, cluster.names, await cluster.leader(), chance)
    paths = [cluster.members[name].files.disk for name in targets]
    taken = [disks.fill(path) for path in paths]

    async def end() -> None:
        for path in paths:
            disks.free(path)
        for name in targets:
            await cluster.revive(name)

    return Infliction(targets, f"took the last {max(taken) >> 20} MiB", end)
