"""Who is meant by a fault's target: a name, or a word that chance and the leader fill in."""

import random
from collections.abc import Sequence

WORDS = ("leader", "follower", "any", "all", "majority", "minority")


def chosen(target: str, members: Sequence[str], leader: str, chance: random.Random) -> list[str]:
    """The members that a target means, in their usual order.

    Args:
        target: one of `WORDS`, or a member's name.
        members: all of them.
        leader: who leads; empty or unknown: chance says who is meant.
        chance: the run's.
    """
    members = list(members)
    leader = leader if leader in members else chance.choice(members)
    followers = [member for member in members if member != leader]
    meant: list[str]
    match target:
        case "leader":
            meant = [leader]
        case "follower":
            meant = [chance.choice(followers or members)]
        case "any":
            meant = [chance.choice(members)]
        case "all":
            meant = members
        case "majority":
            meant = chance.sample(members, len(members) // 2 + 1)
        case "minority":
            meant = chance.sample(members, max(1, (len(members) - 1) // 2))
        case name if name in members:
            meant = [name]
        case _:
            raise ValueError(
                f"there is no member {target!r}: there are {', '.join(members)}; or one of "
                f"{', '.join(WORDS)}"
            )
    return sorted(meant, key=members.index)
