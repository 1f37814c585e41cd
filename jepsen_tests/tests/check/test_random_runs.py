"""Whatever a true store does is valid for every checker, and what it can't do is found by one."""

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepsen_tests.check.catalogue import API_CHECKERS
from jepsen_tests.check.liveness import LIVENESS
from jepsen_tests.history import History
from jepsen_tests.tests.check.mutations import MUTATIONS, Mutation, mutated
from jepsen_tests.tests.check.random_run import ACTIONS, random_run
from jepsen_tests.verdict import Checker, State

SAFETY = [checker for checker in API_CHECKERS if checker is not LIVENESS]
NAMES = sorted(ACTIONS)
SEEDS_MAX = 60
MUTANTS = 10
"""Of each kind, each from another run."""


@cache
def long_run(seed: int) -> History:
    """A run with a few hundred actions."""
    chance = random.Random(seed)
    return random_run(seed, chance.choices(NAMES, k=chance.randint(20, 200)))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10_000), actions=st.lists(st.sampled_from(sorted(ACTIONS)), max_size=60))
def test_a_true_run_is_valid(seed: int, actions: list[str]) -> None:
    history = random_run(seed, actions)
    for checker in SAFETY:
        found = checker.check(history)
        assert not found.findings, (checker.name, found.findings[0])


@pytest.mark.slow
def test_long_true_runs_are_valid() -> None:
    for seed in range(60):
        history = long_run(seed)
        for checker in SAFETY:
            found = checker.check(history)
            assert not found.findings, (seed, checker.name, found.findings[0])


@pytest.mark.parametrize(
    ("mutation", "checker"), MUTATIONS, ids=[mutation.__name__ for mutation, _ in MUTATIONS]
)
def test_what_no_true_store_does_is_found(mutation: Mutation, checker: Checker) -> None:
    tried = 0
    for seed in range(SEEDS_MAX):
        changed = mutated(long_run(seed), mutation, random.Random(seed))
        if changed is None:
            continue
        assert checker.check(changed).state is State.INVALID, seed
        tried += 1
        if tried == MUTANTS:
            return
    assert tried, "no run had anything to change"
