"""What was put and is not yet on the disk, so that a reader sees its own writes at once.

Changes collect in `current`; a write seals them; when they are stored they leave. Rows only ever
come in ascending order and leave in the order they came, so every row here lies after every row
that is only on the disk.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

Row = tuple[bytes, bytes]
Value = tuple[int, bytes | None]
"""The write that a change of a table came with, and the new value."""


@dataclass(slots=True)
class Changes:
    """What goes to the disk with one write."""

    rows: dict[bytes, bytes] = field(default_factory=dict)
    """In ascending order of their keys."""
    tables: dict[str, dict[bytes, bytes | None]] = field(default_factory=dict)
    """None stands for a key that is to go."""
    deletes: list[bytes] = field(default_factory=list)
    """Rows that nobody can ask for any more; the disk gives them up when it has time."""

    @property
    def last_key(self) -> bytes:
        """The greatest key of a row; empty when there is none."""
        return next(reversed(self.rows), b"")


class Overlay:
    """Rows and tables between their `put` and their commit."""

    __slots__ = ("_deleting", "_sealed", "_sealed_tables", "current", "deleted", "fresh")

    def __init__(self) -> None:
        self.current = Changes()
        """Put since the last write."""
        self.fresh: dict[bytes, bytes] = {}
        """Rows of writes that are not stored yet."""
        self.deleted: set[bytes] = set()
        """Rows that are gone for the reader, though not all from the disk."""
        self._sealed: deque[tuple[int, Changes]] = deque()
        self._sealed_tables: dict[str, dict[bytes, Value]] = {}
        """The newest change of each key that is not stored yet."""
        self._deleting: deque[list[bytes]] = deque()

    def seal(self, sequence: int) -> Changes:
        """Hands over what was put since the last write; it is under way as `sequence` now."""
        changes = self.current
        self.current = Changes()
        self._sealed.append((sequence, changes))
        self.fresh.update(changes.rows)
        for table, values in changes.tables.items():
            sealed = self._sealed_tables.setdefault(table, {})
            for key, value in values.items():
                sealed[key] = (sequence, value)
        if changes.deletes:
            # Rows that lie together share pages: in order, removing them touches fewer.
            changes.deletes.sort()
            self._deleting.append(changes.deletes)
        return changes

    def release(self, sequence: int, removed: int) -> None:
        """Changes up to write `sequence` are stored, and `removed` more rows gone from the disk."""
        sealed = self._sealed
        while sealed and sealed[0][0] <= sequence:
            number, changes = sealed.popleft()
            for key in changes.rows:
                del self.fresh[key]
            for table, values in changes.tables.items():
                newest = self._sealed_tables[table]
                for key in values:
                    if newest[key][0] == number:
                        del newest[key]
        while removed:
            deletes = self._deleting[0]
            self.deleted.difference_update(deletes[:removed])
            if len(deletes) > removed:
                self._deleting[0] = deletes[removed:]
                break
            removed -= len(deletes)
            self._deleting.popleft()

    def rows_between(self, start: bytes, stop: bytes, rows_max: int) -> list[Row]:
        """The first rows here with start <= key < stop that are not deleted, in order."""
        return list(islice(self._rows_between(start, stop), rows_max))

    def _rows_between(self, start: bytes, stop: bytes) -> Iterator[Row]:
        deleted = self.deleted
        for changes in (*(sealed for _, sealed in self._sealed), self.current):
            if changes.last_key < start:
                continue
            for row in changes.rows.items():
                if row[0] >= stop:
                    return
                if row[0] >= start and row[0] not in deleted:
                    yield row

    def delete_rows(self, keys: Iterable[bytes]) -> None:
        """Hides rows at once and asks for their removal."""
        self.current.deletes.extend(keys)
        self.deleted.update(keys)

    def table_value(self, table: str, key: bytes) -> tuple[bool, bytes | None]:
        """Whether a change of the key is under way, and to what."""
        values = self.current.tables.get(table)
        if values is not None and key in values:
            return True, values[key]
        sealed = self._sealed_tables.get(table)
        if sealed is not None and key in sealed:
            return True, sealed[key][1]
        return False, None

    def table_values(self, table: str) -> dict[bytes, bytes | None]:
        """Every change of a table that is under way."""
        sealed = self._sealed_tables.get(table, {})
        merged = {key: value for key, (_, value) in sealed.items()}
        merged.update(self.current.tables.get(table, {}))
        return merged
