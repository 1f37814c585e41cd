"""What an administrator does on a quiet day: moves leadership, compacts. It should do no harm."""

import random

from jepsen_tests.plan import Compact, Transfer
from jepsen_tests.process.admin import NO_ANSWER, ClusterStuckError
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.world.infliction import Infliction, NotNowError
from jepsen_tests.world.targets import chosen


def why_not(_cluster: ProcessCluster) -> str:
    """Every server has that API."""
    return ""


async def transfer(cluster: ProcessCluster, fault: Transfer, chance: random.Random) -> Infliction:
    """Asks the leader to let another member lead."""
    leader = await cluster.leader()
    to = chosen(fault.target, cluster.names, leader, chance)[0]
    if not leader or to == leader:
        raise NotNowError(f"{leader or 'nobody'} leads, and {to} should take over")
    try:
        await cluster.admin.transfer(leader, to)
    except NO_ANSWER as error:
        raise NotNowError(f"from {leader} to {to}: {error}") from error
    return Infliction([leader, to], f"leadership moved from {leader} to {to}")


async def compact(cluster: ProcessCluster, fault: Compact, _chance: random.Random) -> Infliction:
    """Compacts the history up to a few revisions before the newest."""
    try:
        revision = await cluster.admin.compact(cluster.running, fault.keep_revisions)
    except ClusterStuckError as error:
        raise NotNowError(str(error)) from error
    if not revision:
        raise NotNowError("there is nothing to compact yet")
    return Infliction(cluster.running, f"compacted up to revision {revision}")
