"""Looking for a planted bug, seed by seed."""

from collections.abc import Iterable

from jepsen_tests.planted.planting import Bug, planted
from jepsen_tests.sim.verdict import State, Verdict, judge


def hunt(bug: Bug, seeds: Iterable[int]) -> Verdict | None:
    """The verdict of the first seed that shows the bug; None when none does."""
    with planted(bug):
        for seed in seeds:
            verdict = judge(seed, trouble=bug.trouble)
            if verdict.state is State.INVALID:
                return verdict
    return None
