"""The simulator finds what it is there to find: bugs that break one rule each."""

import pytest

from jepsen_tests.planted.bugs import BUGS
from jepsen_tests.planted.hunt import hunt
from jepsen_tests.planted.planting import Bug, planted
from raftkv.raft import election

SEEDS = range(40)
RARE = frozenset({"commit-older-terms"})
"""Figure 8 of the paper needs three leaders, each to fall at the right moment."""


def named(bug: Bug) -> str:
    return bug.name


@pytest.mark.slow
@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.name not in RARE], ids=named)
def test_a_planted_bug_is_found(bug: Bug) -> None:
    assert hunt(bug, SEEDS) is not None, f"{SEEDS} did not show that {bug.breaks}"


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.name in RARE], ids=named)
def test_a_rare_bug_is_found(bug: Bug) -> None:
    assert hunt(bug, range(600)) is not None, bug.breaks


def test_a_planted_bug_is_gone_afterwards() -> None:
    bug = next(bug for bug in BUGS if bug.name == "vote-twice")
    before = election.on_request_vote
    with planted(bug):
        assert election.on_request_vote is not before
    assert election.on_request_vote is before


def test_every_bug_has_its_own_name() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS)
