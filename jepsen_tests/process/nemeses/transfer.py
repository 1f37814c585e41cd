"""Moves leadership to another member, as an administrator does on a quiet day."""

import random

from jepsen_tests.plan import Transfer
from jepsen_tests.process.admin import NO_ANSWER
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.world.infliction import Infliction, NotNowError
from jepsen_tests.world.targets import chosen


def why_not(_cluster: ProcessCluster) -> str:
    """Every server has that API."""
    return ""


async def inflict(cluster: ProcessCluster, fault: Transfer, chance: random.Random) -> Infliction:
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
