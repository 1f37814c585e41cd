"""Who is awake when, and what becomes of failures and noise."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from bench import run as run_module
from bench.clusters import Cluster, StoreName
from bench.measure import FOREIGN_SHARE, GeneratorError, Measurement
from bench.rows import rows_named
from bench.run import Effort, Run

EFFORT = Effort(rounds=2, seconds=1.0, retries=1, patience=0.0)


class FakeCluster(Cluster):
    """Writes down what is done to it."""

    def __init__(self, store: StoreName, log: list[str]) -> None:
        self.store = store
        self.log = log

    @override
    def signal(self, number: int) -> None:
        self.log.append(f"{signal.Signals(number).name} {self.store}")

    @override
    def wait_ready(self) -> None:
        pass


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens to the clusters and is measured, in order."""
    happened: list[str] = []

    @contextlib.contextmanager
    def running(store: StoreName, directory: Path | None) -> Iterator[FakeCluster]:
        assert directory is None
        happened.append(f"start {store}")
        yield FakeCluster(store, happened)
        happened.append(f"remove {store}")

    monkeypatch.setattr(run_module, "running", running)
    return happened


def measuring(
    monkeypatch: pytest.MonkeyPatch, log: list[str], shares: dict[str, float] | None = None
) -> None:
    """Lets every measurement give 1, and the share of other processes by store."""

    def measure(_row: object, target: FakeCluster, *, seconds: float, prefix: str) -> Measurement:
        assert seconds == EFFORT.seconds
        log.append(f"measure {target.store} {prefix.rpartition('-')[0]}")
        share = (shares or {}).get(target.store, 0.0)
        if share < 0:
            raise GeneratorError("the store stopped answering")
        return Measurement({"operations_per_second": 1.0, FOREIGN_SHARE: share}, [])

    monkeypatch.setattr(run_module, "measure", measure)


def test_one_cluster_is_awake_at_a_time_and_who_begins_alternates(
    monkeypatch: pytest.MonkeyPatch, log: list[str]
) -> None:
    measuring(monkeypatch, log)
    run = Run(rows_named(["range"]), EFFORT, lambda _text: None)
    run.side_by_side(["etcd", "raftkv"], None)
    assert log[:12] == [
        "start etcd",
        "SIGSTOP etcd",
        "start raftkv",
        "SIGSTOP raftkv",
        "SIGCONT etcd",
        "measure etcd range-0-1",
        "SIGSTOP etcd",
        "SIGCONT raftkv",
        "measure raftkv range-0-1",
        "SIGSTOP raftkv",
        "remove raftkv",
        "remove etcd",
    ]
    assert log[12:18:2] == ["start raftkv", "start etcd", "SIGCONT raftkv"]
    assert run.notes == run.noise() == []


def test_what_fails_is_noted_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch, log: list[str]
) -> None:
    measuring(monkeypatch, log, {"etcd": -1.0})
    run = Run(rows_named(["range", "watch"]), EFFORT, lambda _text: None)
    run.side_by_side(["etcd", "raftkv"], None)
    assert run.notes[0] == "range, etcd, round 1: FAILED: the store stopped answering"
    assert run.figures.get("watch", "operations_per_second").values == {"raftkv": {0: 1.0, 1: 1.0}}


def test_a_disturbed_measurement_is_repeated_and_then_called_doubtful(
    monkeypatch: pytest.MonkeyPatch, log: list[str]
) -> None:
    measuring(monkeypatch, log, {"raftkv": 0.5})
    run = Run(rows_named(["range"]), EFFORT, lambda _text: None)
    run.side_by_side(["etcd", "raftkv"], None)
    measured = [each for each in log if each.startswith("measure raftkv")]
    assert [each.rpartition("-")[2] for each in measured] == ["1", "2", "1", "2"]
    assert run.noise()[0].startswith("DOUBTFUL: in 2 of 4 measurements")


@pytest.mark.slow
def test_a_real_etcd_can_be_measured(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    options = ["--only=etcd", "--rows=put-1-leader,watch", "--rounds=1", "--seconds=0.3"]
    subprocess.run(
        [sys.executable, "-m", "bench", *options, f"--json={file}", f"--data-dir={tmp_path}"],
        check=True,
        capture_output=True,
    )
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    figures = {(line["row"], line["figure"]): line["etcd"] for line in lines}
    assert figures["put-1-leader", "operations_per_second"] > 10
    assert figures["watch", "operations_per_second"] > 500
    assert figures["put-1-leader", "errors"] == figures["watch", "errors"] == 0
    assert figures["put-1-leader", "leader_cpu_us"] > 0
    assert list(tmp_path.iterdir()) == [file], "nothing of the cluster stays behind"
