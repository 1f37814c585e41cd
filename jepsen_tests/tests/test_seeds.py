"""The product under simulation: every promise is kept, whatever the seed."""

import os

import pytest

from jepsen_tests.commands.seeds import verdicts
from jepsen_tests.sim.run import STORM_SECONDS
from jepsen_tests.sim.verdict import State

QUICK_SEEDS = range(8)
SEEDS = range(8, 168)
SEEDS_PER_TEST = 10


@pytest.mark.parametrize("seed", QUICK_SEEDS)
def test_a_seed_is_valid(seed: int) -> None:
    (verdict,) = verdicts([seed], STORM_SECONDS, jobs=1)
    assert verdict.state is State.VALID, f"{verdict.reason}\n{verdict.details}"


@pytest.mark.slow
@pytest.mark.parametrize("first", SEEDS[::SEEDS_PER_TEST])
def test_many_seeds_are_valid(first: int) -> None:
    seeds = range(first, first + SEEDS_PER_TEST)
    for verdict in verdicts(seeds, STORM_SECONDS, jobs=os.cpu_count() or 1):
        assert verdict.state is State.VALID, f"seed {verdict.seed}: {verdict.reason}"


@pytest.mark.long
@pytest.mark.parametrize("first", range(1_000, 2_000, 100))
def test_a_thousand_seeds_are_valid(first: int) -> None:
    for verdict in verdicts(range(first, first + 100), STORM_SECONDS, jobs=os.cpu_count() or 1):
        assert verdict.state is State.VALID, f"seed {verdict.seed}: {verdict.reason}"
