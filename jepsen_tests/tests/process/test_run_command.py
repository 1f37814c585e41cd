"""`run` and `matrix` on the command line: what they refuse, and what they leave behind."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jepsen_tests.__main__ import main
from jepsen_tests.history import History
from jepsen_tests.plan_json import plan_from_json
from jepsen_tests.process.requirements import missing_for_networks
from jepsen_tests.verdict import State


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("command", ["run", "matrix"])
def test_a_fault_that_is_not_known_is_refused_with_those_that_are(command: str) -> None:
    result = run(command, "--faults", "kill,earthquake")
    assert result.exit_code == 2
    assert "there is no fault 'earthquake'" in result.stderr
    assert "partition" in result.stderr


@pytest.mark.parametrize("command", ["run", "matrix"])
def test_without_root_it_says_so(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    result = run(command)
    assert result.exit_code == State.HARNESS
    assert "need root" in result.stderr


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nowhere")
    result = run("run")
    assert result.exit_code == State.HARNESS
    assert "nftables" in result.stderr


@pytest.mark.parametrize("command", ["run", "matrix"])
def test_a_folder_that_is_in_use_is_refused(command: str, tmp_path: Path) -> None:
    if missing := missing_for_networks():
        pytest.skip(missing)
    (tmp_path / "m1").mkdir()
    result = run(command, "--out", str(tmp_path))
    assert result.exit_code == 2
    assert "is not empty" in result.stderr


def test_an_etcd_that_does_not_run_is_the_harness_trouble(tmp_path: Path) -> None:
    if missing := missing_for_networks():
        pytest.skip(missing)
    out = str(tmp_path / "run")
    result = run("run", "--target", "etcd", "--etcd", "/bin/false", "--out", out)
    assert result.exit_code == State.HARNESS
    assert "/bin/false --version: exit code 1" in result.stderr


def test_a_harness_that_stumbles_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing := missing_for_networks():
        pytest.skip(missing)

    def stumble(*_: object) -> None:
        raise LookupError("over a stone")

    monkeypatch.setattr("jepsen_tests.commands.real_run.schedule", stumble)
    result = run("run", "--out", str(tmp_path / "run"))
    assert result.exit_code == State.HARNESS
    assert "LookupError: over a stone" in result.stderr


@pytest.mark.slow
def test_a_run_keeps_its_history_verdicts_and_page(tmp_path: Path) -> None:
    if missing := missing_for_networks():
        pytest.skip(missing)
    first = tmp_path / "first"
    words = ["--time", "5", "--rate", "50", "--members", "1", "--settle", "1"]
    result = run("run", "--faults", "pause", "--seed", "3", "--out", str(first), *words)
    assert result.exit_code == State.UNKNOWN, result.output
    assert "liveness: unknown" in result.stdout, "it ends too soon after the fault to know"
    assert "--faults pause --time 5 --rate 50 --members 1 --clients 10" in result.stdout
    history = History.load(first / "history.jsonl")
    assert history.run.world == "raftkv"
    assert len(plan_from_json(history.run.plan)) == len(history.faults) == 1
    assert (first / "verdicts.json").exists()
    assert "<html" in (first / "report.html").read_text()


def test_a_root_that_may_not_make_networks_is_told_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if missing_for_networks():
        pytest.skip("needs root")
    monkeypatch.setattr("jepsen_tests.process.requirements._capabilities", lambda: 1 << 12)
    result = run("run")
    assert result.exit_code == State.HARNESS
    assert result.stderr.endswith("may not do: CAP_SYS_ADMIN\n")
