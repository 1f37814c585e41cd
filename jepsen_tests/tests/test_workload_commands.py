"""The commands that run workloads: what they print, what they keep, how they exit."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jepsen_tests.__main__ import main
from jepsen_tests.found_files import write_test
from jepsen_tests.history import History
from jepsen_tests.plan import At, Kill
from jepsen_tests.plan_json import plan_to_json
from jepsen_tests.planted.bugs import BUGS
from jepsen_tests.planted.planting import planted
from jepsen_tests.sim.faults import Faults
from jepsen_tests.sim.scenario import Scenario
from jepsen_tests.sim.shrinking import shrink
from jepsen_tests.sim.workload_run import judge
from jepsen_tests.verdict import State
from jepsen_tests.world.trial import Load

BUG = next(bug for bug in BUGS if bug.name == "lease-never-ends")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.mark.slow
def test_a_kept_run_is_run_again_to_the_byte(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = run("sim", "--workload", "set", "--seed", 3, "--seconds", 4, "--out", kept)
    assert first.exit_code == 0, first.output
    assert {path.name for path in kept.iterdir()} == {
        "history.jsonl",
        "plan.json",
        "verdicts.json",
    }
    assert History.load(kept / "history.jsonl").run.workload == "set"
    again = run("replay", kept)
    assert again.exit_code == 0, again.output
    assert "the history is the kept one" in again.output


@pytest.mark.slow
def test_a_seed_that_fails_is_named_with_the_line_that_runs_it_again(tmp_path: Path) -> None:
    with planted(BUG):
        arguments = ("--workload", "lease", "--seconds", 5)
        result = run("sim", *arguments, "--seeds", "0:3", "--jobs", 1, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "seed 0, lease: invalid" in result.stderr
    again = "again: python -m jepsen_tests replay 0 --workload lease --seconds 5\n"
    assert result.stderr.endswith(again)
    assert (tmp_path / "out" / "history.jsonl").exists()


@pytest.mark.slow
def test_a_plan_of_a_file_takes_the_place_of_the_drawn_one(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan_to_json((At(1.0, Kill("leader"), 2.0),))))
    kept = tmp_path / "kept"
    result = run(
        "sim", "--workload", "set", "--seed", 1, "--seconds", 3, "--plan", path, "--out", kept
    )
    assert result.exit_code == 0, result.output
    bands = [band.name for band in History.load(kept / "history.jsonl").faults]
    assert bands.count("kill") == 1
    assert set(bands) == {"kill", "conditions"}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("[", "Expecting value"),
        ('[{"at": 1, "fault": "flood"}]', "there is no fault 'flood'"),
        ('{"format": 7}', "format 7 is not known"),
    ],
)
def test_a_file_that_holds_no_plan_is_refused(tmp_path: Path, document: str, why: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(document)
    result = run("sim", "--workload", "set", "--seed", 1, "--plan", path)
    assert result.exit_code == 2
    assert why in result.stderr


def test_a_plan_without_a_workload_is_refused(tmp_path: Path) -> None:
    assert run("sim", "--seed", 1, "--out", tmp_path).exit_code == 2


def test_what_is_no_run_cannot_be_run_again(tmp_path: Path) -> None:
    result = run("replay", tmp_path)
    assert result.exit_code == 2
    assert "No such file" in result.stderr


@pytest.mark.slow
def test_nothing_is_shrunk_that_is_valid(tmp_path: Path) -> None:
    arguments = ("--workload", "set", "--seconds", 2, "--found", tmp_path)
    result = run("shrink", 1, *arguments)
    assert result.exit_code == 0
    assert "there is nothing to shrink" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_failing_run_shrinks_to_a_test_that_fails_as_long_as_the_bug_is_there(
    tmp_path: Path,
) -> None:
    load = Load(seed=2, seconds=6.0, clients=4, operations_per_second=40.0)
    plan = (At(1.0, Kill("follower"), 2.0), At(2.0, Kill("leader"), 3.0))
    conditions = Faults(message_loss=0.02)
    scenario = Scenario(workload="lease", load=load, members=3, conditions=conditions, plan=plan)
    with planted(BUG):
        shrunk = shrink(judge(scenario), runs_max=60)
        assert shrunk.judged.state is State.INVALID
        assert shrunk.scenario.plan == ()
        assert shrunk.scenario.conditions == Faults()
        assert shrunk.scenario.load.operations_max is not None
        assert shrunk.scenario.load.operations_max <= 12
    path = write_test(shrunk.judged, tmp_path)
    module: dict[str, object] = {}
    exec(path.read_text(), module)
    test = module["test_it_does_not_come_back"]
    assert callable(test)
    test()
    with planted(BUG), pytest.raises(AssertionError, match="lease"):
        test()
