"""What goes with the log's files when they go, and what must not."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from raftkv.raft.stored import WriteBatch
from raftkv.raft.types import HardState
from raftkv.storage.frames import FILE_HEAD_BYTES
from raftkv.tests.storage.damage import files, forget_frames
from raftkv.tests.storage.harness import MEMBERS, ON_THREAD, Disk, batch_of, entries, held_back

SMALL_FILES = replace(ON_THREAD, log_file_bytes=4_096)


def cut(index: int, hard_state: HardState) -> WriteBatch:
    """A write that lets the log begin after `index`, which everything up to `commit` follows."""
    return WriteBatch(
        hard_state=hard_state,
        compact_to=index,
        compact_term=1,
        compact_membership=MEMBERS,
        applied_index=hard_state.commit,
        applied_term=1,
    )


def fill_a_file(disk: Disk, applied_max: int = 1_000) -> int:
    """Applies an entry a frame until another file begins; returns the last one's index."""
    index = 0
    while len(files(disk.path)) < 2:
        index += 1
        applied = min(index - 1, applied_max)
        disk.write(batch_of(entries(index, 1, body=bytes(100)), applied, applied))
    assert not disk.failures
    return index


@pytest.mark.parametrize("left", ["its head", "zeros"])
def test_a_file_without_frames_that_is_made_again_is_not_taken_for_a_full_one(
    tmp_path: Path, left: str
) -> None:
    with Disk(tmp_path, SMALL_FILES) as disk:
        last = fill_a_file(disk)
    newest = files(tmp_path)[-1]
    size = newest.stat().st_size
    with newest.open("r+b") as file:  # as if its first frame had not become durable
        file.truncate(FILE_HEAD_BYTES)
        if left == "zeros":
            file.truncate(size)
    forget_frames(tmp_path, 1)
    large = entries(last, 1, body=bytes(5_000))
    with Disk(tmp_path, SMALL_FILES) as disk:
        assert len(disk.stored.entries) == last - 1
        disk.write(batch_of(large, last, last))
        disk.write(cut(last - 1, HardState(1, 1, last)))
    with Disk(tmp_path, SMALL_FILES) as disk:
        assert disk.stored.entries == large


def test_a_vote_does_not_go_with_its_file(tmp_path: Path) -> None:
    """What follows a file must be durable before it goes: only then is its hard state there too."""
    with Disk(tmp_path / "data", SMALL_FILES) as disk:
        for last in range(1, 4):
            disk.write(batch_of(entries(last, 1, body=bytes(100)), last - 1, last - 1))
        with held_back(disk.state) as waiting:
            first = disk.storage.write(cut(last, HardState(2, 1, last)))
            disk.wait(first)
            with held_back(disk.log):
                second = disk.storage.write(cut(last, HardState(3, 0, last)))
                vote = disk.storage.write(
                    WriteBatch(HardState(3, 2, last), applied_index=last, applied_term=1)
                )
            disk.wait(vote)
            disk.write_log(batch_of(entries(last + 1, 1, 3, bytes(5_000)), last, last, 3))
            jobs = [waiting.get() for _ in range(4)]
            for job in jobs[:2]:
                waiting.put(job)
        disk.wait_stored(second)
        shutil.copytree(tmp_path / "data", tmp_path / "crashed")
    newest = files(tmp_path / "crashed")[-1]
    size = newest.stat().st_size
    with newest.open("r+b") as file:  # the frame behind the vote did not become durable
        file.truncate(FILE_HEAD_BYTES)
        file.truncate(size)
    with Disk(tmp_path / "crashed", SMALL_FILES) as disk:
        assert disk.stored.hard_state[:2] == (3, 2)


def test_entries_behind_a_snapshot_that_the_log_had_already_need_not_be_in_its_files(
    tmp_path: Path,
) -> None:
    """Section 7: what follows the snapshot's last entry stays, and its file may go later."""
    with Disk(tmp_path, SMALL_FILES) as disk:
        disk.write(batch_of(entries(1, 30, body=bytes(100)), 5, 5))
        disk.storage.stage_reset()
        install = cut(10, HardState(1, 1, 10))
        install.install_staged = True
        install.entries = entries(31, 1, body=bytes(1_000))
        disk.write(install)
        disk.write(cut(31, HardState(1, 1, 31)))
        disk.write(batch_of(entries(32, 1), 31, 31))
        disk.write(batch_of([], 32, 32))
        assert len(files(tmp_path)) == 1
    with Disk(tmp_path, SMALL_FILES) as disk:
        assert disk.stored.snapshot_index == 31
        assert disk.stored.entries == entries(32, 1)


def test_entries_that_a_snapshot_contradicts_go_though_the_log_never_learnt_of_it(
    tmp_path: Path,
) -> None:
    """A crash between the switch and the log: what tells of the contradiction is still there."""
    with Disk(tmp_path / "data", SMALL_FILES) as disk:
        last = fill_a_file(disk)
        disk.write(batch_of(entries(last + 1, 3), last - 2, last - 2))
        disk.storage.stage_reset()
        install = cut(last - 1, HardState(2, 1, last - 1))
        install.install_staged = True
        install.compact_term, install.truncate_from = 2, last - 1
        with held_back(disk.log):
            switch = disk.storage.write(install)
            disk.wait_stored(switch)
            shutil.copytree(tmp_path / "data", tmp_path / "crashed")
        disk.wait(switch)
    with Disk(tmp_path / "crashed", SMALL_FILES) as disk:
        assert disk.stored.snapshot_index == last - 1
        assert disk.stored.entries == []


def test_a_truncation_may_reach_back_into_files_that_a_snapshot_made_needless(
    tmp_path: Path,
) -> None:
    with Disk(tmp_path, SMALL_FILES) as disk:
        last = fill_a_file(disk, applied_max=1)
        shorter = batch_of(entries(3, 1, term=2), 1, 1, term=2)
        shorter.truncate_from = 3
        disk.storage.stage_reset()
        disk.write_log(shorter)
        install = cut(last + 5, HardState(2, 1, last + 5))
        install.install_staged, install.compact_term = True, 2
        disk.write(install)
        disk.write(cut(last + 5, HardState(2, 1, last + 5)))
        assert len(files(tmp_path)) == 1
    with Disk(tmp_path, SMALL_FILES) as disk:
        assert disk.stored.snapshot_index == last + 5
        assert disk.stored.entries == []
