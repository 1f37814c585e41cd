"""Makes members' clocks go at another rate, and their wall clocks jump."""

import random

from jepsen_tests.plan import ClockSkew
from jepsen_tests.process.clock_shim.control import ClockControl
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.process.equipment import why_no_shim
from jepsen_tests.world.infliction import Infliction
from jepsen_tests.world.targets import chosen


def why_not(cluster: ProcessCluster) -> str:
    """A shim shows a program other clocks; the machine's own are not touched."""
    return why_no_shim(cluster.kind)


async def inflict(cluster: ProcessCluster, fault: ClockSkew, chance: random.Random) -> Infliction:
    """Changes their clocks, which a restart does not put right."""
    targets = chosen(fault.target, cluster.names, await cluster.leader(), chance)
    files = [cluster.members[name].files for name in targets]
    for each in files:
        with ClockControl(each.clock) as control:
            control.skew(rate=fault.rate, wall_ahead_seconds=fault.offset_seconds)

    async def end() -> None:
        for each in files:
            with ClockControl(each.clock) as control:
                control.skew()

    detail = f"clocks {fault.rate:g} times as fast, wall clock {fault.offset_seconds:+g} s"
    return Infliction(targets, detail, end)
