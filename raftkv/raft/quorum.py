"""Majorities: pure arithmetic on votes and match indexes.

A configuration is one set of voters, or two while it is joint (section 6); a decision then needs a
majority of each. What is called `halves` here is that tuple of one or two sets. An empty set has no
majority: a member that does not know its cluster decides nothing.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import TypeAlias

Halves: TypeAlias = tuple[frozenset[int], ...]


class VoteResult(Enum):
    """What the votes received so far amount to."""

    PENDING = auto()
    WON = auto()
    LOST = auto()
    """The votes still missing can no longer make a majority."""


def majority(voters: int) -> int:
    """The smallest number of `voters` such that any two groups of that size overlap."""
    return voters // 2 + 1


def agreed_index(halves: Halves, match: Mapping[int, int]) -> int:
    """The highest index that a majority of every half holds (section 5.3: it may be committed).

    Args:
        halves: Who votes.
        match: The durable matching index of each member; nobody missing from it holds anything.
    """
    lowest = None
    for voters in halves:
        if not voters:
            return 0
        held = sorted([match.get(voter, 0) for voter in voters])
        agreed = held[len(held) - majority(len(held))]
        if lowest is None or agreed < lowest:
            lowest = agreed
    return lowest or 0


def vote_result(halves: Halves, votes: Mapping[int, bool]) -> VoteResult:
    """Counts votes (True: granted) of members of the configuration, and of nobody else."""
    result = VoteResult.WON
    for voters in halves:
        needed = majority(len(voters))
        granted = sum(votes.get(voter, False) for voter in voters)
        refused = sum(not votes.get(voter, True) for voter in voters)
        if len(voters) - refused < needed:
            return VoteResult.LOST
        if granted < needed:
            result = VoteResult.PENDING
    return result
