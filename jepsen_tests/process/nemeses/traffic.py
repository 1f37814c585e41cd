"""Makes links bad without cutting them: packets vanish, come late, or can't all be sent."""

import random

from jepsen_tests.plan import Delay, Loss, SlowLink
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.process.shell import missing_programs
from jepsen_tests.world.infliction import Infliction
from jepsen_tests.world.links import Disturbance, Lateness, Link, both_ways
from jepsen_tests.world.targets import chosen


def why_not(_cluster: ProcessCluster) -> str:
    """The filters that cut links lose packets as well, and every kernel limits a rate."""
    return ""


def why_not_late(_cluster: ProcessCluster) -> str:
    """Packets wait in queues that only iptables hands them to."""
    if missing_programs("iptables-restore"):
        return "iptables is not installed, which hands packets to a queue"
    return ""


async def inflict(
    cluster: ProcessCluster, fault: Loss | Delay | SlowLink, chance: random.Random
) -> Infliction:
    """Makes the links of some members to the others bad, in both directions."""
    targets = chosen(fault.target, cluster.names, await cluster.leader(), chance)
    links = both_ways(targets, cluster.names)
    disturbance, detail = _disturbance(fault, targets, links)
    mark = object()
    await cluster.network.disturb(mark, disturbance)

    async def end() -> None:
        await cluster.network.restore(mark)

    return Infliction(targets, detail, end)


def _disturbance(
    fault: Loss | Delay | SlowLink, targets: list[str], links: frozenset[Link]
) -> tuple[Disturbance, str]:
    match fault:
        case Loss(chance=chance):
            return Disturbance(loss=dict.fromkeys(links, chance)), f"{chance:.0%} of packets lost"
        case Delay(milliseconds=least, jitter_milliseconds=more):
            lateness = dict.fromkeys(links, Lateness(least, more))
            return Disturbance(lateness=lateness), f"packets {least:g} to {least + more:g} ms late"
        case SlowLink(kilobits_per_second=rate):
            return Disturbance(rate_kilobits=dict.fromkeys(targets, rate)), f"{rate} kbit/s"
