"""Harm to processes: they die, stand still, restart one after the other, lose their connections."""

from jepsen_tests.plan import Kill, Pause, PowerLoss, Reset, RollingRestart
from jepsen_tests.sim.harm.scene import Scene
from jepsen_tests.world.infliction import Infliction

DOWN_SECONDS = 0.5
UP_SECONDS = 2.0
"""Of each member in a rolling restart."""


async def kill(scene: Scene, fault: Kill | PowerLoss) -> Infliction:
    """Members die, with all that their disks do not have."""
    names = [name for name in scene.targets(fault.target) if scene.place(name).node is not None]
    for name in names:
        scene.cluster.crash(scene.place(name).member_id)

    async def undo() -> None:
        for name in names:
            start(scene, name)

    return Infliction(names, undo=undo)


def start(scene: Scene, name: str) -> None:
    """Starts a member that does not run, unless it was removed."""
    place = scene.place(name)
    if place.node is None and not place.removed:
        scene.cluster.start(place.member_id)


async def pause(scene: Scene, fault: Pause) -> Infliction:
    """Members stand still, and what arrives meanwhile waits for them."""
    names = scene.running(fault.target)
    starts = {name: scene.place(name).starts for name in names}
    for name in names:
        scene.cluster.pause(scene.place(name).member_id)

    async def undo() -> None:
        for name in names:
            place = scene.place(name)
            if place.paused and place.node is not None and place.starts == starts[name]:
                scene.cluster.resume(place.member_id)

    return Infliction(names, undo=undo)


async def reset(scene: Scene, fault: Reset) -> Infliction:
    """All connections of members close, those of clients too."""
    names = scene.running(fault.target)
    for name in names:
        place = scene.place(name)
        if place.port is not None:
            place.port.reset()
        for other in scene.cluster.running():
            if other is not place:
                scene.cluster.lose_connection(place, other.member_id)
                scene.cluster.lose_connection(other, place.member_id)
    return Infliction(names)


async def restart_all(scene: Scene, _: RollingRestart) -> Infliction:
    """Every member is stopped and started, one after the other."""
    names = scene.names

    async def one_after_the_other() -> None:
        for name in names:
            place = scene.place(name)
            if place.node is not None:
                scene.cluster.crash(place.member_id)
            await scene.world.sleep(DOWN_SECONDS)
            start(scene, name)
            await scene.world.sleep(UP_SECONDS)

    task = scene.world.spawn(one_after_the_other())

    async def undo() -> None:
        task.cancel()
        for name in names:
            start(scene, name)

    return Infliction(names, undo=undo)
