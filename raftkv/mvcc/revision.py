"""Row keys: a revision (main, sub) in 17 bytes that sort as the revision does.

`main` numbers the transactions of the store, `sub` the changes within one. The bytes are `main` (8,
big endian), `_`, `sub` (8, big endian). A new store is at revision 1; its first change is (2, 0).
"""

import struct

FIRST_REVISION = 1
"""The revision of a store that nothing was ever written to."""
NOT_COMPACTED = -1
"""The compact revision of a store that was never compacted, as etcd reports it."""

ROW_KEY_BYTES = 17
MAIN_BYTES = 8
SEPARATOR = 0x5F
"""The byte between `main` and `sub`: an underscore."""

ROW_KEYS_END = b"\xff" * ROW_KEY_BYTES
"""Above every row key."""

_pack = struct.Struct(">QBQ").pack


def row_key(main: int, sub: int) -> bytes:
    """The row key of a revision."""
    return _pack(main, SEPARATOR, sub)


def first_row_key(main: int) -> bytes:
    """A bound below every row key of `main` and above every row key before it."""
    return main.to_bytes(MAIN_BYTES, "big")


def main_of(key: bytes) -> int:
    """The main revision of a row key."""
    return int.from_bytes(key[:MAIN_BYTES], "big")


def sub_of(key: bytes) -> int:
    """The sub revision of a row key."""
    return int.from_bytes(key[MAIN_BYTES + 1 :], "big")
