"""A partition's shape cuts the links that its name promises, whatever chance says."""

import random
from collections.abc import Iterator

import pytest

from jepsen_tests.world.links import CLIENTS, Link, both_ways
from jepsen_tests.world.shapes import SHAPES, links_cut

SEEDS = range(30)


def members(count: int) -> list[str]:
    return [f"m{number}" for number in range(1, count + 1)]


def cuts(shape: str, count: int, leader: str = "m1") -> Iterator[frozenset[Link]]:
    """What the shape cuts, for many seeds."""
    for seed in SEEDS:
        yield links_cut(shape, members(count), leader, random.Random(seed))


def heard_by(member: str, count: int, cut: frozenset[Link]) -> frozenset[str]:
    """Whom a member hears, itself too."""
    return frozenset(other for other in members(count) if Link(other, member) not in cut)


@pytest.mark.parametrize("count", [3, 5])
def test_an_isolated_leader_neither_hears_nor_is_heard(count: int) -> None:
    for cut in cuts("leader-isolated", count):
        assert cut == both_ways(["m1"], members(count)[1:])


@pytest.mark.parametrize(("count", "minority"), [(3, 1), (4, 1), (5, 2), (7, 3)])
def test_a_majority_is_cut_from_the_minority(count: int, minority: int) -> None:
    seen = set()
    for cut in cuts("majority-minority", count):
        groups = {heard_by(member, count, cut) for member in members(count)}
        assert sorted(map(len, groups)) == [minority, count - minority]
        seen |= groups
    assert len(seen) > 2, "chance says who is in it"


@pytest.mark.parametrize("count", [3, 4, 5, 6, 7])
def test_in_a_ring_everybody_hears_another_majority(count: int) -> None:
    for cut in cuts("ring", count):
        heard = [heard_by(member, count, cut) for member in members(count)]
        assert {len(each) for each in heard} == {count // 2 + 1}
        assert len(set(heard)) == count


def test_one_way_cuts_one_direction_and_chance_says_which() -> None:
    out = frozenset({Link("m1", "m2"), Link("m1", "m3")})
    back = frozenset(Link(b, a) for a, b in out)
    assert set(cuts("one-way", 3)) == {out, back}


@pytest.mark.parametrize("count", [3, 5, 7])
def test_a_bridge_hears_everybody_and_joins_halves_that_do_not(count: int) -> None:
    for cut in cuts("bridge", count):
        heard = {member: heard_by(member, count, cut) for member in members(count)}
        bridges = [member for member, others in heard.items() if len(others) == count]
        assert len(bridges) == 1
        assert {len(others) for others in heard.values()} == {count, count // 2 + 1}


def test_peers_and_clients_are_cut_apart_from_each_other() -> None:
    assert set(cuts("peers", 3)) == {both_ways(members(3), members(3))}
    assert set(cuts("clients", 3)) == {both_ways(["m1"], [CLIENTS])}


def test_groups_are_cut_from_each_other() -> None:
    cut = links_cut("groups", members(4), "", random.Random(1), (("m1", "m2"), ("m3",)))
    assert cut == both_ways(["m1", "m2"], ["m3"])


@pytest.mark.parametrize("shape", SHAPES)
def test_one_member_has_no_peers_to_be_cut_from(shape: str) -> None:
    cut = links_cut(shape, ["m1"], "", random.Random(1))
    assert cut == (both_ways(["m1"], [CLIENTS]) if shape == "clients" else frozenset())


def test_there_is_no_other_shape() -> None:
    with pytest.raises(ValueError, match="no shape 'star'"):
        links_cut("star", members(3), "m1", random.Random(1))
