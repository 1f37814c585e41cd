"""Makes members' disks fail now and then, or take their time."""

import random
from typing import get_args

from jepsen_tests.plan import DiskError, SlowDisk
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.process.equipment import why_no_shim
from jepsen_tests.process.storage_shim.control import DiskControl, Operation
from jepsen_tests.world.infliction import Infliction, NotNowError
from jepsen_tests.world.targets import chosen


def why_not(cluster: ProcessCluster) -> str:
    """A shim answers in the disk's place."""
    return why_no_shim(cluster.kind)


async def inflict(
    cluster: ProcessCluster, fault: DiskError | SlowDisk, chance: random.Random
) -> Infliction:
    """Makes them fail or wait; a member that ended for it is started again at the end."""
    if isinstance(fault, DiskError) and fault.operation not in get_args(Operation):
        raise NotNowError("what a member reads through a map is no call that could fail")
    targets = chosen(fault.target, cluster.names, await cluster.leader(), chance)
    files = [cluster.members[name].files for name in targets]
    detail = ""
    for each in files:
        with DiskControl(each.shim) as control:
            detail = _order(control, fault)

    async def end() -> None:
        for each in files:
            with DiskControl(each.shim) as control:
                control.heal()
        for name in targets:
            await cluster.revive(name)

    return Infliction(targets, detail, end)


def _order(control: DiskControl, fault: DiskError | SlowDisk) -> str:
    match fault:
        case DiskError(operation=name, nth=nth):
            operation: Operation = next(each for each in get_args(Operation) if each == name)
            control.fail(operation, after=nth - 1)
            return f"EIO from {operation} number {nth} from now"
        case SlowDisk(seconds=seconds):
            control.slow_syncs(seconds)
            return f"each sync {seconds:g} s longer"
