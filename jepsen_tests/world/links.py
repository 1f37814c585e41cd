"""What is wrong with the network, as data: which links are cut, lossy, late or slow.

A link is one direction: from a sender to a receiver. The clients are at one end of a link like a
member, under the name `CLIENTS`, so that a partition can be between members only, or between
clients and members only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

CLIENTS = "clients"


class Link(NamedTuple):
    """One direction between two ends."""

    sender: str
    receiver: str


class Lateness(NamedTuple):
    """How late packets arrive: so many milliseconds, and by chance up to so many more."""

    milliseconds: float
    jitter_milliseconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """What one fault does to the network, or all of them together."""

    cut: frozenset[Link] = frozenset()
    """Nothing passes."""
    loss: Mapping[Link, float] = field(default_factory=dict)
    """The chance of each packet to vanish, 0 to 1."""
    lateness: Mapping[Link, Lateness] = field(default_factory=dict)
    rate_kilobits: Mapping[str, int] = field(default_factory=dict)
    """How much a member can send a second, to all others together."""


def both_ways(some: Iterable[str], others: Iterable[str]) -> frozenset[Link]:
    """All links between two groups."""
    there = one_way(some, others)
    return there | {Link(link.receiver, link.sender) for link in there}


def one_way(senders: Iterable[str], receivers: Iterable[str]) -> frozenset[Link]:
    """All links from one group to another."""
    receivers = list(receivers)
    return frozenset(Link(a, b) for a in senders for b in receivers if a != b)


def total(disturbances: Iterable[Disturbance]) -> Disturbance:
    """What several faults do together: all cuts, and of the rest the worst for each link."""
    cut: set[Link] = set()
    loss: dict[Link, float] = {}
    lateness: dict[Link, Lateness] = {}
    rate: dict[str, int] = {}
    for each in disturbances:
        cut |= each.cut
        for link, chance in each.loss.items():
            loss[link] = max(chance, loss.get(link, 0.0))
        for link, late in each.lateness.items():
            lateness[link] = max(late, lateness.get(link, late))
        for member, kilobits in each.rate_kilobits.items():
            rate[member] = min(kilobits, rate.get(member, kilobits))
    return Disturbance(cut=frozenset(cut), loss=loss, lateness=lateness, rate_kilobits=rate)
