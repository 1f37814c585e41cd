"""Every workload on simulated members: valid where the store is right, invalid where it is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jepsen_tests.plan import Plan
from jepsen_tests.planted.bugs import BUGS
from jepsen_tests.planted.planting import Bug, planted
from jepsen_tests.sim.faults import Faults
from jepsen_tests.sim.scenario import Scenario
from jepsen_tests.sim.swarm import draw
from jepsen_tests.sim.workload_run import Judged, judge
from jepsen_tests.tests.workload.bugs import CLIENT_BUGS
from jepsen_tests.verdict import State
from jepsen_tests.workload.catalogue import WORKLOADS
from jepsen_tests.world.trial import Load

SEEDS = range(3)
SECONDS = 10.0
BUG_SEEDS = 20


def why(judged: Judged) -> str:
    return "; ".join(
        f"{verdict.checker} {verdict.state.word}: {verdict.note} "
        + " ".join(finding.what for finding in verdict.findings)
        for verdict in judged.verdicts
        if verdict.state is not State.VALID
    )


def calm(workload: str) -> Scenario:
    load = Load(seed=1, seconds=4.0, clients=4, operations_per_second=40.0)
    return Scenario(workload=workload, load=load, members=3, conditions=Faults(), plan=())


@pytest.mark.slow
@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_workload_is_valid_when_nothing_happens(workload: str) -> None:
    judged = judge(calm(workload))
    assert judged.state is State.VALID, why(judged)
    answered = sum(operation.status == "ok" for operation in judged.history.operations)
    assert answered > len(judged.history.operations) // 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_workload_is_not_invalid_whatever_happens(workload: str, seed: int) -> None:
    judged = judge(draw(seed, [workload], seconds=SECONDS))
    assert judged.state in {State.VALID, State.UNKNOWN}, why(judged)


@pytest.mark.slow
@pytest.mark.parametrize(("workload", "bug", "plan"), CLIENT_BUGS)
def test_a_bug_makes_its_workload_invalid(workload: str, bug: str, plan: Plan | None) -> None:
    """Seen from outside: by checkers that know only the history."""
    with planted(named(bug)):
        for seed in range(BUG_SEEDS):
            scenario = draw(seed, [workload], seconds=SECONDS, the_plan=plan)
            if judge(scenario, from_inside=False).state is State.INVALID:
                return
    raise AssertionError(f"{BUG_SEEDS} seeds of {workload} did not show {bug}")


def named(name: str) -> Bug:
    return next(bug for bug in BUGS if bug.name == name)


@pytest.mark.slow
def test_a_seed_makes_the_same_history_to_the_byte_whatever_the_order_of_hashes(
    tmp_path: Path,
) -> None:
    histories = []
    for hash_seed in ("0", "4242"):
        path = tmp_path / hash_seed
        program = (
            "from pathlib import Path\n"
            "from jepsen_tests.sim.swarm import draw\n"
            "from jepsen_tests.sim.workload_run import judge\n"
            "from jepsen_tests.workload.catalogue import WORKLOADS\n"
            f"path = Path({str(path)!r})\n"
            "path.mkdir()\n"
            "for name in sorted(WORKLOADS):\n"
            "    judge(draw(5, [name], seconds=5.0)).history.save(path / name)\n"
        )
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
        )
        histories.append({file.name: file.read_bytes() for file in path.iterdir()})
    assert histories[0].keys() == WORKLOADS.keys()
    assert histories[0] == histories[1]
