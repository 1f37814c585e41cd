"""When and where a write becomes durable, and what happens when it does not."""

import errno
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import lmdb
import pytest

from raftkv.config import StorageConfig
from raftkv.storage.writer import _FREE_BYTES_MIN, describe_failure
from raftkv.tests.storage.harness import Disk, batch_of, entries, row_key

if TYPE_CHECKING:
    from collections.abc import Callable


def quick(disk: Disk) -> None:
    """Makes the disk known as a quick one."""
    disk.write(batch_of(entries(1, 1)))
    disk.storage.statistics.average_seconds = 0.0001


def test_a_small_write_on_a_quick_idle_disk_is_committed_in_place(tmp_path: Path) -> None:
    with Disk(tmp_path, StorageConfig()) as disk:
        quick(disk)
        sequence = disk.storage.write(batch_of(entries(2, 3)))
        assert disk.storage.statistics.count == 2, "the commit was left to the thread"
        assert disk.storage.durable == sequence
        disk.wait(sequence)
        assert disk.durable == [1], "the caller was told of what it could see"


@pytest.mark.parametrize("reason", ["slow disk", "many entries", "many rows", "unknown disk"])
def test_any_other_write_is_left_to_the_thread(tmp_path: Path, reason: str) -> None:
    with Disk(tmp_path, StorageConfig()) as disk:
        quick(disk)
        threads = Threads(disk)
        if reason == "slow disk":
            disk.storage.statistics.average_seconds = 0.0011
        if reason == "unknown disk":
            disk.storage.statistics.average_seconds = None
        if reason == "many rows":
            for revision in range(1, 100):
                disk.rows.put(row_key(revision), b"row")
        disk.write(batch_of(entries(2, 4 if reason == "many entries" else 1)))
        assert threads.seen == ["storage"]


class Threads:
    """Stands before the filler and notes which thread fills."""

    def __init__(self, disk: Disk) -> None:
        self.seen: list[str] = []
        filler = disk.storage._loaded._filler
        self._fill: Callable[..., int] = filler.fill
        setattr(filler, "fill", self)  # noqa: B010 - a method is stood in for

    def __call__(self, *arguments: object) -> int:
        self.seen.append(threading.current_thread().name)
        return self._fill(*arguments)


def test_nothing_overtakes_a_write_that_waits(tmp_path: Path) -> None:
    with Disk(tmp_path, StorageConfig()) as disk:
        quick(disk)
        sequence = 0
        for index in range(2, 202):
            sequence = disk.storage.write(batch_of(entries(index, 5 if index == 2 else 0)))
        disk.wait(sequence)
        assert disk.durable == sorted(disk.durable)
    with Disk(tmp_path) as disk:
        assert len(disk.stored.entries) == 6


def test_a_small_write_waits_behind_one_that_was_not_taken_yet(tmp_path: Path) -> None:
    with Disk(tmp_path, StorageConfig()) as disk:
        quick(disk)
        writer = disk.storage._loaded
        taken_from, writer._queue = writer._queue, SimpleQueue()
        disk.storage.write(batch_of(entries(2, 5)))
        last = disk.storage.write(batch_of(entries(7, 1)))
        assert writer.statistics.count == 1, "the second was committed before the first"
        waiting, writer._queue = writer._queue, taken_from
        while not waiting.empty():
            taken_from.put(waiting.get())
        disk.wait(last)
        assert not disk.failures


def test_rows_out_of_order_are_our_mistake_and_stop_the_member(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.rows.put(row_key(5), b"row")
        disk.write(batch_of([]))
        disk.rows.put(row_key(3), b"LMDB would drop it without a word")
        disk.wait(disk.storage.write(batch_of([])))
        assert "0 of 1 rows were past the end" in disk.failures[0]


def test_what_waits_is_committed_at_once_and_announced_once(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        writing = disk.storage._loaded._writing
        with writing:
            for index in range(1, 51):
                disk.rows.put(row_key(index), b"row")
                disk.storage.write(batch_of(entries(index, 1), commit=index, applied=index))
        disk.wait(50)
        assert disk.durable[-1] == 50
        assert len(disk.durable) <= 2
        assert disk.storage.statistics.count == len(disk.durable)


def test_a_failed_commit_is_told_once_and_nothing_is_written_any_more(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 1)))
        break_commits(disk)
        disk.wait(disk.storage.write(batch_of(entries(2, 1))))
        assert disk.failures == [f"disk error at {tmp_path}: put: Input/output error"]
        disk.storage.write(batch_of(entries(3, 1)))
    assert disk.durable == [1]
    assert disk.scheduled.empty()
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 1)


def test_a_failed_commit_in_place_is_told_later(tmp_path: Path) -> None:
    with Disk(tmp_path, StorageConfig()) as disk:
        quick(disk)
        break_commits(disk)
        disk.storage.write(batch_of(entries(2, 1)))
        assert disk.failures == []
        disk.wait(2)
        assert disk.failures == [f"disk error at {tmp_path}: put: Input/output error"]
        mend_commits(disk)
        disk.storage.write(batch_of(entries(2, 1)))
        disk.storage.write(batch_of(entries(3, 9)))
    assert disk.durable == [1]
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 1), "it wrote on after a failure"


def lmdb_error(kind: type[lmdb.Error], text: str, code: int) -> lmdb.Error:
    """An error as LMDB raises it: with a code, which one that is made by hand does not have."""
    error = kind(text)
    setattr(error, "code", code)  # noqa: B010 - final in the stubs
    return error


def break_commits(disk: Disk) -> None:
    def fail(*_: object) -> int:
        raise lmdb_error(lmdb.DiskError, "put: Input/output error", errno.EIO)

    setattr(disk.storage._loaded._filler, "fill", fail)  # noqa: B010 - a method is stood in for


def mend_commits(disk: Disk) -> None:
    delattr(disk.storage._loaded._filler, "fill")


def test_a_disk_without_space_is_called_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        f_bavail = _FREE_BYTES_MIN // 4_096 - 1
        f_frsize = 4_096

    monkeypatch.setattr("os.statvfs", lambda _: Full)
    with Disk(tmp_path) as disk:
        environment = disk.storage._environment
        reason = describe_failure(
            environment, lmdb_error(lmdb.DiskError, "commit: Input/output error", errno.EIO)
        )
        assert reason == (
            f"disk full: {tmp_path} cannot be written any more (commit: Input/output error)"
        )


def test_a_damaged_page_met_while_writing_is_said_to_be_one(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        error = lmdb_error(lmdb.CorruptedError, "put", -30_796)
        reason = describe_failure(disk.storage._environment, error)
        assert reason.startswith(f"{tmp_path}/data.mdb is damaged: put")


def test_closing_makes_durable_what_was_written(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        for index in range(1, 21):
            disk.storage.write(batch_of(entries(index, 1)))
    with Disk(tmp_path) as disk:
        assert len(disk.stored.entries) == 20


def test_statistics_count_commits_seconds_and_bytes(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.rows.put(row_key(1), bytes(10_000))
        disk.write(batch_of(entries(1, 1, body=bytes(5_000)), commit=1, applied=1))
        statistics = disk.storage.statistics
        assert statistics.count == sum(statistics.buckets) == 1
        assert 15_000 < statistics.bytes < 15_100
        assert statistics.seconds > 0
        size = disk.storage.size()
        assert 4_096 * 6 < size.used <= size.allocated == (tmp_path / "data.mdb").stat().st_size
