"""Fills one LMDB transaction with everything that waits for the state's writer.

Consecutive saves become one: their rows one `putmulti`. Every call of LMDB gives up the interpreter
lock, and beside a busy loop getting it back is what a commit waits for.
"""

from itertools import chain

from raftkv.storage import schema
from raftkv.storage.cleaning import Cleaner
from raftkv.storage.environment import Database, Environment, Generation, Transaction
from raftkv.storage.jobs import Clear, Install, Save, Stage, StageTables, StateJob
from raftkv.storage.overlay import Changes, Row
from raftkv.storage.schema import LogStart, SystemState
from raftkv.storage.system import read_system


class Filler:
    """Turns jobs into puts and deletes, and remembers what they add up to.

    Used by one thread at a time. After a transaction that failed it must not be used again: it
    believes that what it filled was committed.
    """

    def __init__(self, environment: Environment, removals_max: int) -> None:
        self._environment = environment
        self.state, self.log_start = read_system(environment)
        self.unneeded = (0, 0)
        """The log's files need no entries up to this index, and no frames before this one.

        As of the last save: a switch to a snapshot is not enough. Until the log knows of it too,
        only the snapshot's last entry in the log tells whether those behind it contradict it.
        """
        self.cleaner = Cleaner(removals_max)

    def fill(self, txn: Transaction, jobs: list[StateJob]) -> int:
        """Puts what `jobs` say into a transaction, in their order; returns the bytes written."""
        written = 0
        saves: list[Save] = []
        for job in jobs:
            if isinstance(job, Save):
                saves.append(job)
                continue
            written += self._save(txn, saves)
            saves = []
            match job:
                case Install():
                    self._install(txn, job)
                case Stage():
                    written += self._stage(txn, job)
                case StageTables():
                    written += self._stage_tables(txn, job)
                case Clear():
                    self._clear(txn)
        written += self._save(txn, saves)
        self.cleaner.remove_some(txn, self._used.rows)
        return written

    @property
    def _used(self) -> Generation:
        return self._environment.generations[self.state.generation]

    @property
    def _unused(self) -> Generation:
        return self._environment.generations[1 - self.state.generation]

    def _save(self, txn: Transaction, saves: list[Save]) -> int:
        if not saves:
            return 0
        changes = [save.changes for save in saves]
        written = self._put_rows(txn, changes)
        self._put_tables(txn, changes)
        self._cut_log(txn, saves)
        last = saves[-1]
        batch = last.batch
        self._put_state(
            txn,
            SystemState(
                batch.hard_state,
                batch.applied_index,
                batch.applied_term,
                self.state.generation,
                last.log_frame,
            ),
        )
        self.unneeded = (self.log_start.index, last.log_frame)
        return written

    def _put_rows(self, txn: Transaction, changes: list[Changes]) -> int:
        rows = [row for each in changes for row in each.rows.items()]
        if rows:
            _put_all(txn, self._used.rows, rows)
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

    def _cut_log(self, txn: Transaction, saves: list[Save]) -> None:
        for save in reversed(saves):
            batch = save.batch
            if batch.compact_to:
                start = LogStart(batch.compact_to, batch.compact_term, batch.compact_membership)
                self._put_log_start(txn, start)
                return

    def _put_state(self, txn: Transaction, state: SystemState) -> None:
        if state != self.state:
            self.state = state
            txn.put(schema.STATE_KEY, schema.encode_state(state), db=self._environment.system)

    def _put_log_start(self, txn: Transaction, start: LogStart) -> None:
        assert start.membership is not None, f"a log cut at {start.index} without a membership"
        self.log_start = start
        txn.put(schema.LOG_START_KEY, schema.encode_log_start(start), db=self._environment.system)

    def _install(self, txn: Transaction, job: Install) -> None:
        batch = job.batch
        index, term = batch.compact_to, batch.compact_term
        self.cleaner.forget()
        self._put_log_start(txn, LogStart(index, term, batch.compact_membership))
        generation = self._unused.number
        # The log has yet to learn of what follows the snapshot: until it does, nothing does.
        hard_state = batch.hard_state._replace(commit=index)
        self._put_state(txn, SystemState(hard_state, index, term, generation, job.log_frame))

    def _stage(self, txn: Transaction, job: Stage) -> int:
        if job.rows:
            _put_all(txn, self._unused.rows, job.rows)
        return sum(len(row) for _, row in job.rows)

    def _stage_tables(self, txn: Transaction, job: StageTables) -> int:
        for name, database in self._unused.tables.items():
            txn.drop(database, delete=False)
            rows = job.tables.get(name)
            if rows:
                _put_all(txn, database, rows)
        return sum(len(value) for _, value in chain.from_iterable(job.tables.values()))

    def _clear(self, txn: Transaction) -> None:
        unused = self._unused
        for database in (unused.rows, *unused.tables.values()):
            if txn.stat(database)["entries"]:
                txn.drop(database, delete=False)


def _put_all(txn: Transaction, database: Database, rows: list[Row]) -> None:
    """Adds rows behind the last one there, and makes sure that LMDB took them all."""
    count = len(rows)
    consumed, added = txn.cursor(database).putmulti(rows, append=True)
    assert consumed == added == count, f"{added} of {count} rows were past the end"
