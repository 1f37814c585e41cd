"""An answer to what a member asked before it restarted is no answer to a later question.

It came through the new connection and named a context that the new process had given out again: a
read was confirmed with an index from before the restart, or a lease renewed in another's name.
"""

import pytest

from jepsen_tests.planted.bugs import bug_named
from jepsen_tests.sim.verdict import State, judge

pytestmark = pytest.mark.slow
SEEDS = (42, 73, 116, 274)


@pytest.mark.parametrize("seed", SEEDS)
def test_quick_restarts_mix_up_no_answers(seed: int) -> None:
    """Each of these showed it."""
    verdict = judge(seed, trouble=bug_named("old-answers-believed").trouble)
    assert verdict.state is State.VALID, verdict.reason
