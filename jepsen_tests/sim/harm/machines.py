"""Harm to machines: clocks that are wrong, disks that are slow."""

from jepsen_tests.plan import ClockSkew, SlowDisk
from jepsen_tests.sim.cluster import TICK_US
from jepsen_tests.sim.harm.scene import Scene
from jepsen_tests.sim.world import SECOND
from jepsen_tests.world.infliction import Infliction


async def skew(scene: Scene, fault: ClockSkew) -> Infliction:
    """Clocks jump ahead and run at another rate; members have no other use of the time."""
    names = scene.targets(fault.target)
    before = {name: TICK_US / scene.place(name).tick_us for name in names}
    for name in names:
        member = scene.place(name).member_id
        scene.cluster.set_clock_rate(member, fault.rate)
        scene.cluster.jump_clock(member, int(max(0.0, fault.offset_seconds) * SECOND / TICK_US))

    async def undo() -> None:
        for name, rate in before.items():
            scene.cluster.set_clock_rate(scene.place(name).member_id, rate)

    return Infliction(names, detail=f"at {fault.rate:g} of the rate", undo=undo)


async def slow_disk(scene: Scene, fault: SlowDisk) -> Infliction:
    """Every sync takes longer."""
    names = scene.targets(fault.target)
    delay_us = round(fault.seconds * SECOND)
    before = {}
    for name in names:
        faults = scene.place(name).disk_faults
        before[name] = (faults.write_us_min, faults.write_us_max, faults.write_at_once)
        faults.write_us_min, faults.write_us_max = delay_us, delay_us + faults.write_us_max
        faults.write_at_once = 0.0

    async def undo() -> None:
        for name, (least, most, at_once) in before.items():
            faults = scene.place(name).disk_faults
            faults.write_us_min, faults.write_us_max = least, most
            faults.write_at_once = at_once

    return Infliction(names, undo=undo)
