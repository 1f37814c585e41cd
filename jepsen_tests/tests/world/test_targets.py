"""A target's word means as many members as it says, and those it says."""

import random

import pytest

from jepsen_tests.world.targets import chosen

MEMBERS = ["m1", "m2", "m3", "m4", "m5"]


@pytest.mark.parametrize(
    ("target", "count"),
    [("leader", 1), ("follower", 1), ("any", 1), ("all", 5), ("majority", 3), ("minority", 2)],
)
def test_a_word_means_so_many(target: str, count: int) -> None:
    for seed in range(30):
        meant = chosen(target, MEMBERS, "m2", random.Random(seed))
        assert len(meant) == len(set(meant)) == count
        assert meant == sorted(meant)
        assert ("m2" in meant) or target != "leader"
        assert ("m2" not in meant) or target != "follower"


def test_a_name_means_that_member() -> None:
    assert chosen("m4", MEMBERS, "m2", random.Random(1)) == ["m4"]


def test_chance_says_who_leads_when_nobody_knows() -> None:
    meant = {chosen("leader", MEMBERS, "", random.Random(seed))[0] for seed in range(100)}
    assert meant == set(MEMBERS)


@pytest.mark.parametrize("target", ["leader", "follower", "any", "all", "majority", "minority"])
def test_a_member_that_is_alone_is_always_meant(target: str) -> None:
    assert chosen(target, ["m1"], "m1", random.Random(1)) == ["m1"]


def test_who_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no member 'm9'"):
        chosen("m9", MEMBERS, "m1", random.Random(1))
