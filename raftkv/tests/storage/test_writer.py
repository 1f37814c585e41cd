"""When and where a write becomes durable, and what happens when it does not."""

import errno
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import lmdb
import pytest

from raftkv.config import StorageConfig
from raftkv.storage.errors import _FREE_BYTES_MIN, describe_failure
from raftkv.storage.jobs import Append
from raftkv.tests.storage.harness import ON_THREAD, Disk, batch_of, entries, held_back, row_key

if TYPE_CHECKING:
    from collections.abc import Callable

IN_PLACE = StorageConfig(save_interval_milliseconds=1, probe_before_open=False)


def quick(disk: Disk) -> None:
    """Makes the disk known as a quick one."""
    disk.write(batch_of(entries(1, 1)))
    disk.storage.log_statistics.average_seconds = 0.0001


def test_a_small_write_on_a_quick_idle_disk_is_appended_in_place(tmp_path: Path) -> None:
    with Disk(tmp_path, IN_PLACE) as disk:
        quick(disk)
        sequence = disk.storage.write(batch_of(entries(2, 3)))
        assert disk.storage.log_statistics.count == 2, "the append was left to the thread"
        assert disk.storage.durable == sequence
        disk.wait_stored(sequence)
        assert disk.durable == [1], "the caller was told of what it could see"


@pytest.mark.parametrize(
    "reason", ["slow disk", "many entries", "many bytes", "full file", "unknown disk"]
)
def test_any_other_write_is_left_to_the_thread(tmp_path: Path, reason: str) -> None:
    with Disk(tmp_path, IN_PLACE) as disk:
        quick(disk)
        threads = Threads(disk)
        body = b"body"
        if reason == "slow disk":
            disk.storage.log_statistics.average_seconds = 0.0011
        if reason == "unknown disk":
            disk.storage.log_statistics.average_seconds = None
        if reason == "many bytes":
            body = bytes(70_000)
        if reason == "full file":
            disk.log._files._offset = disk.log._files._size - 10
        disk.write(batch_of(entries(2, 4 if reason == "many entries" else 1, body=body)))
        assert threads.seen == ["log"]


class Threads:
    """Stands before the log's files and notes which thread appends."""

    def __init__(self, disk: Disk) -> None:
        self.seen: list[str] = []
        files = disk.log._files
        self._append: Callable[..., int] = files.append
        setattr(files, "append", self)  # noqa: B010 - a method is stood in for

    def __call__(self, *arguments: object) -> int:
        self.seen.append(threading.current_thread().name)
        return self._append(*arguments)


def test_nothing_overtakes_a_write_that_waits(tmp_path: Path) -> None:
    with Disk(tmp_path, IN_PLACE) as disk:
        quick(disk)
        sequence = 0
        for index in range(2, 202):
            sequence = disk.storage.write(batch_of(entries(index, 5 if index == 2 else 0)))
        disk.wait(sequence)
        assert disk.durable == sorted(disk.durable)
    with Disk(tmp_path) as disk:
        assert len(disk.stored.entries) == 6


def test_a_small_write_waits_behind_one_that_was_not_taken_yet(tmp_path: Path) -> None:
    with Disk(tmp_path, IN_PLACE) as disk:
        quick(disk)
        with held_back(disk.log):
            disk.storage.write(batch_of(entries(2, 5)))
            last = disk.storage.write(batch_of(entries(7, 1)))
            nothing = disk.storage.write(batch_of([]))
            assert disk.storage.log_statistics.count == 1, "the second went before the first"
            assert disk.storage.durable == 1
        disk.wait(nothing)
        assert disk.storage.durable >= last
        assert not disk.failures


def test_rows_out_of_order_are_our_mistake_and_stop_the_member(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.rows.put(row_key(5), b"row")
        disk.write(batch_of([]))
        disk.rows.put(row_key(3), b"LMDB would drop it without a word")
        disk.write(batch_of([]))
        assert "0 of 1 rows were past the end" in disk.failures[0]


def test_what_waits_is_appended_at_once_and_announced_once(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        with held_back(disk.log):
            for index in range(1, 51):
                disk.storage.write(batch_of(entries(index, 1)))
        disk.wait(50)
        assert disk.durable[-1] == 50
        assert len(disk.durable) <= 3
        assert disk.storage.log_statistics.count <= 3


def test_a_frame_does_not_grow_for_as_long_as_the_disk_stalls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others may commit meanwhile what a leader's own disk does not take."""
    monkeypatch.setattr("raftkv.storage.log_writer._FRAME_ENTRY_BYTES_MAX", 2_000)
    with Disk(tmp_path) as disk:
        sizes: list[int] = []
        append = disk.log._append

        def counted(appends: list[Append]) -> bool:
            sizes.append(len(appends))
            return append(appends)

        monkeypatch.setattr(disk.log, "_append", counted)
        with held_back(disk.log):
            for index in range(1, 31):
                disk.storage.write(batch_of(entries(index, 1, body=bytes(500))))
        disk.wait(30)
        assert max(sizes) <= 4
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 30, body=bytes(500))


def test_state_gathers_and_is_stored_at_once(tmp_path: Path) -> None:
    slow = StorageConfig(save_interval_milliseconds=200, probe_before_open=False)
    with Disk(tmp_path, slow) as disk:
        for index in range(1, 51):
            disk.rows.put(row_key(index), b"row")
            disk.write_log(batch_of(entries(index, 1), commit=index, applied=index))
        assert disk.storage.stored_applied_index < 50
        disk.wait_stored(50)
        assert disk.storage.state_statistics.count <= 3
        assert disk.storage.stored_applied_index == 50


def test_the_state_is_never_ahead_of_the_log(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 1)))
        with held_back(disk.log):
            disk.rows.put(row_key(1), b"row")
            last = disk.storage.write(batch_of(entries(2, 1), commit=1, applied=1))
            assert disk.state._queue.empty(), "it was handed over before it was durable"
        disk.wait_stored(last)
        assert disk.storage.stored_applied_index == 1


def test_state_that_the_disk_does_not_take_holds_up_the_log(tmp_path: Path) -> None:
    bounded = StorageConfig(
        append_in_place_entries_max=-1,
        save_interval_milliseconds=1,
        save_bytes_waiting_max=10_000,
        probe_before_open=False,
    )
    with Disk(tmp_path, bounded) as disk:
        with held_back(disk.state):
            for index in range(1, 21):
                disk.rows.put(row_key(index), bytes(1_000))
                disk.storage.write(batch_of(entries(index, 1), commit=index, applied=index))
                if index <= 11:
                    disk.wait(index)
            assert disk.storage.durable < 20
            assert disk.storage._held
        disk.wait_stored(20)
        assert disk.storage.durable == 20
        assert not disk.storage._held


def test_a_failed_append_is_told_once_and_nothing_is_written_any_more(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 1)))
        break_log(disk)
        disk.wait(disk.storage.write(batch_of(entries(2, 1))))
        assert disk.failures == [f"disk error at {tmp_path}/log: [Errno 5] Input/output error"]
        disk.storage.write(batch_of(entries(3, 1)))
    assert disk.durable == [1]
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 1)


def test_a_failed_append_in_place_is_told_later(tmp_path: Path) -> None:
    with Disk(tmp_path, IN_PLACE) as disk:
        quick(disk)
        break_log(disk)
        disk.storage.write(batch_of(entries(2, 1)))
        assert disk.failures == []
        disk.wait(2)
        assert disk.failures == [f"disk error at {tmp_path}/log: [Errno 5] Input/output error"]
        delattr(disk.log._files, "append")
        disk.storage.write(batch_of(entries(2, 1)))
        disk.storage.write(batch_of(entries(3, 9)))
    assert disk.durable == [1]
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 1), "it wrote on after a failure"


def test_a_failed_commit_of_the_state_is_told_once(tmp_path: Path) -> None:
    def fail(*_: object) -> int:
        raise lmdb_error(lmdb.DiskError, "put: Input/output error", errno.EIO)

    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 1)))
        setattr(disk.state._filler, "fill", fail)  # noqa: B010 - a method is stood in for
        disk.rows.put(row_key(1), b"row")
        disk.write(batch_of(entries(2, 1), commit=1, applied=1))
        assert disk.failures == [f"disk error at {tmp_path}: put: Input/output error"]
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 2), "the log has what was acknowledged"
        assert disk.stored.applied_index == 0


def lmdb_error(kind: type[lmdb.Error], text: str, code: int) -> lmdb.Error:
    """An error as LMDB raises it: with a code, which one that is made by hand does not have."""
    error = kind(text)
    setattr(error, "code", code)  # noqa: B010 - final in the stubs
    return error


def break_log(disk: Disk) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    setattr(disk.log._files, "append", fail)  # noqa: B010 - a method is stood in for


def test_a_disk_without_space_is_called_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        f_bavail = _FREE_BYTES_MIN // 4_096 - 1
        f_frsize = 4_096

    monkeypatch.setattr("os.statvfs", lambda _: Full)
    error = lmdb_error(lmdb.DiskError, "commit: Input/output error", errno.EIO)
    assert describe_failure(tmp_path, error) == (
        f"disk full: {tmp_path} cannot be written any more (commit: Input/output error)"
    )


def test_a_disk_that_says_it_is_full_is_called_full(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, "No space left on device")
    assert describe_failure(tmp_path, error).startswith(f"disk full: {tmp_path} cannot be written")


def test_a_damaged_page_met_while_writing_is_said_to_be_one(tmp_path: Path) -> None:
    error = lmdb_error(lmdb.CorruptedError, "put", -30_796)
    assert describe_failure(tmp_path, error).startswith(f"{tmp_path}/data.mdb is damaged: put")


def test_closing_makes_durable_what_was_written(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        for index in range(1, 21):
            disk.rows.put(row_key(index), b"row")
            disk.storage.write(batch_of(entries(index, 1), commit=index, applied=index))
    with Disk(tmp_path) as disk:
        assert len(disk.stored.entries) == disk.stored.applied_index == 20
        assert disk.rows.get(row_key(20)) == b"row"


def test_closing_makes_durable_what_the_state_held_up(tmp_path: Path) -> None:
    bounded = replace(ON_THREAD, save_bytes_waiting_max=10_000)
    with Disk(tmp_path, bounded) as disk, held_back(disk.state):
        for index in range(1, 21):
            disk.rows.put(row_key(index), bytes(1_000))
            disk.storage.write(batch_of(entries(index, 1), commit=index, applied=index))
            if index <= 11:
                disk.wait(index)
        assert disk.storage._held
    assert not disk.failures
    with Disk(tmp_path) as disk:
        assert len(disk.stored.entries) == disk.stored.applied_index == 20


def test_statistics_count_writes_seconds_and_bytes(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.rows.put(row_key(1), bytes(10_000))
        disk.write(batch_of(entries(1, 1, body=bytes(5_000)), commit=1, applied=1))
        log, state = disk.storage.log_statistics, disk.storage.state_statistics
        for statistics in (log, state):
            assert statistics.count == sum(statistics.buckets) == 1
            assert statistics.seconds > 0
        assert 5_000 < log.bytes < 5_200
        assert 10_000 <= state.bytes < 10_100
        size = disk.storage.size()
        assert 4_096 * 5 <= size.used <= size.allocated == (tmp_path / "data.mdb").stat().st_size
