"""A history that is written while it grows can be read at any moment."""

from pathlib import Path

import pytest

from jepsen_tests.history import Fact, History, RunInfo
from jepsen_tests.live_history import LiveHistory

RUN = RunInfo(workload="register", plan=[])


def test_what_was_recorded_is_on_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with LiveHistory(path, RUN) as history:
        assert History.load(path).run == RUN
        history.append(Fact(name="seen", value=1))
        assert History.load(path).facts == history.facts == [Fact(name="seen", value=1)]


def test_what_is_run_can_not_change(tmp_path: Path) -> None:
    with LiveHistory(tmp_path / "h", RUN) as history, pytest.raises(AssertionError):
        history.append(RUN)
