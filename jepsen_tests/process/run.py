"""One run on real processes: a cluster, a workload, a plan, a history."""

from dataclasses import dataclass
from pathlib import Path

from jepsen_tests.history import History
from jepsen_tests.plan import Plan
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.process.equipment import needed
from jepsen_tests.process.servers.kind import ServerKind
from jepsen_tests.process.under_test import ClusterUnderTest
from jepsen_tests.workload import running
from jepsen_tests.workload.workload import Workload
from jepsen_tests.world.real_time import RealTimeWorld
from jepsen_tests.world.trial import Load, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is run."""

    kind: ServerKind
    members: int
    workload: Workload
    plan: Plan
    load: Load
    directory: Path
    """Where members' data and logs go."""


async def carry_out(setting: Setting, history: History) -> None:
    """Runs a workload on a cluster of its own while the plan is carried out.

    Raises:
        ProgramError: The machine lacks something.
        ClusterStuckError: The cluster did not start.
    """
    world = RealTimeWorld(setting.load.seed)
    faults = tuple(at.fault for at in setting.plan)
    cluster = await ProcessCluster.start(
        setting.kind,
        setting.directory,
        setting.members,
        needed(faults, setting.kind),
        world.random,
    )
    try:
        under_test = ClusterUnderTest(cluster, world.random, world.now_ns)
        trial = Trial(world, under_test, history, setting.load)
        await world.run(running.run(trial, setting.workload, setting.plan))
    finally:
        await world.close()
        await cluster.close()
