"""Plans that are drawn keep to their time, and have every kind that was asked for."""

import random

import pytest

from jepsen_tests.plan import FAULTS, MemberChange, name_of
from jepsen_tests.process.schedule import DRAWS, FIRST_SECONDS, LAST_SECONDS, schedule

KINDS = [name_of(kind) for kind in DRAWS]


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_keeps_to_its_time(seed: int) -> None:
    plan = schedule(["kill", "pause", "partition"], 60, random.Random(seed))
    assert {name_of(at.fault) for at in plan} == {"kill", "pause", "partition"}
    begins = [at.seconds for at in plan]
    assert begins == sorted(begins)
    for at in plan:
        assert at.until_seconds is not None
        assert FIRST_SECONDS <= at.seconds < at.until_seconds <= 60 - LAST_SECONDS


def test_the_same_seed_draws_the_same_plan() -> None:
    assert schedule(KINDS, 300, random.Random(7)) == schedule(KINDS, 300, random.Random(7))


def test_every_kind_can_be_drawn() -> None:
    plan = schedule(KINDS, 300, random.Random(1))
    assert {name_of(at.fault) for at in plan} == set(KINDS)
    assert set(KINDS) == FAULTS.keys() - {"duplication", "reordering"}


def test_without_kinds_or_time_nothing_happens() -> None:
    assert schedule([], 60, random.Random(1)) == ()
    assert schedule(["kill"], FIRST_SECONDS + LAST_SECONDS, random.Random(1)) == ()


@pytest.mark.parametrize("seed", range(20))
def test_nobody_is_promoted_or_removed_who_was_not_added(seed: int) -> None:
    learners, voters = 0, 3
    for at in schedule(["member-change"], 300, random.Random(seed)):
        assert isinstance(at.fault, MemberChange)
        change = at.fault.change
        learners += (change == "learner") - (change == "promote")
        voters += (change in ("add", "promote")) - (change == "remove")
        assert learners in (0, 1)
        assert voters >= 3
