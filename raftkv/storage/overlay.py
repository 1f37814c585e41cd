"""What was put and is not yet on the disk, so that a reader sees its own writes at once.

Changes collect in `current`; a write seals them; when the write is durable they leave. Rows only
ever come in ascending order and leave in the order they came, so every row here lies after every
row that is only on the disk.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

Row = tuple[bytes, bytes]


@dataclass(slots=True)
class Changes:
    """What goes to the disk with one write."""

    rows: dict[bytes, bytes] = field(default_factory=dict)
    """In ascending order of their keys."""
    tables: dict[str, dict[bytes, bytes | None]] = field(default_factory=dict)
    """None stands for a key that is to go."""
    deletes: list[bytes] = field(default_factory=list)
    """Rows that nobody can ask for any more; the disk gives them up when it has time."""


class Overlay:
    """Rows and tables between their `put` and their commit."""

    __slots__ = ("_deleting", "_sealed", "current", "deleted", "fresh")

    def __init__(self) -> None:
        self.current = Changes()
        """Put since the last write."""
        self.fresh: dict[bytes, bytes] = {}
        """Rows of writes that are under way."""
        self.deleted: set[bytes] = set()
        """Rows that are gone for the reader, though not all from the disk."""
        self._sealed: deque[tuple[int, Changes]] = deque()
        self._deleting: deque[list[bytes]] = deque()

    def seal(self, sequence: int) -> Changes:
        """Hands over what was put since the last write; it is under way as `sequence` now."""
        changes = self.current
        self.current = Changes()
        self._sealed.append((sequence, changes))
        self.fresh.update(changes.rows)
        if changes.deletes:
            # Rows that lie together share pages: in order, removing them touches fewer.
            changes.deletes.sort()
            self._deleting.append(changes.deletes)
        return changes

    def release(self, sequence: int, removed: int) -> None:
        """Writes up to `sequence` are durable, and `removed` more rows are gone from the disk."""
        sealed = self._sealed
        while sealed and sealed[0][0] <= sequence:
            _, changes = sealed.popleft()
            if not sealed:
                self.fresh.clear()
                break
            for key in changes.rows:
                del self.fresh[key]
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
        found: list[Row] = []
        deleted = self.deleted
        for rows in (self.fresh, self.current.rows):
            if rows and next(reversed(rows)) >= start:
                wanted = (
                    row for row in rows.items() if start <= row[0] < stop and row[0] not in deleted
                )
                found += islice(wanted, rows_max - len(found))
        return found

    def delete_rows(self, keys: Iterable[bytes]) -> None:
        """Hides rows at once and asks for their removal."""
        self.current.deletes.extend(keys)
        self.deleted.update(keys)

    def table_value(self, table: str, key: bytes) -> tuple[bool, bytes | None]:
        """Whether a change of the key is under way, and to what."""
        for changes in self._newest_first():
            values = changes.tables.get(table)
            if values is not None and key in values:
                return True, values[key]
        return False, None

    def table_values(self, table: str) -> dict[bytes, bytes | None]:
        """Every change of a table that is under way."""
        merged: dict[bytes, bytes | None] = {}
        for changes in self._newest_first():
            merged = {**changes.tables.get(table, {}), **merged}
        return merged

    def _newest_first(self) -> Iterable[Changes]:
        yield self.current
        for _, changes in reversed(self._sealed):
            yield changes
