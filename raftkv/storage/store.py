"""The disk as the loop sees it: the storage port (`node/ports.py`) on LMDB.

Everything here runs on the loop's thread. Writes get their numbers here and go to the writer; what
they carry stays readable in the overlay until the writer says that it is durable.
"""

from pathlib import Path

from raftkv.config import StorageConfig
from raftkv.raft.stored import StoredLog, WriteBatch
from raftkv.storage import schema, startup
from raftkv.storage.environment import DATA_FILE, StorageError, open_environment
from raftkv.storage.hooks import StorageHooks
from raftkv.storage.jobs import Clear, Install, Stage, StageTables, Write
from raftkv.storage.overlay import Row
from raftkv.storage.reader import StoredRows, StoredTables, View
from raftkv.storage.schema import Identity
from raftkv.storage.statistics import CommitStatistics, Size
from raftkv.storage.system import read_system
from raftkv.storage.writer import Writer


class LmdbStorage:
    """One open directory: looked at, made a member's if it is new, loaded once, then written to.

    Args:
        path: The directory; made if it is not there.
        config: Sizes and limits.
        hooks: How the loop is reached.

    Raises:
        StorageError: The directory is in use, damaged, or was written by a newer program.
    """

    def __init__(
        self,
        path: Path,
        config: StorageConfig,
        hooks: StorageHooks,
    ) -> None:
        self._config = config
        self._hooks = hooks
        self._environment = environment = open_environment(path, config)
        try:
            startup.clear_unused(environment)
            state, _ = read_system(environment)
        except BaseException:
            environment.close()
            raise
        self._view = View(environment, environment.generations[state.generation])
        self._writer: Writer | None = None
        self._sequence = 0
        self.durable = 0
        """The newest write that is known to be durable."""
        self._removed = 0
        self._installing = 0
        """The write that switches to the staged snapshot, while it is under way."""
        self.rows = StoredRows(self._view)
        self.tables = StoredTables(self._view)

    @property
    def identity(self) -> Identity | None:
        """Whose data this is; None for a directory that no member has used yet."""
        return startup.read_identity(self._environment)

    def check_identity(self, identity: Identity) -> None:
        """Raises StorageError if the directory belongs to another member or cluster."""
        found = self.identity
        if found is not None and found != identity:
            raise StorageError(
                f"{self._environment.path} belongs to member {found.member:x} of cluster "
                f"{found.cluster:x}, not to member {identity.member:x} of {identity.cluster:x}"
            )

    def bootstrap(self, identity: Identity, batch: WriteBatch | None) -> None:
        """Makes an unused directory a member's, with its first write if it has one, durably.

        Raises:
            StorageError: It cannot be written.
        """
        assert self._writer is None, "bootstrap after load"
        startup.write_first(self._environment, identity, batch)

    def load(self) -> StoredLog:
        """What the member starts from; writing begins afterwards.

        Raises:
            StorageError: The log is damaged.
        """
        assert self._writer is None, "loaded twice"
        stored = startup.read_log(self._environment)
        self._writer = Writer(self._environment, self._config, self._hooks, self._committed)
        return stored

    def write(self, batch: WriteBatch) -> int:
        """Queues a write and returns its sequence number; see the port."""
        self._sequence = sequence = self._sequence + 1
        if batch.install_staged:
            assert not self._installing, f"write {sequence} installs while {self._installing} does"
            self._installing = sequence
            self._loaded.submit(Install(sequence, batch))
        else:
            changes = None if self._installing else self._view.overlay.seal(sequence)
            if self._loaded.submit(Write(sequence, batch, changes)):
                self._settle()
        return sequence

    def stage_reset(self) -> None:
        """Throws away what is staged of a snapshot."""
        assert not self._installing, f"staging while write {self._installing} installs"
        self._sequence += 1
        self._loaded.submit(Clear(self._sequence))

    def stage(self, rows: list[Row]) -> int:
        """Adds a chunk of rows to the staging area and returns its sequence number."""
        self._sequence += 1
        self._loaded.submit(Stage(self._sequence, rows))
        return self._sequence

    def stage_tables(self, tables: dict[str, list[Row]]) -> None:
        """Sets the staged small tables."""
        unknown = tables.keys() - set(schema.TABLES)
        assert not unknown, f"tables that the schema does not name: {sorted(unknown)}"
        self._sequence += 1
        self._loaded.submit(StageTables(self._sequence, tables))

    def close(self) -> None:
        """Makes durable what was written, then lets another process have the directory.

        What became durable is still announced through `schedule`.
        """
        if self._writer is not None:
            self._writer.close()
        self._environment.close()

    @property
    def statistics(self) -> CommitStatistics:
        """Commits since the start."""
        return self._loaded.statistics

    def size(self) -> Size:
        """The data file's size; costs some ten microseconds."""
        environment = self._environment
        databases = [environment.system, environment.log]
        for generation in environment.generations:
            databases += [generation.rows, *generation.tables.values()]
        used = 0
        with environment.lmdb.begin() as txn:
            for stat in map(txn.stat, databases):
                pages = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
                used += pages * stat["psize"]
        return Size((environment.path / DATA_FILE).stat().st_size, used)

    @property
    def _loaded(self) -> Writer:
        assert self._writer is not None, "a write before load"
        return self._writer

    def _committed(self) -> None:
        """The writer finished a commit, or several, on its thread."""
        known = self.durable
        self._settle()
        if self.durable > known:
            self._hooks.on_durable(self.durable)

    def _settle(self) -> None:
        """Lets go of what is on the disk now."""
        sequence, removed = self._loaded.committed
        if 0 < self._installing <= sequence:
            self._installing = 0
            old = self._view.generation.number
            self._view.switch(self._environment.generations[1 - old])
            self.stage_reset()
        else:
            self._view.overlay.release(sequence, removed - self._removed)
        self._removed = removed
        self.durable = max(self.durable, sequence)
