"""Restarts all members, one after the other, as for an upgrade; each serves before the next."""

import random

from jepsen_tests.plan import RollingRestart
from jepsen_tests.process.admin import ClusterStuckError
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.world.infliction import Infliction, NotNowError


def why_not(_cluster: ProcessCluster) -> str:
    """Any process can be asked to end."""
    return ""


async def inflict(
    cluster: ProcessCluster, _fault: RollingRestart, chance: random.Random
) -> Infliction:
    """Restarts them in an order that chance says."""
    done: list[str] = []
    for name in chance.sample(cluster.names, len(cluster.names)):
        if name not in cluster.running:
            continue  # Another fault has it.
        await cluster.members[name].stop()
        await cluster.revive(name)
        try:
            await cluster.wait_until_serving([name])
        except ClusterStuckError as error:
            raise NotNowError(f"after {', '.join(done) or 'nobody'}: {error}") from error
        done.append(name)
    return Infliction(done, "restarted, one after the other")
