"""Interrupts a snapshot: a member falls behind, is sent one, and is cut off in the middle of it."""

import asyncio
import random

from jepsen_tests.plan import SnapshotCut
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.world.infliction import Infliction
from jepsen_tests.world.links import Disturbance, both_ways
from jepsen_tests.world.targets import chosen

ENTRIES_BEHIND = 700
"""More than any server keeps for slow members, with the flags that it gets here (`servers/`)."""
BEHIND_SECONDS_MAX = 20.0
SLOW_KILOBITS = 2_000
"""Slow enough that a snapshot takes a moment."""
CUTS = 3
_CUT_SECONDS = 0.3
_POLL_SECONDS = 0.1


def why_not(_cluster: ProcessCluster) -> str:
    """It takes a partition, a slow link, and a load that fills the log."""
    return ""


async def inflict(cluster: ProcessCluster, fault: SnapshotCut, chance: random.Random) -> Infliction:
    """Cuts a member off until it needs a snapshot, then lets it have the snapshot in pieces."""
    targets = chosen(fault.target, cluster.names, await cluster.leader(), chance)
    others = [name for name in cluster.names if name not in targets]
    mark = object()
    apart = Disturbance(cut=both_ways(targets, others))
    slow = Disturbance(rate_kilobits=dict.fromkeys(others, SLOW_KILOBITS))

    async def end() -> None:
        await cluster.network.restore(mark)

    await cluster.network.disturb(mark, apart)
    try:
        entries = await _wait_until_behind(cluster, others)
        for _ in range(CUTS):
            await cluster.network.disturb(mark, slow)
            await asyncio.sleep(_CUT_SECONDS * (1 + chance.random()))
            await cluster.network.disturb(mark, apart)
            await asyncio.sleep(_CUT_SECONDS)
        await cluster.network.disturb(mark, slow)
    except BaseException:
        await end()
        raise
    return Infliction(targets, f"{entries} entries behind, then cut off {CUTS} times", end)


async def _wait_until_behind(cluster: ProcessCluster, others: list[str]) -> int:
    """Waits while the others go on; returns by how many entries they did."""
    began: int | None = None
    behind = 0
    for _ in range(int(BEHIND_SECONDS_MAX / _POLL_SECONDS)):
        known = await cluster.admin.statuses(others)
        commit = max((status.commit for status in known.values()), default=0)
        began = commit if began is None else began
        behind = commit - began
        if behind >= ENTRIES_BEHIND:
            break
        await asyncio.sleep(_POLL_SECONDS)
    return behind
