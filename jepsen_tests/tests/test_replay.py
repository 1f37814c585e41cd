"""A seed makes one run, and always the same: a failure can be looked at again."""

import os
import subprocess
import sys

import pytest

from jepsen_tests.sim.run import Outcome, Run

SEEDS = (1, 5)
SECONDS = 6


def outcome(seed: int) -> Outcome:
    return Run(seed).carry_out(SECONDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_has_the_same_outcome_twice(seed: int) -> None:
    assert outcome(seed) == outcome(seed)


def test_two_seeds_differ() -> None:
    first, second = (outcome(seed) for seed in SEEDS)
    assert first.events != second.events


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["0", "1", "4294967295"])
def test_an_outcome_does_not_depend_on_the_order_of_hashes(hash_seed: str) -> None:
    program = (
        "from jepsen_tests.sim.run import Run\n"
        f"for seed in {SEEDS}: print(Run(seed).carry_out({SECONDS}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [str(outcome(seed)) for seed in SEEDS]
