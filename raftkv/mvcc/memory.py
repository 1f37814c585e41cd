"""The ports of the replicated state in memory: deterministic, for tests and simulations."""

from bisect import bisect_left
from collections.abc import Iterator


class MemoryRows:
    """`Rows` in a dict and a sorted list of its keys."""

    def __init__(self, rows: dict[bytes, bytes] | None = None) -> None:
        self.by_key: dict[bytes, bytes] = dict(rows or {})
        self._keys = sorted(self.by_key)

    def copy(self) -> "MemoryRows":
        """The same rows, to be changed apart from these."""
        return MemoryRows(self.by_key)

    def get(self, key: bytes) -> bytes | None:
        """The row, or None."""
        return self.by_key.get(key)

    def get_many(self, keys: list[bytes]) -> list[bytes]:
        """The rows of `keys`, in that order; every one must exist."""
        return list(map(self.by_key.__getitem__, keys))

    def put(self, key: bytes, row: bytes) -> None:
        """Adds a row; `key` must be greater than every key added before."""
        keys = self._keys
        assert not keys or key > keys[-1], f"row {key.hex()} after {keys[-1].hex()}"
        keys.append(key)
        self.by_key[key] = row

    def delete(self, keys: list[bytes]) -> None:
        """Removes rows."""
        by_key = self.by_key
        for key in keys:
            del by_key[key]
        if len(self._keys) > 2 * len(by_key) + 1_000:
            newest = self._keys[-1:]
            self._keys = [key for key in self._keys if key in by_key or key in newest]

    def scan(self, start: bytes, stop: bytes, rows_max: int) -> list[tuple[bytes, bytes]]:
        """Up to `rows_max` (key, row) pairs with start <= key < stop, in order."""
        keys = self._keys
        found: list[tuple[bytes, bytes]] = []
        for at in range(bisect_left(keys, start), bisect_left(keys, stop)):
            row = self.by_key.get(keys[at])
            if row is not None:
                found.append((keys[at], row))
                if len(found) == rows_max:
                    break
        return found


class MemoryTables:
    """`Tables` in dicts."""

    def __init__(self, tables: dict[str, dict[bytes, bytes]] | None = None) -> None:
        self.by_name = {name: dict(table) for name, table in (tables or {}).items()}

    def copy(self) -> "MemoryTables":
        """The same tables, to be changed apart from these."""
        return MemoryTables(self.by_name)

    def get(self, table: str, key: bytes) -> bytes | None:
        """The value, or None."""
        return self.by_name.get(table, {}).get(key)

    def put(self, table: str, key: bytes, value: bytes) -> None:
        """Sets the value."""
        self.by_name.setdefault(table, {})[key] = value

    def delete(self, table: str, key: bytes) -> None:
        """Removes the key if it is there."""
        self.by_name.get(table, {}).pop(key, None)

    def items(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Every (key, value) of a table, in key order."""
        return iter(sorted(self.by_name.get(table, {}).items()))
