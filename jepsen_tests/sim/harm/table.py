"""Which harm makes which fault, and why the simulation has no others."""

from collections.abc import Awaitable, Callable
from typing import Any

from jepsen_tests import plan
from jepsen_tests.sim.harm import links, machines, membership, processes, snapshots
from jepsen_tests.sim.harm.scene import Scene
from jepsen_tests.world.infliction import Infliction

HARMS: dict[type[plan.Fault], Callable[[Scene, Any], Awaitable[Infliction]]] = {
    plan.Kill: processes.kill,
    plan.PowerLoss: processes.kill,
    plan.Pause: processes.pause,
    plan.Reset: processes.reset,
    plan.RollingRestart: processes.restart_all,
    plan.Partition: links.partition,
    plan.Loss: links.lose,
    plan.Delay: links.delay,
    plan.Duplication: links.duplicate,
    plan.Reordering: links.reorder,
    plan.ClockSkew: machines.skew,
    plan.SlowDisk: machines.slow_disk,
    plan.MemberChange: membership.change,
    plan.Transfer: membership.transfer,
    plan.SnapshotCut: snapshots.cut_snapshot,
}
_NONE: dict[type[plan.Fault], str] = {
    plan.SlowLink: "the simulated links have no width; they can be late",
    plan.DiskError: "the simulated disk does not fail; a member whose disk does ends, as by a kill",
    plan.DiskFull: "the simulated disk has no end",
    plan.Corrupt: "the simulated disk keeps what it has",
}

CAPABILITIES: dict[str, str] = {
    **{plan.name_of(kind): "" for kind in HARMS},
    **{plan.name_of(kind): reason for kind, reason in _NONE.items()},
}
"""Each fault's name, with the reason why it can't be made; empty: it can."""
