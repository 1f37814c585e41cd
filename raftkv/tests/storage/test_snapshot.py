"""A received snapshot: the old state until the switch is durable, then the new one, never a mix."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from raftkv.raft.stored import WriteBatch
from raftkv.raft.types import HardState
from raftkv.storage import StorageError
from raftkv.tests.storage.damage import files, flip, frame_starts
from raftkv.tests.storage.harness import MEMBERS, Disk, batch_of, entries, held_back, row_key

if TYPE_CHECKING:
    from collections.abc import Callable

END = b"\xff" * 17
OLD_ROWS = [(row_key(revision), b"old %d" % revision) for revision in range(1, 6)]
NEW_ROWS = [(row_key(revision), b"new %d" % revision) for revision in range(4, 100)]
OLD_LEASES = [(b"lease", b"old")]
NEW_LEASES = [(b"lease", b"new"), (b"more", b"new")]
INSTALL = WriteBatch(
    hard_state=HardState(3, 2, 50),
    compact_to=50,
    compact_term=3,
    compact_membership=MEMBERS,
    install_staged=True,
    entries=entries(51, 2, term=3),
)


def write_old_state(disk: Disk) -> None:
    for key, row in OLD_ROWS:
        disk.rows.put(key, row)
    disk.tables.put("lease", *OLD_LEASES[0])
    disk.tables.put("alarm", b"old", b"alarm")
    disk.write(batch_of(entries(1, 9), commit=5, applied=5))


def stage(disk: Disk) -> int:
    disk.storage.stage_reset()
    number = 0
    for start in range(0, len(NEW_ROWS), 10):
        number = disk.storage.stage(NEW_ROWS[start : start + 10])
    disk.storage.stage_tables({"lease": NEW_LEASES})
    return number


def shows_old(disk: Disk) -> bool:
    """Whether the old state is there; if not, the whole new one must be."""
    rows = disk.rows.scan(b"", END, 1_000)
    leases = list(disk.tables.items("lease"))
    alarms = list(disk.tables.items("alarm"))
    if rows == OLD_ROWS:
        assert (leases, alarms) == (OLD_LEASES, [(b"old", b"alarm")])
        return True
    assert (rows, leases, alarms) == (NEW_ROWS, NEW_LEASES, [])
    return False


def test_the_state_changes_when_the_switch_is_durable(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        write_old_state(disk)
        disk.wait_staged(stage(disk))
        assert shows_old(disk)
        switch = disk.storage.write(INSTALL)
        with held_back(disk.log):
            disk.wait_stored(switch)
            assert shows_old(disk), "it changed before the log knew"
        disk.wait(switch)
        assert not shows_old(disk)
        disk.rows.put(row_key(100), b"next")
        disk.write(batch_of(entries(53, 1, term=3), commit=51, applied=51, term=3))
    with Disk(tmp_path) as disk:
        assert disk.rows.get(row_key(100)) == b"next"
        assert disk.stored.entries == entries(51, 3, term=3)
        assert (disk.stored.snapshot_index, disk.stored.snapshot_term) == (50, 3)
        assert disk.stored.membership == MEMBERS
        assert disk.stored.applied_index == 51


def test_what_the_old_state_puts_during_the_switch_goes_with_it(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        write_old_state(disk)
        stage(disk)
        with held_back(disk.state):
            disk.rows.put(row_key(6), b"old 6")
            disk.storage.write(INSTALL)
            disk.rows.put(row_key(7), b"old 7")
            disk.tables.put("lease", b"late", b"old")
            disk.rows.delete([row_key(4)])
            late = batch_of(entries(53, 1, term=3), commit=50, applied=6, term=3)
            sequence = disk.storage.write(late)
        disk.wait(sequence)
        assert not shows_old(disk)
    with Disk(tmp_path) as disk:
        assert not shows_old(disk)
        assert disk.stored.applied_index == 50
        assert disk.stored.entries == entries(51, 3, term=3)


def test_an_unfinished_snapshot_is_forgotten(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        write_old_state(disk)
        disk.wait_staged(stage(disk))
        disk.storage.stage_reset()
        disk.wait_staged(disk.storage.stage(NEW_ROWS[:3]))
    with Disk(tmp_path) as disk:
        assert shows_old(disk)
        disk.wait_staged(stage(disk))
        disk.write(INSTALL)
        assert not shows_old(disk)


def test_a_second_snapshot_follows_the_first(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        write_old_state(disk)
        for index in (50, 200, 300):
            stage(disk)
            batch = WriteBatch(
                hard_state=HardState(3, 2, index),
                compact_to=index,
                compact_term=3,
                compact_membership=MEMBERS,
                install_staged=True,
            )
            disk.write(batch)
            assert not shows_old(disk)
    with Disk(tmp_path) as disk:
        assert not shows_old(disk)
        assert disk.stored.applied_index == disk.stored.snapshot_index == 300
        assert disk.stored.entries == []


def test_a_crash_at_any_step_leaves_the_old_state_or_the_new_one(tmp_path: Path) -> None:
    seen = []
    with Disk(tmp_path / "data") as disk:
        write_old_state(disk)
        storage = disk.storage
        steps: list[Callable[[], object]] = [
            storage.stage_reset,
            *(partial(storage.stage, [row]) for row in NEW_ROWS),
            partial(storage.stage_tables, {"lease": NEW_LEASES}),
            partial(storage.write, INSTALL),
            partial(storage.write, batch_of([], commit=50, applied=50, term=3)),
        ]
        for number, step in enumerate(steps):
            step()
            disk.wait(disk.storage._sequence)
            disk.wait_staged(disk.storage._staged)
            if number % 10 == 0 or number >= len(steps) - 4:
                copy = tmp_path / str(number)
                shutil.copytree(tmp_path / "data", copy)
                with Disk(copy) as crashed:
                    seen.append(shows_old(crashed))
                    assert crashed.stored.applied_index == (5 if seen[-1] else 50)
    assert seen == sorted(seen, reverse=True)
    assert {True, False} == set(seen)


def staged_rows(disk: Disk) -> int:
    """Rows and table entries in the generation that is not in use."""
    environment = disk.storage._environment
    unused = environment.generations[1 - disk.storage._view.generation.number]
    with environment.lmdb.begin() as txn:
        databases = (unused.rows, *unused.tables.values())
        return sum(txn.stat(database)["entries"] for database in databases)


def test_the_space_of_the_old_state_is_given_back(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        write_old_state(disk)
        disk.wait_staged(stage(disk))
        assert staged_rows(disk) >= len(NEW_ROWS)
        disk.write(INSTALL)
        assert not shows_old(disk)
        disk.wait_staged(disk.storage.stage([]))
        assert staged_rows(disk) == 0


def test_the_space_of_an_unfinished_snapshot_is_given_back_by_the_next_start(
    tmp_path: Path,
) -> None:
    with Disk(tmp_path) as disk:
        write_old_state(disk)
        disk.wait_staged(stage(disk))
    with Disk(tmp_path) as disk:
        assert staged_rows(disk) == 0
        assert shows_old(disk)


def test_entries_that_the_snapshot_contradicts_go(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        write_old_state(disk)
        disk.write(batch_of(entries(10, 60, term=2), commit=5, applied=5, term=2))
        stage(disk)
        disk.write(replace(INSTALL, truncate_from=1))
        assert not disk.failures
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(51, 2, term=3)


def test_entries_that_follow_the_snapshot_stay(tmp_path: Path) -> None:
    """Section 7: a log that has the snapshot's last entry keeps what follows it."""
    with Disk(tmp_path) as disk:
        write_old_state(disk)
        disk.write(batch_of(entries(10, 60, term=3), commit=5, applied=5, term=3))
        stage(disk)
        disk.write(replace(INSTALL, entries=[]))
        disk.write(batch_of(entries(70, 1, term=3), commit=51, applied=50, term=3))
        assert not disk.failures
    with Disk(tmp_path) as disk:
        assert disk.stored.entries == entries(51, 20, term=3)
        assert disk.stored.snapshot_index == 50


@pytest.mark.parametrize("log", ["short", "contradicting", "matching"])
def test_a_crash_between_the_switch_and_the_log_is_mended(tmp_path: Path, log: str) -> None:
    term, kept = (3, 19) if log == "matching" else (2, 0)
    with Disk(tmp_path / "data") as disk:
        write_old_state(disk)
        if log != "short":
            disk.write(batch_of(entries(10, 60, term), commit=5, applied=5, term=term))
        stage(disk)
        with held_back(disk.log):
            switch = disk.storage.write(replace(INSTALL, truncate_from=1))
            disk.wait_stored(switch)
            shutil.copytree(tmp_path / "data", tmp_path / "crashed")
        disk.wait(switch)
    for _ in range(2):
        with Disk(tmp_path / "crashed") as disk:
            assert not shows_old(disk)
            assert disk.stored.hard_state == HardState(3, 2, 50)
            assert disk.stored.applied_index == disk.stored.snapshot_index == 50
            assert disk.stored.entries == entries(51, kept, term)
    with Disk(tmp_path / "crashed") as disk:
        disk.write(batch_of(entries(51 + kept, 2, term=4), commit=50, applied=50, term=4))
    with Disk(tmp_path / "crashed") as disk:
        assert disk.stored.entries == entries(51, kept, term) + entries(51 + kept, 2, term=4)


def test_the_state_learns_that_the_log_knows_of_the_snapshot(tmp_path: Path) -> None:
    """Else damage to what came with it passes for a frame that a crash tore, for ever."""
    with Disk(tmp_path) as disk:
        write_old_state(disk)
        stage(disk)
        disk.write(INSTALL)
    (path,) = files(tmp_path)
    flip(path, frame_starts(path)[-1] + 60)
    with pytest.raises(StorageError, match="ends at frame 1, it had 2 when the state was stored"):
        Disk(tmp_path)


def test_tables_the_schema_does_not_name_are_our_mistake(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk, pytest.raises(AssertionError, match="auth"):
        disk.storage.stage_tables({"auth": []})
