"""Changes who belongs to the cluster, through its own API."""

import random

from jepsen_tests.plan import MemberChange
from jepsen_tests.process.admin import ClusterStuckError
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.world.infliction import Infliction, NotNowError

MEMBERS_MIN, MEMBERS_MAX = 3, 7
_OF_LEARNERS = ("learner", "promote")


def why_not(_cluster: ProcessCluster) -> str:
    """Every server has that API."""
    return ""


async def inflict(
    cluster: ProcessCluster, fault: MemberChange, chance: random.Random
) -> Infliction:
    """Makes one change and waits until the cluster has agreed to it."""
    try:
        return await _change(cluster, fault.change, chance)
    except ClusterStuckError as error:
        raise NotNowError(str(error)) from error


async def _change(cluster: ProcessCluster, change: str, chance: random.Random) -> Infliction:
    match change:
        case "add" | "learner":
            if len(cluster.names) >= MEMBERS_MAX:
                raise NotNowError(f"there are {MEMBERS_MAX} members already")
            name = await cluster.add_member(learner=change == "learner")
            return Infliction([name], "added as a learner" if change == "learner" else "added")
        case "remove":
            if len(cluster.names) <= MEMBERS_MIN:
                raise NotNowError(f"there are only {len(cluster.names)} members")
            name = chance.choice(cluster.names)
            await cluster.remove_member(name)
            return Infliction([name], "removed")
        case "replace":
            name = chance.choice(cluster.names)
            await cluster.replace_member(name)
            return Infliction([name], "removed, wiped and added again")
        case "promote":
            known = await cluster.admin.statuses(cluster.running)
            learners = sorted(name for name, status in known.items() if status.is_learner)
            if not learners:
                raise NotNowError("there is no learner")
            await cluster.promote_member(learners[0])
            return Infliction(learners[:1], "promoted")
        case _:
            raise ValueError(f"there is no change of membership {change!r}")
