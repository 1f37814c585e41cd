"""What the verbs work on: the parts of the replicated state, and who is told of changes."""

from collections.abc import Callable
from typing import TypeAlias

from raftkv.cluster.alarms import Alarms
from raftkv.cluster.members import Members
from raftkv.config import LimitsConfig
from raftkv.lease.lessor import Lessor
from raftkv.mvcc.ports import Rows, Tables
from raftkv.mvcc.store import Change, Store, WriteTransaction

OnChanges: TypeAlias = Callable[[int, list[Change]], None]
"""Called with (revision, its changes in order) once they are made."""


class Parts:
    """The state that commands change."""

    def __init__(
        self, rows: Rows, tables: Tables, limits: LimitsConfig, ticks_per_second: float
    ) -> None:
        self.limits = limits
        self.store = Store(rows)
        self.lessor = Lessor(tables, ticks_per_second)
        self.members = Members(tables)
        self.alarms = Alarms(tables)
        self.on_changes: OnChanges | None = None
        """Who is told of changes; while it is None they are not even collected."""

    def begin(self) -> WriteTransaction:
        """Opens a write transaction."""
        return WriteTransaction(self.store, record_changes=self.on_changes is not None)

    def end(self, transaction: WriteTransaction) -> int:
        """Closes a write transaction, tells of its changes and returns the store's revision."""
        revision = transaction.end()
        changes = transaction.changes
        if changes and self.on_changes is not None:
            self.on_changes(revision, changes)
        return revision
