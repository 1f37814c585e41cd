"""Processes that are killed, and disks that are full: what was acknowledged is there afterwards."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from raftkv.tests.storage.harness import Disk, entries, row_key
from raftkv.tests.storage.writing_process import ENTRIES_PER_WRITE

KILLS = 8


def start(path: Path, file_bytes_max: int = 0) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "raftkv.tests.storage.writing_process", path, str(file_bytes_max)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def check(path: Path, acknowledged: int) -> int:
    """Everything acknowledged is there; of the rest, whole writes or nothing. Returns the end."""
    with Disk(path) as disk:
        last = len(disk.stored.entries)
        assert last >= acknowledged
        assert last % ENTRIES_PER_WRITE == 0
        assert disk.stored.entries == entries(1, last)
        applied = disk.stored.applied_index
        assert applied <= disk.stored.hard_state.commit == last
        rows = disk.rows.scan(row_key(0), row_key(1 << 60), last + 1)
        assert rows == [(row_key(i), b"row %d " % i * 100) for i in range(1, applied + 1)]
        return last


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    for kill in range(KILLS):
        with start(tmp_path) as process:
            assert process.stdout is not None
            for _ in range(20 + kill):
                acknowledged = int(process.stdout.readline())
            process.kill()
            rest = process.stdout.read().split("\n")
        acknowledged = max([acknowledged, *(int(line) for line in rest[:-1])])
        check(tmp_path, acknowledged)


@pytest.mark.slow
def test_a_file_that_cannot_grow_stops_the_writer_and_loses_nothing(tmp_path: Path) -> None:
    output, errors, code = run(tmp_path, 1_000_000)
    assert code == 1
    assert re.fullmatch(rf"disk (error at|full:) {tmp_path}.*\n", errors), errors
    last = check(tmp_path, int(output.split()[-1]))
    output, errors, code = run(tmp_path, 1_500_000)
    assert code == 1
    assert check(tmp_path, int(output.split()[-1])) > last, "it went on when there was space"


def run(path: Path, file_bytes_max: int) -> tuple[str, str, int]:
    with start(path, file_bytes_max) as process:
        output, errors = process.communicate(timeout=60)
    return output, errors, process.returncode


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", tmp_path],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_said_to_be_full_and_loses_nothing(small_disk: Path) -> None:
    path = small_disk / "data"
    output, errors, code = run(path, 0)
    assert code == 1
    assert re.fullmatch(rf"disk full: {path}(/log)? cannot be written any more.*\n", errors), errors
    check(path, int(output.split()[-1]))
