"""Fills one LMDB transaction with everything that waits.

Consecutive writes become one: their entries one `putmulti`, their rows another. Every call of LMDB
gives up the interpreter lock, and beside a busy loop getting it back is what a commit waits for.
"""

from itertools import chain

from raftkv.raft.types import entry_index
from raftkv.storage import schema
from raftkv.storage.cleaning import Cleaner
from raftkv.storage.environment import Environment, Generation, Transaction
from raftkv.storage.jobs import Clear, Install, Job, Stage, StageTables, Write
from raftkv.storage.log import LogTable, put_all
from raftkv.storage.overlay import Changes
from raftkv.storage.schema import LogStart, SystemState
from raftkv.storage.system import read_extent, read_system


class Filler:
    """Turns jobs into puts and deletes, and remembers what they add up to.

    Used by one thread at a time. After a transaction that failed it must not be used again: it
    believes that what it filled was committed.
    """

    def __init__(self, environment: Environment, removals_max: int) -> None:
        self._environment = environment
        self._state, start = read_system(environment)
        self._log = LogTable(environment.log, read_extent(environment, start))
        self.cleaner = Cleaner(self._log, removals_max)
        self.cleaner.cut_log(start.index)

    def fill(self, txn: Transaction, jobs: list[Job]) -> int:
        """Puts what `jobs` say into a transaction, in their order; returns the bytes written."""
        written = 0
        writes: list[Write] = []
        for job in jobs:
            if isinstance(job, Write):
                writes.append(job)
                continue
            written += self._write(txn, writes)
            writes = []
            match job:
                case Install():
                    written += self._install(txn, job)
                case Stage():
                    written += self._stage(txn, job)
                case StageTables():
                    written += self._stage_tables(txn, job)
                case Clear():
                    self._clear(txn)
        written += self._write(txn, writes)
        self.cleaner.remove_some(txn, self._environment.log, self._used.rows)
        return written

    @property
    def _used(self) -> Generation:
        return self._environment.generations[self._state.generation]

    @property
    def _unused(self) -> Generation:
        return self._environment.generations[1 - self._state.generation]

    def _write(self, txn: Transaction, writes: list[Write]) -> int:
        if not writes:
            return 0
        truncate_from, entries = _merged_entries(writes)
        if truncate_from:
            commit = self._state.hard_state.commit
            assert truncate_from > commit, f"truncation from {truncate_from}, commit index {commit}"
            self._log.truncate(txn, truncate_from)
        if entries:
            self._log.append(txn, entries)
        written = sum(map(len, entries))
        changes = [write.changes for write in writes if write.changes is not None]
        if changes:
            written += self._put_rows(txn, changes)
            self._put_tables(txn, changes)
        self._cut_log(txn, writes)
        self._put_state(txn, writes)
        return written

    def _put_rows(self, txn: Transaction, changes: list[Changes]) -> int:
        rows = [row for each in changes for row in each.rows.items()]
        if rows:
            put_all(txn, self._used.rows, rows, len(rows))
        for each in changes:
            if each.deletes:
                self.cleaner.add_rows(each.deletes)
        return sum(len(row) for _, row in rows)

    def _put_tables(self, txn: Transaction, changes: list[Changes]) -> None:
        merged: dict[str, dict[bytes, bytes | None]] = {}
        for each in changes:
            for name, values in each.tables.items():
                merged.setdefault(name, {}).update(values)
        for name, values in merged.items():
            cursor = txn.cursor(self._used.tables[name])
            puts = [(key, value) for key, value in values.items() if value is not None]
            if puts:
                cursor.putmulti(puts)
            for key, value in values.items():
                if value is None and cursor.set_key(key):
                    cursor.delete()

    def _cut_log(self, txn: Transaction, writes: list[Write]) -> None:
        for write in reversed(writes):
            batch = write.batch
            if batch.compact_to:
                start = LogStart(batch.compact_to, batch.compact_term, batch.compact_membership)
                self._put_log_start(txn, start)
                self.cleaner.cut_log(batch.compact_to)
                return

    def _put_state(self, txn: Transaction, writes: list[Write]) -> None:
        state = self._state._replace(hard_state=writes[-1].batch.hard_state)
        for write in reversed(writes):
            if write.changes is not None:
                batch = write.batch
                state = state._replace(
                    applied_index=batch.applied_index, applied_term=batch.applied_term
                )
                break
        self._save(txn, state)

    def _save(self, txn: Transaction, state: SystemState) -> None:
        if state != self._state:
            self._state = state
            txn.put(schema.STATE_KEY, schema.encode_state(state), db=self._environment.system)

    def _put_log_start(self, txn: Transaction, start: LogStart) -> None:
        assert start.membership is not None, f"a log cut at {start.index} without a membership"
        txn.put(schema.LOG_START_KEY, schema.encode_log_start(start), db=self._environment.system)

    def _install(self, txn: Transaction, job: Install) -> int:
        batch = job.batch
        index, term = batch.compact_to, batch.compact_term
        self.cleaner.forget()
        self._log.restart(txn, index)
        self._put_log_start(txn, LogStart(index, term, batch.compact_membership))
        if batch.entries:
            self._log.append(txn, batch.entries)
        generation = self._unused.number
        self._save(txn, SystemState(batch.hard_state, index, term, generation))
        return sum(map(len, batch.entries))

    def _stage(self, txn: Transaction, job: Stage) -> int:
        if job.rows:
            put_all(txn, self._unused.rows, job.rows, len(job.rows))
        return sum(len(row) for _, row in job.rows)

    def _stage_tables(self, txn: Transaction, job: StageTables) -> int:
        for name, database in self._unused.tables.items():
            txn.drop(database, delete=False)
            rows = job.tables.get(name)
            if rows:
                put_all(txn, database, rows, len(rows))
        return sum(len(value) for _, value in chain.from_iterable(job.tables.values()))

    def _clear(self, txn: Transaction) -> None:
        unused = self._unused
        for database in (unused.rows, *unused.tables.values()):
            if txn.stat(database)["entries"]:
                txn.drop(database, delete=False)


def _merged_entries(writes: list[Write]) -> tuple[int, list[bytes]]:
    """From where on the stored log goes, or 0, and what follows it: of all the writes together."""
    truncate_from, entries = writes[0].batch.truncate_from, writes[0].batch.entries
    if len(writes) == 1:
        return truncate_from, entries
    entries = list(entries)
    for write in writes[1:]:
        batch = write.batch
        if batch.truncate_from:
            first = entry_index(entries[0]) if entries else batch.truncate_from
            if batch.truncate_from <= first:
                truncate_from = batch.truncate_from  # never beyond the end of what is merged so far
            del entries[max(batch.truncate_from - first, 0) :]
        entries += batch.entries
    return truncate_from, entries
