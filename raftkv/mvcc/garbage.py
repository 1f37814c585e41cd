"""Rows that a compaction may remove, in the order in which it may.

A row becomes garbage when a newer row of its key takes its place, and may go once the store is
compacted at or past the newer row's revision. A tombstone may go once the store is compacted past
its own revision. Rows are noted here at the moment they are superseded, so that a compaction visits
nothing but garbage.

Invariant: a tombstone goes only when everything superseded up to the compact revision has gone.
Otherwise a crash between the two would leave an older row of the deleted key, and the key would
come back to life.
"""

from raftkv.mvcc.revision import MAIN_BYTES, ROW_KEY_BYTES

_SUPERSEDED_BYTES = ROW_KEY_BYTES + MAIN_BYTES


class Garbage:
    """Two queues of row keys, flat in memory."""

    __slots__ = ("_superseded", "_tombstones")

    def __init__(self) -> None:
        self._superseded = bytearray()
        """For each row: its row key, then the main revision (8 bytes) of what took its place."""
        self._tombstones = bytearray()
        """Row keys of tombstones."""

    def superseded(self, row_key: bytes, by: bytes) -> None:
        """The row of `row_key` gave way to the row of the row key `by`."""
        self._superseded += row_key + by[:MAIN_BYTES]

    def tombstone(self, row_key: bytes) -> None:
        """The row of `row_key` is a tombstone."""
        self._tombstones += row_key

    def is_due(self, compact_revision: int) -> bool:
        """Whether there is anything to remove at this compact revision."""
        bound = _bound(compact_revision)
        oldest = self._superseded[ROW_KEY_BYTES:_SUPERSEDED_BYTES]
        if oldest and oldest <= bound:
            return True
        oldest = self._tombstones[:MAIN_BYTES]
        return bool(oldest) and oldest < bound

    def take(self, compact_revision: int, rows_max: int) -> list[bytes]:
        """Row keys of up to `rows_max` rows to remove now, in the order in which they must go."""
        bound = _bound(compact_revision)
        queue = self._superseded
        taken: list[bytes] = []
        at = 0
        while len(taken) < rows_max and at < len(queue):
            if queue[at + ROW_KEY_BYTES : at + _SUPERSEDED_BYTES] > bound:
                break
            taken.append(bytes(queue[at : at + ROW_KEY_BYTES]))
            at += _SUPERSEDED_BYTES
        del queue[:at]
        queue = self._tombstones
        at = 0
        while len(taken) < rows_max and at < len(queue):
            if queue[at : at + MAIN_BYTES] >= bound:
                break
            taken.append(bytes(queue[at : at + ROW_KEY_BYTES]))
            at += ROW_KEY_BYTES
        del queue[:at]
        return taken


def _bound(revision: int) -> bytes:
    return max(revision, 0).to_bytes(MAIN_BYTES, "big")
