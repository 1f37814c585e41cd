"""The stored log: a row for each entry, without a gap."""

from typing import NamedTuple

from raftkv.raft.types import entry_index
from raftkv.storage.environment import Database, Transaction
from raftkv.storage.schema import INDEX


class Extent(NamedTuple):
    """The first and the last index that have an entry; an empty log's last is before its first."""

    first: int
    last: int


class LogTable:
    """What transactions do to the log, and where it will start and end when they are committed."""

    def __init__(self, database: Database, extent: Extent) -> None:
        self._database = database
        self.first, self.last = extent

    def append(self, txn: Transaction, entries: list[bytes]) -> None:
        """Adds entries, which must go on where the log ends."""
        start, end = entry_index(entries[0]), entry_index(entries[-1])
        assert start == self.last + 1, f"entry {start} after entry {self.last}"
        assert end - start + 1 == len(entries), f"{len(entries)} entries from {start} to {end}"
        rows = [(entry[12:20], entry) for entry in entries]  # an entry carries its own key
        put_all(txn, self._database, rows, len(rows))
        self.last = end

    def truncate(self, txn: Transaction, index: int) -> None:
        """Drops the entries at and after `index`."""
        cursor = txn.cursor(self._database)
        cursor.set_range(INDEX.pack(index))
        while cursor.delete():  # moves on to the next; False once there is none
            pass
        self.last = min(self.last, index - 1)

    def restart(self, txn: Transaction, index: int) -> None:
        """Drops every entry; the next one is the one after `index`."""
        txn.drop(self._database, delete=False)
        self.first, self.last = index + 1, index


def put_all(
    txn: Transaction, database: Database, rows: list[tuple[bytes, bytes]], count: int
) -> None:
    """Adds rows behind the last one there, and makes sure that LMDB took them all."""
    consumed, added = txn.cursor(database).putmulti(rows, append=True)
    assert consumed == added == count, f"{added} of {count} rows were past the end"
