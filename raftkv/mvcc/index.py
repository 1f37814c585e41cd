"""The key index: which row holds a key, now and at any revision that is not compacted.

Everything is in memory, nothing is on disk: it is built from the rows when a member starts. Its
values are flat bytes (`history.py`), and keys that live now lie in one sorted set, keys that are
deleted but still readable at an old revision in another. So the present is counted without looking
at what is gone.
"""

from raftkv.mvcc.history import (
    History,
    at_revision,
    create_and_version,
    ended,
    extended,
    is_kept,
    newest,
    trimmed,
)
from raftkv.mvcc.liveness import LivenessLog
from raftkv.mvcc.revision import FIRST_REVISION, ROW_KEY_BYTES
from raftkv.mvcc.sorted_keys import SortedKeys


class KeyIndex:
    """Histories by key, and the keys in order."""

    __slots__ = ("_dead", "_histories", "_liveness", "live")

    def __init__(self) -> None:
        self.live = SortedKeys()
        """The keys that exist now."""
        self._dead = SortedKeys()
        """Deleted keys that an old revision still shows."""
        self._histories: dict[bytes, History] = {}
        self._liveness = LivenessLog(FIRST_REVISION)

    # -- writing

    def put(self, key: bytes, row_key: bytes, main: int) -> tuple[int, int, bytes | None]:
        """Takes note of a put; returns its create_revision and version, and what it supersedes."""
        histories = self._histories
        history = histories.get(key)
        if history is None:
            histories[key] = row_key
            self.live.add(key)
            self._liveness.born(key, main)
            return main, 1, None
        create_revision, version = create_and_version(history)
        if version:
            previous = newest(history)
        else:
            previous = None
            create_revision = main
            self._revive(key, main)
        histories[key] = extended(history, row_key, create_revision, version + 1)
        return create_revision, version + 1, previous

    def delete(self, key: bytes, row_key: bytes, main: int) -> bytes:
        """Takes note of a tombstone for a key that exists; returns what it supersedes."""
        history = self._histories[key]
        previous = newest(history)
        assert previous is not None, f"tombstone at {main} for a key that is already deleted"
        self._histories[key] = ended(history, row_key)
        self.live.remove(key)
        self._dead.add(key)
        self._liveness.died(key, main)
        return previous

    def restore_put(
        self, key: bytes, row_key: bytes, create_revision: int, version: int
    ) -> bytes | None:
        """Takes note of a stored put, in the order of the rows; returns what it supersedes."""
        history = self._histories.get(key)
        previous = None
        if history is None:
            self.live.add(key)
        else:
            previous = newest(history)
            if previous is None:
                self._dead.remove(key)
                self.live.add(key)
        self._histories[key] = extended(history, row_key, create_revision, version)
        return previous

    def restore_tombstone(self, key: bytes, row_key: bytes) -> bytes | None:
        """Takes note of a stored tombstone, likewise."""
        history = self._histories.get(key)
        previous = None
        if history is None:
            self._dead.add(key)
        else:
            previous = newest(history)
            if previous is not None:
                self.live.remove(key)
                self._dead.add(key)
        self._histories[key] = ended(history, row_key)
        return previous

    def restored(self, revision: int) -> None:
        """Everything stored has been taken note of, up to `revision`."""
        self._liveness = LivenessLog(revision)

    def trim(self, key: bytes, compact_revision: int) -> None:
        """Drops what no reader can see any more of a key, if there is such a key."""
        history = self._histories.get(key)
        if history is None:
            return
        rest = trimmed(history, compact_revision)
        if rest is None:
            del self._histories[key]
            self._dead.remove(key)
        elif rest is not history:
            self._histories[key] = rest

    def _revive(self, key: bytes, main: int) -> None:
        self._dead.remove(key)
        self.live.add(key)
        self._liveness.born(key, main)

    # -- reading

    def find(self, key: bytes) -> bytes | None:
        """The row key of a key's newest row; None if the key does not exist."""
        history = self._histories.get(key)
        return None if history is None else newest(history)

    def find_at(self, key: bytes, revision: int) -> bytes | None:
        """The row key of a key's row as of `revision`; None if the key did not exist then."""
        history = self._histories.get(key)
        return None if history is None else at_revision(history, revision)

    def exists(self, key: bytes) -> bool:
        """Whether the key exists now."""
        history = self._histories.get(key)
        return history is not None and create_and_version(history)[1] != 0

    def numbers(self, key: bytes) -> tuple[int, int]:
        """(create_revision, version) of a key now; zeros if it does not exist."""
        history = self._histories.get(key)
        return (0, 0) if history is None else create_and_version(history)

    def keeps(self, key: bytes, row_key: bytes, compact_revision: int) -> bool:
        """Whether a row at or before the compact revision is still visible to some reader."""
        return is_kept(self._histories.get(key), row_key, compact_revision)

    def page(
        self, start: bytes, end: bytes | None, keys_max: int
    ) -> tuple[list[bytes], bytes | None]:
        """Row keys of the first `keys_max` keys in [start, end), and where to go on, if at all."""
        keys = self.live.slice(start, end, keys_max)
        row_keys = [
            history if len(history) == ROW_KEY_BYTES else newest(history)
            for history in map(self._histories.__getitem__, keys)
        ]
        following = keys[-1] + b"\x00" if len(keys) == keys_max else None
        return row_keys, following  # type: ignore[return-value]  # what lives has a newest row

    def page_at(
        self, start: bytes, end: bytes | None, revision: int, keys_max: int
    ) -> tuple[list[bytes], bytes | None]:
        """The same as of an old revision; not all of the `keys_max` keys looked at lived then."""
        keys = self.live.slice(start, end, keys_max)
        dead = self._dead.slice(start, end, keys_max)
        if dead:
            keys = sorted(keys + dead)[:keys_max]
        found = [
            at_revision(history, revision) for history in map(self._histories.__getitem__, keys)
        ]
        following = keys[-1] + b"\x00" if len(keys) == keys_max else None
        return [row_key for row_key in found if row_key is not None], following

    def count_at(self, start: bytes, end: bytes | None, revision: int) -> int | None:
        """How many keys lived in [start, end) at an old revision; None if only a scan can tell."""
        growth = self._liveness.growth_since(revision, start, end)
        return None if growth is None else self.live.count(start, end) - growth
