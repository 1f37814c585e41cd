"""Breaks members' connections, once, with a reset at both ends (`ss --kill`)."""

import asyncio
import random

from jepsen_tests.plan import Reset
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.process.shell import missing_programs, run_in_namespace
from jepsen_tests.world.infliction import Infliction
from jepsen_tests.world.targets import chosen


def why_not(_cluster: ProcessCluster) -> str:
    """The kernel ends a connection for whoever asks through `ss`."""
    return "ss is not installed (iproute2)" if missing_programs("ss") else ""


async def inflict(cluster: ProcessCluster, fault: Reset, chance: random.Random) -> Infliction:
    """Breaks all connections of some members, those of clients too."""
    targets = chosen(fault.target, cluster.names, await cluster.leader(), chance)
    broken = await asyncio.gather(*(_reset(cluster, name) for name in targets))
    return Infliction(targets, f"{sum(broken)} connections broken")


async def _reset(cluster: ProcessCluster, name: str) -> int:
    """Breaks a member's connections; returns how many there were."""
    namespace = cluster.network.subnet.namespace(name)
    said = await run_in_namespace(namespace, "ss", "-K", "-H", "-t", "state", "established")
    return len(said.splitlines())
