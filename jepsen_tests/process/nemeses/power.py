"""Cuts the power: members end, and of what they wrote only what they synced is sure to stay."""

import asyncio
import random

from jepsen_tests.plan import PowerLoss
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.process.equipment import why_no_shim
from jepsen_tests.process.storage_shim.control import DiskControl
from jepsen_tests.process.storage_shim.power_loss import lose_power
from jepsen_tests.world.infliction import Infliction, NotNowError
from jepsen_tests.world.targets import chosen

SYNC_SECONDS = 0.2


def why_not(cluster: ProcessCluster) -> str:
    """A shim must have noted what was not synced."""
    return why_no_shim(cluster.kind)


async def inflict(cluster: ProcessCluster, fault: PowerLoss, chance: random.Random) -> Infliction:
    """Kills them at the same time and takes back what was not synced; then they are started."""
    targets = chosen(fault.target, cluster.names, await cluster.leader(), chance)
    await _let_writes_wait(cluster, targets, chance)
    await asyncio.gather(*(cluster.members[name].kill() for name in targets))
    words = []
    for name in targets:
        files = cluster.members[name].files
        unseen = cluster.workshop.storage_of(files).unseen()
        if unseen:
            raise NotNowError(f"{name} writes to {unseen} in a way that the shim can't see")
        losses = await asyncio.to_thread(lose_power, files.data, files.shim, chance)
        words.append(
            f"{name} lost {losses.changes - losses.kept} of {losses.changes} unsynced changes"
            f" and {losses.names} names"
        )

    async def end() -> None:
        for name in targets:
            await cluster.revive(name)

    return Infliction(targets, ", ".join(words), end)


async def _let_writes_wait(
    cluster: ProcessCluster, names: list[str], chance: random.Random
) -> None:
    """Makes syncs slow for a moment: between two of them there is nothing that could be lost."""
    for name in names:
        with DiskControl(cluster.members[name].files.shim) as control:
            control.slow_syncs(SYNC_SECONDS)
    await asyncio.sleep(SYNC_SECONDS * 2 * chance.random())
    for name in names:
        with DiskControl(cluster.members[name].files.shim) as control:
            control.heal()
