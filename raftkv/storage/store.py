"""The disk as the loop sees it: the storage port (`node/ports.py`), on a log in files and on LMDB.

Everything here runs on the loop's thread. A write gets its number here. Its entries go to the log,
and when they are durable, so is the write. What was put with it goes to the state's writer only
then, so that the stored state is never ahead of the log, and stays readable in the overlay until it
is stored.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from raftkv.config import StorageConfig
from raftkv.raft.stored import StoredLog, WriteBatch
from raftkv.storage import schema, startup
from raftkv.storage.environment import open_environment
from raftkv.storage.errors import DATA_FILE
from raftkv.storage.hooks import StorageHooks
from raftkv.storage.jobs import Append, Clear, Install, Save, Stage, StageTables
from raftkv.storage.log_writer import LogPlace, LogWriter
from raftkv.storage.overlay import Changes, Row
from raftkv.storage.reader import StoredRows, StoredTables, View
from raftkv.storage.schema import Identity
from raftkv.storage.state_writer import StateWriter
from raftkv.storage.statistics import Size, WriteStatistics
from raftkv.storage.system import read_system


class DiskStorage:
    """One open directory: looked at, made a member's if it is new, loaded once, then written to.

    Args:
        path: The directory; made if it is not there.
        config: Sizes and limits.
        hooks: How the loop is reached.

    Raises:
        StorageError: The directory is in use, damaged, or was written by another version.
    """

    def __init__(self, path: Path, config: StorageConfig, hooks: StorageHooks) -> None:
        self._config = config
        self._hooks = replace(hooks, on_failed=self._fail)
        self._on_failed = hooks.on_failed
        self._has_failed = False
        self._environment = environment = open_environment(path, config)
        try:
            startup.clear_unused(environment)
            state, _ = read_system(environment)
        except BaseException:
            environment.close()
            raise
        self._view = View(environment, environment.generations[state.generation])
        self.rows = StoredRows(self._view)
        self.tables = StoredTables(self._view)
        self.durable = 0
        """The newest write that is known to be durable."""
        self.stored_applied_index = state.applied_index
        """What the stored rows and tables contain for certain."""
        self._writers: tuple[LogWriter, StateWriter] | None = None
        self._sequence = 0
        self._staged = self._staged_durable = 0
        """Chunks of snapshots that the state's writer was handed, and has stored."""
        self._removed = 0
        self._entered = (0, 0)
        """Term and vote of the newest write."""
        self._held: deque[Append] = deque()
        """Writes that the log must not have yet: a snapshot's switch, or the state, is behind."""
        self._unsaved: deque[Save] = deque()
        """Of writes that are not durable yet."""
        self._saving: deque[tuple[int, int]] = deque()
        """(write, bytes) of what the state's writer has."""
        self._saving_bytes = 0
        self._installing = 0
        """The write that switches to the staged snapshot, until it is durable."""
        self._snapshot = (0, 0)
        """Index and term of that snapshot."""

    @property
    def identity(self) -> Identity | None:
        """Whose data this is; None for a directory that no member has used yet."""
        return startup.read_identity(self._environment)

    def bootstrap(self, identity: Identity, batch: WriteBatch | None) -> None:
        """Makes an unused directory a member's, with its first write if it has one, durably.

        Raises:
            StorageError: It cannot be written.
        """
        assert self._writers is None, "bootstrap after load"
        startup.write_first(self._environment, self._config, identity, batch)

    def amend_log(self, amendment: Callable[[StoredLog], WriteBatch | None]) -> None:
        """Appends what `amendment` makes of the stored log, if anything, durably.

        Raises:
            StorageError: What is there is damaged, or it cannot be written.
        """
        assert self._writers is None, "amended after load"
        startup.amend_log(self._environment, self._config, amendment)

    def load(self) -> StoredLog:
        """What the member starts from; writing begins afterwards.

        Raises:
            StorageError: What is there is damaged.
        """
        assert self._writers is None, "loaded twice"
        environment, config, hooks = self._environment, self._config, self._hooks
        stored, files = startup.load(environment, config)
        hard = stored.hard_state
        self._entered = (hard.term, hard.vote)
        end = LogPlace(stored.snapshot_index + len(stored.entries), hard.commit)
        self._writers = (
            LogWriter(files, config, hooks, end, self._appended),
            StateWriter(environment, files, config, hooks, self._stored),
        )
        return stored

    # -- the port

    def write(self, batch: WriteBatch) -> int:
        """Queues a write and returns its sequence number; see the port."""
        self._sequence = sequence = self._sequence + 1
        log, state = self._loaded
        if batch.install_staged:
            assert not self._installing, f"write {sequence} installs while {self._installing} does"
            self._installing = sequence
            self._snapshot = (batch.compact_to, batch.compact_term)
            self._unsaved.clear()  # that state goes
        self._unsaved.append(self._save(sequence, batch))
        if batch.install_staged:
            self._held.append(Append(sequence, batch))
            state.submit(Install(sequence, batch, log.durable[1]))
            return sequence
        if self._held or self._saving_bytes > self._config.save_bytes_waiting_max:
            self._held.append(Append(sequence, batch))
        elif self._append(Append(sequence, batch)):
            self._settle()
        return sequence

    def stage_reset(self) -> None:
        """Throws away what is staged of a snapshot."""
        assert not self._installing, f"staging while write {self._installing} installs"
        self._loaded[1].submit(Clear())

    def stage(self, rows: list[Row]) -> int:
        """Adds a chunk of rows to the staging area and returns its number."""
        self._staged += 1
        self._loaded[1].submit(Stage(self._staged, rows))
        return self._staged

    def stage_tables(self, tables: dict[str, list[Row]]) -> None:
        """Sets the staged small tables."""
        unknown = tables.keys() - set(schema.TABLES)
        assert not unknown, f"tables that the schema does not name: {sorted(unknown)}"
        self._loaded[1].submit(StageTables(tables))

    def close(self) -> None:
        """Makes durable and stores what was written, then lets another process have the directory.

        A switch to a snapshot that is under way may or may not be carried out, and what came after
        it is not written. Nothing is announced any more.
        """
        if self._writers is not None:
            log, state = self._writers
            if not self._installing:
                for append in self._held:  # by a state that lags behind, which is waited for now
                    self._append(append)
            log.close()
            self._settle()
            state.close()
        self._environment.close()

    # -- what is told of it

    @property
    def log_statistics(self) -> WriteStatistics:
        """Appends to the log since the start."""
        return self._loaded[0].statistics

    @property
    def state_statistics(self) -> WriteStatistics:
        """Commits of the state since the start."""
        return self._loaded[1].statistics

    def size(self) -> Size:
        """The state's data file, in bytes; costs some ten microseconds."""
        environment = self._environment
        databases = [environment.system]
        for generation in environment.generations:
            databases += [generation.rows, *generation.tables.values()]
        used = 0
        with environment.lmdb.begin() as txn:
            for stat in map(txn.stat, databases):
                pages = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
                used += pages * stat["psize"]
        return Size((environment.path / DATA_FILE).stat().st_size, used)

    # -- what becomes durable, and what becomes stored

    @property
    def _loaded(self) -> tuple[LogWriter, StateWriter]:
        assert self._writers is not None, "a write before load"
        return self._writers

    def _save(self, sequence: int, batch: WriteBatch) -> Save:
        """What the state learns when a write is durable: of a switch, that the log knows of it."""
        if not self._installing:
            return Save(sequence, batch, self._view.overlay.seal(sequence))
        index, term = self._snapshot
        return Save(sequence, replace(batch, applied_index=index, applied_term=term), Changes())

    def _append(self, append: Append) -> bool:
        """Hands a write to the log; returns whether it is durable already."""
        log, batch = self._loaded[0], append.batch
        term, vote, _ = batch.hard_state
        asks_nothing = (
            not (batch.entries or batch.truncate_from or batch.install_staged)
            and (term, vote) == self._entered
            and log.is_idle
        )
        if asks_nothing:
            log.skip(append.sequence)
            return True
        self._entered = (term, vote)
        return log.submit(append)

    def _appended(self) -> None:
        """The log's thread has made something durable."""
        known = self.durable
        self._settle()
        if self.durable > known:
            self._hooks.on_durable(self.durable)

    def _settle(self) -> None:
        """Takes note of what is durable, and lets the state have what goes with it."""
        log, state = self._loaded
        self.durable, frame = log.durable
        unsaved = self._unsaved
        while unsaved and unsaved[0].sequence <= self.durable:
            save = unsaved.popleft()
            save.log_frame = frame
            size = _byte_size(save.changes)
            self._saving.append((save.sequence, size))
            self._saving_bytes += size
            state.submit(save)
        if self._saving_bytes > self._config.save_bytes_waiting:
            state.hurry()
        if 0 < self._installing <= self.durable:
            self._switch()

    def _stored(self) -> None:
        """The state's thread has committed something."""
        stored = self._loaded[1].stored
        while self._saving and self._saving[0][0] <= stored.sequence:
            self._saving_bytes -= self._saving.popleft()[1]
        has_switched = 0 < self._installing <= stored.installed
        if not has_switched:  # else what is read is the old state, as it was, until the log knows
            self._view.overlay.release(stored.sequence, stored.rows_removed - self._removed)
        self._removed = stored.rows_removed
        self.stored_applied_index = stored.applied_index
        if stored.staged > self._staged_durable:
            self._staged_durable = stored.staged
            self._hooks.on_staged(stored.staged)
        is_waiting = self._installing and not has_switched
        if not is_waiting and self._saving_bytes <= self._config.save_bytes_waiting_max:
            self._release_held()

    def _switch(self) -> None:
        """The snapshot is the state from now on."""
        self._installing = 0
        old = self._view.generation.number
        self._view.switch(self._environment.generations[1 - old])
        self.stage_reset()

    def _release_held(self) -> None:
        """Lets the log have what it had to wait for."""
        held, self._held = self._held, deque()
        durable = [self._append(append) for append in held]
        if any(durable):
            self._appended()

    def _fail(self, reason: str) -> None:
        """Says, once, that nothing is written any more."""
        if not self._has_failed:
            self._has_failed = True
            self._on_failed(reason)


def _byte_size(changes: Changes) -> int:
    size = sum(map(len, changes.rows.values()))
    for values in changes.tables.values():
        size += sum(len(value) for value in values.values() if value is not None)
    return size
