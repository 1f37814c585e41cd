"""The replicated state machine: the same commands in the same order make the same state.

It knows no disk, no clock and no other member. What it needs to be rebuilt lies in the rows and in
the small tables; the rest is derived from them.
"""

import struct
from collections.abc import Callable, Iterable, Iterator

from raftkv.apply.alarm import apply_alarm
from raftkv.apply.compact import apply_compact
from raftkv.apply.delete_range import apply_delete_range
from raftkv.apply.lease import apply_lease_grant, apply_lease_revoke
from raftkv.apply.member import (
    apply_member_add,
    apply_member_keep_only,
    apply_member_promote,
    apply_member_publish,
    apply_member_remove,
    apply_member_update,
)
from raftkv.apply.parts import Parts
from raftkv.apply.put import apply_put
from raftkv.apply.txn import apply_txn
from raftkv.cluster.members import Member
from raftkv.command.types import CommandKind, Failure, Result
from raftkv.config import LimitsConfig
from raftkv.mvcc import compaction, loading
from raftkv.mvcc.ports import Rows, Tables
from raftkv.mvcc.revision import NOT_COMPACTED

TABLES = ("lease", "member", "removed", "alarm", "meta")
"""The small tables that make up the state beside the rows."""

_META_TABLE = "meta"
_META_KEY = b"store"
_META = struct.Struct(">qI")
"""Compact revision, rolling hash."""

_VERBS: dict[int, Callable[[Parts, bytes], Result]] = {
    CommandKind.PUT: apply_put,
    CommandKind.DELETE_RANGE: apply_delete_range,
    CommandKind.TXN: apply_txn,
    CommandKind.COMPACT: apply_compact,
    CommandKind.LEASE_GRANT: apply_lease_grant,
    CommandKind.LEASE_REVOKE: apply_lease_revoke,
    CommandKind.ALARM: apply_alarm,
    CommandKind.MEMBER_ADD: apply_member_add,
    CommandKind.MEMBER_REMOVE: apply_member_remove,
    CommandKind.MEMBER_PROMOTE: apply_member_promote,
    CommandKind.MEMBER_UPDATE: apply_member_update,
    CommandKind.MEMBER_PUBLISH: apply_member_publish,
    CommandKind.MEMBER_KEEP_ONLY: apply_member_keep_only,
}
_CHANGES_ROWS_ONLY = frozenset((CommandKind.PUT, CommandKind.DELETE_RANGE, CommandKind.TXN))
_REFUSED_WHEN_CORRUPT = _CHANGES_ROWS_ONLY | {
    CommandKind.COMPACT,
    CommandKind.LEASE_GRANT,
    CommandKind.LEASE_REVOKE,
}
_REFUSED_WITHOUT_SPACE = frozenset((CommandKind.PUT, CommandKind.LEASE_GRANT))
"""A transaction is refused if it has a put, which only its verb can tell."""


class StateMachine(Parts):
    """The replicated state; commands change it through `apply` only."""

    def __init__(
        self,
        rows: Rows,
        tables: Tables,
        limits: LimitsConfig,
        ticks_per_second: float = 10.0,
    ) -> None:
        super().__init__(rows, tables, limits, ticks_per_second)
        self._tables = tables
        self._saved_meta = b""

    def apply(self, kind: int, body: bytes) -> Result:
        """Carries out a command; `body` is the protobuf message that `CommandKind` names for it.

        A Failure has changed nothing.
        """
        if self.alarms.any_active:
            failure = self._refusal(kind)
            if failure is not None:
                return failure
        result = _VERBS[kind](self, body)
        if kind not in _CHANGES_ROWS_ONLY and result.__class__ is not Failure:
            self.store.chain(bytes((kind,)) + body)
        return result

    def _refusal(self, kind: int) -> Failure | None:
        """Why the active alarms do not let a command through."""
        if self.alarms.corrupt and kind in _REFUSED_WHEN_CORRUPT:
            return Failure.CORRUPT
        if self.alarms.no_space and kind in _REFUSED_WITHOUT_SPACE:
            return Failure.NO_SPACE
        return None

    @property
    def rolling_hash(self) -> int:
        """Chained over everything applied: members that applied the same have the same."""
        return self.store.rolling_hash

    def bootstrap(self, members: Iterable[Member], cluster_id: int) -> None:
        """Sets the first members of a new cluster, before the first command."""
        self.members.bootstrap(members, cluster_id)

    def physical_compaction_step(self, rows_max: int) -> bool:
        """Removes up to `rows_max` rows that compaction has given up; True while there are more."""
        return compaction.step(self.store, rows_max)

    def go_on_counting(self, before: "StateMachine") -> None:
        """Takes over what was counted by the state that this one takes the place of."""
        self.store.counts = before.store.counts
        self.lessor.counts = before.lessor.counts

    # -- storing and loading

    def save_meta(self) -> None:
        """Puts what rows do not tell into the tables; due before every storage write."""
        meta = _META.pack(self.store.compact_revision, self.store.rolling_hash)
        if meta != self._saved_meta:
            self._saved_meta = meta
            self._tables.put(_META_TABLE, _META_KEY, meta)

    def load(self) -> None:
        """Builds everything from the rows and tables, in one piece."""
        for _ in self.load_steps():
            pass

    def load_steps(self) -> Iterator[None]:
        """The same in steps of less than a millisecond."""
        yield from loading.load_steps(self.store, self.lessor.set_lease)
        self.load_tables({name: list(self._tables.items(name)) for name in TABLES})

    def load_rows(self, rows: list[tuple[bytes, bytes]]) -> None:
        """Takes in rows of a state that comes from elsewhere, in order; then `load_tables`."""
        loading.load_rows(self.store, rows, self.lessor.set_lease)

    def load_tables(self, tables: dict[str, list[tuple[bytes, bytes]]]) -> None:
        """Takes in the small tables, by name, and ends loading."""
        self.lessor.load(tables.get("lease", []))
        self.members.load(tables)
        self.alarms.load(tables.get("alarm", []))
        meta = dict(tables.get(_META_TABLE, [])).get(_META_KEY)
        if meta is not None:
            self._saved_meta = meta
        compact_revision, rolling_hash = _META.unpack(meta) if meta else (NOT_COMPACTED, 0)
        loading.loaded(self.store, compact_revision, rolling_hash)
