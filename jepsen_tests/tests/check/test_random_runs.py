"""Whatever a true store does is valid for every checker."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepsen_tests.check.catalogue import API_CHECKERS
from jepsen_tests.check.liveness import LIVENESS
from jepsen_tests.tests.check.random_run import ACTIONS, random_run

SAFETY = [checker for checker in API_CHECKERS if checker is not LIVENESS]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10_000), actions=st.lists(st.sampled_from(sorted(ACTIONS)), max_size=60))
def test_a_true_run_is_valid(seed: int, actions: list[str]) -> None:
    history = random_run(seed, actions)
    for checker in SAFETY:
        found = checker.check(history)
        assert not found.findings, (checker.name, found.findings[0])
