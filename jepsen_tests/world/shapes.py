"""Which links a partition cuts, by its shape. The clients reach every member, unless it says so."""

import random
from collections.abc import Sequence

from jepsen_tests.world.links import CLIENTS, Link, both_ways, one_way

PEER_SHAPES = ("leader-isolated", "majority-minority", "ring", "one-way", "bridge")
SHAPES = (*PEER_SHAPES, "peers", "clients", "groups")


def links_cut(
    shape: str,
    members: Sequence[str],
    leader: str,
    chance: random.Random,
    groups: Sequence[Sequence[str]] = (),
) -> frozenset[Link]:
    """The links that a partition of this shape cuts.

    Args:
        shape: one of `SHAPES`.
        members: all of them.
        leader: who leads, if that is known; otherwise chance says who is meant.
        chance: decides what the shape leaves open.
        groups: of the shape `groups`, who can reach whom.
    """
    members = list(members)
    if len(members) < 2 and shape != "clients":
        return frozenset()
    leader = leader if leader in members else chance.choice(members)
    others = [member for member in members if member != leader]
    chance.shuffle(others)
    cut: frozenset[Link]
    match shape:
        case "leader-isolated":
            cut = both_ways([leader], others)
        case "majority-minority":
            cut = _halves(members, chance)
        case "ring":
            cut = ring([leader, *others])
        case "one-way":
            # It can still be heard and not hear, or the other way round.
            cut = one_way([leader], others) if chance.random() < 0.5 else one_way(others, [leader])
        case "bridge":
            # Everybody sees the bridge, which sees everybody; the halves do not see each other.
            _, *rest = others
            sides = [leader, *rest]
            middle = len(sides) // 2
            cut = both_ways(sides[:middle], sides[middle:])
        case "peers":
            cut = both_ways(members, members)
        case "clients":
            cut = both_ways([leader], [CLIENTS])
        case "groups":
            cut = between(groups)
        case _:
            raise ValueError(f"there is no shape {shape!r}; there are {', '.join(SHAPES)}")
    return cut


def between(groups: Sequence[Sequence[str]]) -> frozenset[Link]:
    """All links from one group to another."""
    return frozenset(
        link
        for number, group in enumerate(groups)
        for other in groups[number + 1 :]
        for link in both_ways(group, other)
    )


def ring(members: Sequence[str]) -> frozenset[Link]:
    """Everybody hears a majority, and no two the same one (Jepsen's majorities ring)."""
    count = len(members)
    heard_besides_itself = count // 2
    cut = set()
    for number, receiver in enumerate(members):
        after = (heard_besides_itself + 1) // 2
        before = heard_besides_itself - after
        heard = {members[(number + step) % count] for step in range(-before, after + 1)}
        cut |= {Link(sender, receiver) for sender in members if sender not in heard}
    return frozenset(cut)


def _halves(members: list[str], chance: random.Random) -> frozenset[Link]:
    shuffled = chance.sample(members, len(members))
    minority = (len(members) - 1) // 2
    return both_ways(shuffled[:minority], shuffled[minority:])
