"""The harness finds what it is there to find: bugs that break one rule each."""

import pytest

from jepsen_tests.planted.bugs import ABSENT, BUGS, LAYER_OF, bug_named
from jepsen_tests.planted.hunt import hunt
from jepsen_tests.planted.planting import Bug, Suite, planted
from jepsen_tests.sim.verdict import State, judge
from raftkv.raft import election

QUICK = (
    "vote-for-any-log",
    "vote-forgotten",
    "acknowledge-before-durable",
    "read-without-quorum",
    "configuration-forgotten-at-boot",
    "snapshot-with-holes",
    "applied-twice",
    "meta-forgotten",
    "tombstone-removed-early",
    "watch-skips-snapshot",
    "lease-kept-by-old-leader",
    "sent-twice",
)
"""One or two of each layer, which show within a few seeds; all of them take many minutes."""
QUICK_SEEDS = range(20)
SEEDS = range(400)
SIMULATED = [bug for bug in BUGS if bug.suite is Suite.SIM]
TROUBLED = [bug for bug in SIMULATED if bug.trouble]


def named(bug: Bug) -> str:
    return bug.name


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found(name: str) -> None:
    bug = bug_named(name)
    assert hunt(bug, QUICK_SEEDS) is not None, f"{QUICK_SEEDS} did not show that {bug.breaks}"


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("bug", SIMULATED, ids=named)
def test_every_planted_bug_is_found(bug: Bug) -> None:
    assert hunt(bug, SEEDS) is not None, bug.breaks


@pytest.mark.long
@pytest.mark.parametrize("bug", TROUBLED, ids=named)
def test_the_trouble_around_a_bug_is_not_what_is_found(bug: Bug) -> None:
    for seed in range(5):
        verdict = judge(seed, trouble=bug.trouble)
        assert verdict.state is State.VALID, f"seed {seed}, {dict(bug.trouble)}: {verdict.reason}"


def test_a_planted_bug_is_gone_afterwards() -> None:
    bug = bug_named("vote-twice")
    before = election.on_request_vote
    with planted(bug):
        assert election.on_request_vote is not before
    assert election.on_request_vote is before


@pytest.mark.parametrize("bug", BUGS, ids=named)
def test_a_bug_finds_its_place_in_the_product(bug: Bug) -> None:
    with planted(bug):
        pass


def test_every_bug_has_its_own_name() -> None:
    assert len(LAYER_OF) == len(BUGS)
    assert not {absent.name for absent in ABSENT} & LAYER_OF.keys()
    assert {absent.nearest for absent in ABSENT} - {""} <= LAYER_OF.keys()
