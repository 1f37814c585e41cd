"""A disk that forgets what was not synced: the storage port, in memory.

What is written takes a while to become durable: the log in order, all that was written together
whole or not at all, as one frame is; the state later than the log, at a moment of its own, as one
LMDB transaction. A crash leaves exactly the durable part.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.faults import Faults
from jepsen_tests.sim.world import World
from raftkv.raft.stored import StoredLog, WriteBatch
from raftkv.raft.types import HardState, Membership, entry_index, entry_term

SAVE_US_MAX = 200_000
"""How far the stored state may be behind the log."""
TableKey = tuple[str, bytes]
Key = TypeVar("Key")


@dataclass(slots=True)
class Image:
    """What lies on a disk."""

    hard_state: HardState = field(default_factory=HardState)
    snapshot_index: int = 0
    snapshot_term: int = 0
    membership: Membership | None = None
    log_base: int = 0
    """The index before the first of `entries`; not `snapshot_index` while the log lags behind."""
    entries: list[bytes] = field(default_factory=list)
    applied_index: int = 0
    applied_term: int = 0
    rows: dict[bytes, bytes] = field(default_factory=dict)
    tables: dict[TableKey, bytes] = field(default_factory=dict)
    installs: int = 0
    """How many snapshots became the state."""
    staged_rows: dict[bytes, bytes] = field(default_factory=dict)
    staged_tables: dict[TableKey, bytes] = field(default_factory=dict)

    @property
    def last_index(self) -> int:
        """The index of the last stored entry."""
        return self.log_base + len(self.entries)

    def truncate(self, index: int) -> None:
        """Drops entries from `index` on."""
        del self.entries[max(index - self.log_base - 1, 0) :]

    def start_after(self, batch: WriteBatch) -> None:
        """Cuts the log's beginning off, of which the stored state has everything."""
        self.switch_to(batch)
        self.reconcile()

    def switch_to(self, batch: WriteBatch) -> None:
        """Notes a new beginning of the log, which the log itself does not know of yet."""
        self.snapshot_index, self.snapshot_term = batch.compact_to, batch.compact_term
        self.membership = batch.compact_membership

    def reconcile(self) -> None:
        """Makes the log start where it should; what follows the snapshot stays (section 7)."""
        covered = self.snapshot_index - self.log_base
        if covered > len(self.entries) or (
            covered and entry_term(self.entries[covered - 1]) != self.snapshot_term
        ):
            self.entries = []
        else:
            self.entries = self.entries[covered:]
        self.log_base = self.snapshot_index


@dataclass(slots=True)
class _Write:
    """A batch on its way, with the state changes that were made before it."""

    sequence: int
    batch: WriteBatch
    rows: Mapping[bytes, bytes | None]
    tables: dict[TableKey, bytes | None]


class SimRows:
    """The rows port: a dictionary with its keys in order."""

    def __init__(self) -> None:
        self.data: dict[bytes, bytes] = {}
        self.keys: list[bytes] = []
        self.dirty: dict[bytes, bytes | None] = {}

    def replace(self, data: dict[bytes, bytes]) -> None:
        """Starts over with other rows."""
        self.data = dict(data)
        self.keys = sorted(data)
        self.dirty = {}

    def get(self, key: bytes) -> bytes | None:
        """The row, or None."""
        return self.data.get(key)

    def get_many(self, keys: list[bytes]) -> list[bytes]:
        """The rows of `keys`."""
        return [self.data[key] for key in keys]

    def put(self, key: bytes, row: bytes) -> None:
        """Adds a row after all others."""
        if self.keys and key <= self.keys[-1]:
            raise BrokenPromiseError(f"row {key!r} after {self.keys[-1]!r}")
        self.data[key] = row
        self.keys.append(key)
        self.dirty[key] = row

    def delete(self, keys: list[bytes]) -> None:
        """Removes rows."""
        gone = set(keys)
        for key in keys:
            del self.data[key]
            self.dirty[key] = None
        self.keys = [key for key in self.keys if key not in gone]

    def scan(self, start: bytes, stop: bytes, rows_max: int) -> list[tuple[bytes, bytes]]:
        """Rows in order."""
        at = bisect_left(self.keys, start)
        found = self.keys[at : at + rows_max]
        return [(key, self.data[key]) for key in found if key < stop]


class SimTables:
    """The tables port."""

    def __init__(self) -> None:
        self.data: dict[TableKey, bytes] = {}
        self.dirty: dict[TableKey, bytes | None] = {}

    def get(self, table: str, key: bytes) -> bytes | None:
        """The value, or None."""
        return self.data.get((table, key))

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """Sets a value."""
        self.data[table, key] = value
        self.dirty[table, key] = value

    def delete(self, table: str, key: bytes) -> None:
        """Removes a key if it is there."""
        if self.data.pop((table, key), None) is not None:
            self.dirty[table, key] = None

    def items(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Every pair of a table, in order."""
        return iter(sorted((k, v) for (name, k), v in self.data.items() if name == table))


class SimStorage:
    """The storage port of one member; made anew at every start, on the image that is left."""

    def __init__(self, world: World, faults: Faults, image: Image) -> None:
        self._world = world
        self._faults = faults
        self.image = image
        self.rows = SimRows()
        self.rows.replace(image.rows)
        self.tables = SimTables()
        self.tables.data = dict(image.tables)
        self.on_durable: Callable[[int], None] = lambda _: None
        self.on_staged: Callable[[int], None] = lambda _: None
        self._sequence = 0
        self.durable = 0
        self._queue: deque[_Write] = deque()
        self._writing: list[_Write] = []
        """What the log is waiting for."""
        self._unsaved: list[_Write] = []
        """What the log has and the state has not."""
        self._staging: deque[dict[bytes, bytes | None]] = deque()
        """Chunks of a snapshot that are not on the disk yet."""
        self._staged = 0
        self._installing = False
        self._lost = False

    def load(self) -> StoredLog:
        """What a member finds when it starts."""
        image = self.image
        image.reconcile()
        return StoredLog(
            image.hard_state,
            image.snapshot_index,
            image.snapshot_term,
            image.membership,
            list(image.entries),
            image.applied_index,
            image.applied_term,
        )

    @property
    def stored_applied_index(self) -> int:
        """What the stored rows contain."""
        return self.image.applied_index

    def crash(self) -> None:
        """Power is gone: what is not durable never will be.

        What was just being written is there as a whole or not at all; nobody was told of it. A
        snapshot's switch may be there although the log does not know of it.
        """
        chance = self._world.random
        if chance.random() < 0.5:
            for write in self._writing:
                if write.batch.install_staged:
                    self._switch(write)
                    if chance.random() < 0.5:
                        break
                self._store_log(write.batch)
        if chance.random() < 0.5:
            self._save()
        self._lost = True

    def be_calm(self) -> None:
        """From now on writes take their time but no more."""
        self._faults = Faults()

    def write(self, batch: WriteBatch) -> int:
        """Queues a write."""
        self._sequence += 1
        rows, self.rows.dirty = self.rows.dirty, {}
        tables, self.tables.dirty = self.tables.dirty, {}
        if self._installing:  # what is put belongs to the state that goes
            rows, tables = {}, {}
        self._installing = self._installing or batch.install_staged
        write = _Write(self._sequence, batch, rows, tables)
        if self._is_quick(batch):
            self._store(write)
            self.durable = self._sequence
            return self._sequence
        self._queue.append(write)
        self._begin()
        return self._sequence

    def _is_quick(self, batch: WriteBatch) -> bool:
        """Whether the write is durable at once, as small ones are when the disk has time."""
        return (
            not (self._writing or self._queue or batch.install_staged or self._lost)
            and self._world.random.random() < self._faults.write_at_once
        )

    def stage_reset(self) -> None:
        """Throws away what is staged, and what is about to be."""
        self.image.staged_rows = {}
        self.image.staged_tables = {}
        for chunk in self._staging:
            chunk.clear()

    def stage(self, rows: list[tuple[bytes, bytes]]) -> int:
        """Adds rows to the staging area."""
        self._staging.append(dict(rows))
        self._world.after(self._delay_us(), self._stage_one)
        return self._staged + len(self._staging)

    def stage_tables(self, tables: dict[str, list[tuple[bytes, bytes]]]) -> None:
        """Sets the staged small tables."""
        self.image.staged_tables = {
            (name, key): value for name, pairs in tables.items() for key, value in pairs
        }

    def _stage_one(self) -> None:
        if self._lost or not self._staging:
            return
        _merge(self.image.staged_rows, self._staging.popleft())
        self._staged += 1
        self.on_staged(self._staged)

    def _delay_us(self) -> int:
        faults, chance = self._faults, self._world.random
        delay = chance.randint(faults.write_us_min, faults.write_us_max)
        return delay * 100 if chance.random() < faults.write_spike else delay

    def _begin(self) -> None:
        if self._writing or not self._queue:
            return
        self._writing = list(self._queue)
        self._queue.clear()
        self._world.after(self._delay_us(), self._finish)

    def _finish(self) -> None:
        if self._lost:
            return
        written, self._writing = self._writing, []
        for write in written:
            self._store(write)
        self.durable = written[-1].sequence
        self.on_durable(self.durable)
        self._begin()

    def _store(self, write: _Write) -> None:
        """The log has it; the state will."""
        if write.batch.install_staged:
            self._switch(write)
            self.rows.replace(self.image.rows)
            self.tables.data = dict(self.image.tables)
            self.tables.dirty = {}
            self._installing = False
        self._store_log(write.batch)
        if write.batch.install_staged:
            return
        if not self._unsaved:
            delay = self._world.random.randint(0, SAVE_US_MAX)
            self._world.after(delay, lambda: None if self._lost else self._save())
        self._unsaved.append(write)

    def _save(self) -> None:
        """Stores, at once, what was put with the writes that the log has."""
        image = self.image
        for write in self._unsaved:
            batch = write.batch
            _merge(image.rows, write.rows)
            _merge(image.tables, write.tables)
            image.applied_index, image.applied_term = batch.applied_index, batch.applied_term
            if batch.compact_to > image.snapshot_index:
                image.start_after(batch)
        self._unsaved = []

    def _switch(self, write: _Write) -> None:
        """The staged snapshot becomes the state."""
        while self._staging:
            self._stage_one()
        image, batch = self.image, write.batch
        self._unsaved = []
        image.installs += 1
        image.rows, image.staged_rows = image.staged_rows, {}
        image.tables, image.staged_tables = image.staged_tables, {}
        image.applied_index, image.applied_term = batch.compact_to, batch.compact_term
        image.hard_state = batch.hard_state._replace(commit=batch.compact_to)
        image.switch_to(batch)

    def _store_log(self, batch: WriteBatch) -> None:
        image = self.image
        image.hard_state = batch.hard_state
        if batch.truncate_from:
            image.truncate(batch.truncate_from)
        if batch.install_staged:
            image.reconcile()
        if batch.entries:
            first = entry_index(batch.entries[0])
            if first != image.last_index + 1:
                raise BrokenPromiseError(f"the log ends at {image.last_index}, {first} is appended")
            image.entries += batch.entries


def _merge(target: dict[Key, bytes], changes: Mapping[Key, bytes | None]) -> None:
    for key, value in changes.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = value
