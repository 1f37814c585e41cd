"""The log that a member finds is the one it wrote, or it does not start."""

import os
import shutil
from pathlib import Path

import pytest

from raftkv.config import StorageConfig
from raftkv.raft.stored import StoredLog, WriteBatch
from raftkv.raft.types import HardState
from raftkv.storage import DiskStorage, StorageError
from raftkv.storage.frames import FILE_HEAD_BYTES, FRAME_HEAD_BYTES
from raftkv.tests.storage.damage import files, flip, forget_frames, frame_starts
from raftkv.tests.storage.harness import (
    IDENTITY,
    IDLE,
    MEMBERS,
    ON_THREAD,
    Disk,
    batch_of,
    entries,
    held_back,
)

SMALL_FILES = StorageConfig(
    append_in_place_entries_max=-1,
    save_interval_milliseconds=1,
    probe_before_open=False,
    log_file_bytes=4_096,
)


def test_entries_and_hard_state_are_there_after_a_restart(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 3), commit=1))
        disk.write(batch_of(entries(4, 2), commit=4, applied=2))
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 5)
        assert disk.stored.hard_state == HardState(1, 1, 4)
        assert (disk.stored.applied_index, disk.stored.applied_term) == (2, 1)
        assert disk.stored.snapshot_index == 0


def test_a_log_is_amended_before_its_member_loads_it(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 3), commit=1))
    added = batch_of(entries(4, 1, term=2), commit=4, term=2)
    found: list[StoredLog] = []

    def amendment(stored: StoredLog) -> WriteBatch | None:
        found.append(stored)
        return added if len(found) == 1 else None

    storage = DiskStorage(tmp_path, ON_THREAD, IDLE)
    storage.amend_log(amendment)
    storage.amend_log(amendment)
    storage.close()

    assert [len(stored.entries) for stored in found] == [3, 4]
    with Disk(tmp_path) as disk:
        assert disk.stored == found[1]
        assert disk.stored.entries == [*entries(1, 3), *added.entries]
        assert disk.stored.hard_state == added.hard_state
        disk.write(batch_of(entries(5, 1, term=2), commit=5, term=2))


def test_a_conflicting_suffix_goes_before_the_append(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 5), commit=2))
        batch = batch_of(entries(3, 1, term=2), commit=2, term=2)
        batch.truncate_from = 3
        disk.write(batch)
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 2) + entries(3, 1, term=2)


def test_writes_that_wait_together_become_one_frame_and_keep_their_meaning(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        storage = disk.storage
        with held_back(disk.log):
            last = storage.write(batch_of(entries(1, 5)))
            for term, first, count in ((2, 4, 3), (3, 6, 1), (4, 2, 2), (5, 4, 0)):
                batch = batch_of(entries(first, count, term), term=term)
                batch.truncate_from = first
                last = storage.write(batch)
        disk.wait(last)
        assert storage.log_statistics.count < 5
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 1) + entries(2, 2, term=4)
        assert disk.stored.hard_state == HardState(5, 1, 0)


def test_a_write_that_asks_nothing_of_the_log_does_not_touch_it(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 5)))
        before = disk.storage.log_statistics.count
        sequence = disk.storage.write(batch_of([], commit=5, applied=5))
        assert disk.storage.durable == sequence
        disk.wait_stored(sequence)
        assert disk.storage.log_statistics.count == before
        assert disk.storage.stored_applied_index == 5
    with Disk(tmp_path) as disk:
        assert disk.stored.hard_state == HardState(1, 1, 5)


def test_a_vote_alone_is_made_durable(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 1)))
        before = disk.storage.log_statistics.count
        disk.write(WriteBatch(HardState(2, 3, 0)))
        assert disk.storage.log_statistics.count == before + 1
    with Disk(tmp_path) as disk:
        assert disk.stored.hard_state == HardState(2, 3, 0)


def test_a_full_file_is_followed_by_another(tmp_path: Path) -> None:
    with Disk(tmp_path, SMALL_FILES) as disk:
        for index in range(1, 201):
            disk.write(batch_of(entries(index, 1, body=bytes(100))))
    assert len(files(tmp_path)) > 5
    assert {path.stat().st_size for path in files(tmp_path)} == {4_096}
    with Disk(tmp_path, SMALL_FILES) as disk:
        assert disk.stored.entries == entries(1, 200, body=bytes(100))
        disk.write(batch_of(entries(201, 1)))


def test_a_frame_larger_than_a_file_gets_a_file_of_its_size(tmp_path: Path) -> None:
    with Disk(tmp_path, SMALL_FILES) as disk:
        disk.write(batch_of(entries(1, 3, body=bytes(10_000))))
        disk.write(batch_of(entries(4, 1)))
    with Disk(tmp_path, SMALL_FILES) as disk:
        assert disk.stored.entries == entries(1, 3, body=bytes(10_000)) + entries(4, 1)


def test_full_files_go_when_the_state_has_what_they_hold(tmp_path: Path) -> None:
    with Disk(tmp_path, SMALL_FILES) as disk:
        for index in range(1, 201):
            disk.write(batch_of(entries(index, 1, body=bytes(100)), commit=index, applied=index))
        before = files(tmp_path)
        cut = batch_of([], commit=200, applied=200)
        cut.compact_to, cut.compact_term, cut.compact_membership = 150, 1, MEMBERS
        disk.write(cut)
    assert 1 < len(files(tmp_path)) < len(before) - 3
    with Disk(tmp_path, SMALL_FILES) as disk:
        assert disk.stored.entries == entries(151, 50, body=bytes(100))
        assert disk.stored.membership == MEMBERS
        assert (disk.stored.snapshot_index, disk.stored.snapshot_term) == (150, 1)


def test_files_found_at_the_start_go_too(tmp_path: Path) -> None:
    with Disk(tmp_path, SMALL_FILES) as disk:
        for index in range(1, 201):
            disk.write(batch_of(entries(index, 1, body=bytes(100)), commit=index, applied=index))
    with Disk(tmp_path, SMALL_FILES) as disk:
        cut = batch_of([], commit=200, applied=200)
        cut.compact_to, cut.compact_term, cut.compact_membership = 200, 1, MEMBERS
        disk.write(cut)
    assert len(files(tmp_path)) == 1
    with Disk(tmp_path, SMALL_FILES) as disk:
        assert disk.stored.entries == []
        disk.write(batch_of(entries(201, 1), commit=200, applied=200))
    with Disk(tmp_path, SMALL_FILES) as disk:
        assert disk.stored.entries == entries(201, 1)


@pytest.mark.parametrize("kept_bytes", [*range(0, FRAME_HEAD_BYTES + 60, 7), 140])
def test_a_frame_that_a_crash_tore_is_dropped(tmp_path: Path, kept_bytes: int) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 5)))
        disk.write(batch_of(entries(6, 3, body=b"torn")))
    (path,) = files(tmp_path)
    start = frame_starts(path)[-1]
    data = path.read_bytes()
    assert data[start + kept_bytes :].rstrip(b"\0"), "nothing would be torn"
    path.write_bytes(data[: start + kept_bytes] + bytes(len(data) - start - kept_bytes))
    forget_frames(tmp_path, 1)
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 5)
        disk.write(batch_of(entries(6, 1, term=2), term=2))
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 5) + entries(6, 1, term=2)


def test_a_torn_frame_in_the_last_of_several_files_is_dropped(tmp_path: Path) -> None:
    with Disk(tmp_path, SMALL_FILES) as disk:
        for index in range(1, 61):
            disk.write(batch_of(entries(index, 1, body=bytes(100))))
    last = files(tmp_path)[-1]
    start = frame_starts(last)[-1]
    flip(last, start + FRAME_HEAD_BYTES + 20)
    forget_frames(tmp_path, 1)
    with Disk(tmp_path, SMALL_FILES) as disk:
        assert disk.stored.entries == entries(1, 59, body=bytes(100))


@pytest.mark.parametrize("place", ["marker", "checksum", "length", "number", "batch"])
def test_damage_before_a_whole_frame_is_refused(tmp_path: Path, place: str) -> None:
    with Disk(tmp_path) as disk:
        for index in range(1, 6):
            disk.write(batch_of(entries(index, 1)))
    (path,) = files(tmp_path)
    offset = {"marker": 0, "checksum": 8, "length": 15, "number": 23, "batch": 40}[place]
    flip(path, frame_starts(path)[2] + offset)
    with pytest.raises(StorageError, match=r"\.log is damaged: frame 3 of the log can't be read"):
        Disk(tmp_path)


def test_damage_to_the_last_frame_is_refused_when_the_state_knows_of_it(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 3)))
        disk.write(batch_of(entries(4, 3)))
    (path,) = files(tmp_path)
    flip(path, frame_starts(path)[-1] + 60)
    with pytest.raises(StorageError, match="ends at frame 1, it had 2 when the state was stored"):
        Disk(tmp_path)


def test_damage_to_a_frame_that_a_start_has_seen_is_refused(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 3)))
        disk.write(batch_of(entries(4, 3)))
    forget_frames(tmp_path, 1)
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 6)
    (path,) = files(tmp_path)
    flip(path, frame_starts(path)[-1] + 60)
    with pytest.raises(StorageError, match="ends at frame 1, it had 2 when the state was stored"):
        Disk(tmp_path)


def test_a_file_that_does_not_begin_as_one_is_refused(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 3)))
    flip(files(tmp_path)[0], 0)
    with pytest.raises(StorageError, match="does not begin as a file of the log"):
        Disk(tmp_path)


@pytest.mark.parametrize("missing", [0, 1, 3, -1])
def test_a_missing_file_is_refused(tmp_path: Path, missing: int) -> None:
    with Disk(tmp_path, SMALL_FILES) as disk:
        for index in range(1, 201):
            disk.write(batch_of(entries(index, 1, body=bytes(100)), commit=index))
    files(tmp_path)[missing].unlink()
    with pytest.raises(StorageError, match=r"is missing|ends at frame"):
        Disk(tmp_path, SMALL_FILES)


def test_a_log_that_is_gone_is_refused(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 3)))
    shutil.rmtree(tmp_path / "log")
    with pytest.raises(StorageError, match="ends at frame 0, it had 1"):
        Disk(tmp_path)


def test_a_log_that_lost_committed_entries_is_refused(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 5)))
        disk.write(batch_of(entries(6, 1), commit=6, applied=6))
    (path,) = files(tmp_path)
    flip(path, frame_starts(path)[-1] + 60)
    forget_frames(tmp_path, 1)
    with pytest.raises(StorageError, match="ends at entry 5, the commit index is 6"):
        Disk(tmp_path)


def test_a_file_that_was_being_made_is_forgotten(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 3)))
    unfinished = tmp_path / "log" / "0000000000000002.new"
    unfinished.write_bytes(b"half a head")
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 3)
    assert not unfinished.exists()


def test_a_value_that_looks_like_a_frame_is_none(tmp_path: Path) -> None:
    """What a client can know of a frame does not help it: the file's marker is drawn by chance."""
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 1)))
        (path,) = files(tmp_path)
        data = path.read_bytes()
        frame = data[frame_starts(path)[0] :].rstrip(b"\0")
        guessed = bytes(8) + frame[8:]
        disk.write(batch_of(entries(2, 1, body=guessed * 9)))
    flip(path, frame_starts(path)[-1] + FRAME_HEAD_BYTES)
    forget_frames(tmp_path, 1)
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 1)


def test_the_files_are_for_their_owner_only(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 1)))
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in files(tmp_path)} == {0o600}


def test_a_crash_before_the_identity_leaves_an_unused_directory(tmp_path: Path) -> None:
    first = batch_of(entries(1, 3))
    with Disk(tmp_path, ON_THREAD, first) as disk:
        assert disk.stored.entries == entries(1, 3)
    log = tmp_path / "log"
    other = tmp_path / "other"
    shutil.copytree(log, other / "log")
    with Disk(other, ON_THREAD, batch_of(entries(1, 2))) as disk:
        assert disk.stored.entries == entries(1, 2), "the log of an unused directory counted"


def test_a_gap_in_a_write_is_our_mistake_and_stops_the_member(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.wait(disk.storage.write(batch_of(entries(2, 1))))
        assert "entry 2 after entry 0" in disk.failures[0]


def test_committed_entries_are_never_truncated(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 5), commit=4))
        disk.wait(disk.storage.write(WriteBatch(HardState(2, 0, 4), truncate_from=4)))
        assert "truncation from 4, commit index 4" in disk.failures[0]


def test_a_log_whose_state_is_gone_is_not_thrown_away(tmp_path: Path) -> None:
    """Whoever voted or answered must not begin again as if it never had."""
    with Disk(tmp_path, ON_THREAD, batch_of(entries(1, 3))) as disk:
        disk.write(WriteBatch(HardState(2, 3, 0)))
    before = files(tmp_path)[0].read_bytes()
    (tmp_path / "data.mdb").unlink()
    with pytest.raises(StorageError, match=r"data\.mdb is new, but .*/log holds the log of"):
        Disk(tmp_path, ON_THREAD, batch_of(entries(1, 3)))
    assert files(tmp_path)[0].read_bytes() == before


def test_a_damaged_head_is_refused_also_when_the_state_does_not_know_of_the_frames(
    tmp_path: Path,
) -> None:
    """A marker that is not the frames' own would make all of them invisible."""
    with Disk(tmp_path) as disk:
        for index in range(1, 6):
            disk.write(batch_of(entries(index, 1)))
    (path,) = files(tmp_path)
    forget_frames(tmp_path, 0)
    for offset in range(0, FILE_HEAD_BYTES, 7):
        flip(path, offset)
        with pytest.raises(StorageError, match="does not begin as a file of the log"):
            Disk(tmp_path)
        flip(path, offset)
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(1, 5)


@pytest.mark.parametrize("taken", ["every file", "the newest file"])
def test_the_log_of_another_member_is_refused(tmp_path: Path, taken: str) -> None:
    for name, identity in (("a", IDENTITY), ("b", IDENTITY._replace(member=0xB2))):
        with Disk(tmp_path / name, SMALL_FILES, identity=identity) as disk:
            for index in range(1, 61):
                disk.write(batch_of(entries(index, 1, body=bytes(100))))
    taken_from = 0 if taken == "every file" else -1
    for path in files(tmp_path / "a")[taken_from:]:
        shutil.copy(tmp_path / "b" / "log" / path.name, path)
    with pytest.raises(StorageError, match=r"of the log of member b2 of cluster c1, .* member a1"):
        Disk(tmp_path / "a", SMALL_FILES)


def test_what_is_found_last_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wrote it may have been killed, or met an error, before it was durable."""
    with Disk(tmp_path) as disk:
        disk.write(batch_of(entries(1, 3)))
        disk.write(batch_of(entries(4, 1)))
    (path,) = files(tmp_path)
    last, data = frame_starts(path)[-1], path.read_bytes()
    written: list[tuple[bytes, int]] = []

    def pwritev(_: int, pieces: list[bytes], offset: int, flags: int) -> int:
        assert flags == os.RWF_DSYNC
        written.append((b"".join(pieces), offset))
        return len(written[-1][0])

    monkeypatch.setattr("raftkv.storage.log_files.os.pwritev", pwritev)
    with Disk(tmp_path):
        assert written == [(data[last:].rstrip(b"\0"), last)]
