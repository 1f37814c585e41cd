"""Which nemesis makes which fault."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from jepsen_tests import plan
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.process.nemeses import (
    clock,
    disk,
    kill,
    membership,
    partition,
    pause,
    power,
    reset,
    restart,
    room,
    rot,
    snapshot,
    traffic,
    transfer,
)
from jepsen_tests.world.infliction import Infliction

_NEVER: dict[type[plan.Fault], str] = {
    plan.Duplication: "between real members TCP lets nothing arrive twice",
    plan.Reordering: "between real members TCP puts everything in order",
}
"""What can't be done to real processes, and why. What is done through clients is made elsewhere."""


@dataclass(frozen=True, slots=True)
class Nemesis:
    """One row: when it can't be done, and how it is done."""

    why_not: Callable[[ProcessCluster], str]
    inflict: Callable[[ProcessCluster, Any, random.Random], Awaitable[Infliction]]


NEMESES: dict[type[plan.Fault], Nemesis] = {
    plan.Kill: Nemesis(kill.why_not, kill.inflict),
    plan.Pause: Nemesis(pause.why_not, pause.inflict),
    plan.RollingRestart: Nemesis(restart.why_not, restart.inflict),
    plan.Partition: Nemesis(partition.why_not, partition.inflict),
    plan.Loss: Nemesis(traffic.why_not, traffic.inflict),
    plan.Delay: Nemesis(traffic.why_not_late, traffic.inflict),
    plan.Reset: Nemesis(reset.why_not, reset.inflict),
    plan.SlowLink: Nemesis(traffic.why_not, traffic.inflict),
    plan.ClockSkew: Nemesis(clock.why_not, clock.inflict),
    plan.PowerLoss: Nemesis(power.why_not, power.inflict),
    plan.DiskError: Nemesis(disk.why_not, disk.inflict),
    plan.SlowDisk: Nemesis(disk.why_not, disk.inflict),
    plan.DiskFull: Nemesis(room.why_not, room.inflict),
    plan.Corrupt: Nemesis(rot.why_not, rot.inflict),
    plan.MemberChange: Nemesis(membership.why_not, membership.inflict),
    plan.SnapshotCut: Nemesis(snapshot.why_not, snapshot.inflict),
    plan.Transfer: Nemesis(transfer.why_not, transfer.inflict),
}


def capabilities(cluster: ProcessCluster) -> dict[str, str]:
    """Why each fault can't be made on this cluster; empty: it can."""
    able = {plan.name_of(kind): row.why_not(cluster) for kind, row in NEMESES.items()}
    return able | {plan.name_of(kind): reason for kind, reason in _NEVER.items()}
