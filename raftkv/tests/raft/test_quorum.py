"""Quorum arithmetic against its definition, counted out the slow way."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.raft.quorum import Halves, VoteResult, agreed_index, majority, vote_result

members = st.integers(1, 9)
voters = st.frozensets(members, min_size=1, max_size=7)
halves = st.lists(voters, min_size=1, max_size=2).map(tuple)


def is_quorum(group: Halves, holders: set[int]) -> bool:
    """More than half of every half."""
    return all(2 * len(half & holders) > len(half) for half in group)


@pytest.mark.parametrize(
    ("voters_count", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)]
)
def test_a_majority_is_more_than_half(voters_count: int, needed: int) -> None:
    assert majority(voters_count) == needed


@given(st.integers(1, 8))
def test_any_two_majorities_share_a_voter(count: int) -> None:
    groups = [set(group) for group in combinations(range(count), majority(count))]

    assert all(one & other for one in groups for other in groups)


@given(halves, st.dictionaries(members, st.integers(0, 20)))
def test_the_agreed_index_is_the_highest_that_a_quorum_holds(
    group: Halves, match: dict[int, int]
) -> None:
    expected = max(
        index
        for index in range(21)
        if index == 0 or is_quorum(group, {m for m, held in match.items() if held >= index})
    )

    assert agreed_index(group, match) == expected


@given(halves, st.dictionaries(members, st.booleans()))
def test_an_election_is_decided_when_no_missing_vote_could_change_it(
    group: Halves, votes: dict[int, bool]
) -> None:
    everyone = set().union(*group)
    granted = {member for member, vote in votes.items() if vote}
    silent = everyone - set(votes)

    result = vote_result(group, votes)

    assert (result is VoteResult.WON) == is_quorum(group, granted)
    assert (result is VoteResult.LOST) == (not is_quorum(group, granted | silent))


def test_nobody_decides_for_a_cluster_that_is_not_known() -> None:
    nobody: Halves = (frozenset(),)

    assert agreed_index(nobody, {1: 5}) == 0
    assert vote_result(nobody, {1: True}) is VoteResult.LOST
