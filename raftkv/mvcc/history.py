"""The revisions of one key, as flat bytes that the garbage collector never visits.

A key that was put once and never changed is the commonest: its history is just the row key of that
put, 17 immutable bytes that the row store holds as well. Any other key has a `bytearray`: its row
keys in ascending order, then the create_revision and the version of its newest row (8 bytes each, 0
for a tombstone). The row key of a tombstone has `t` where others have `_`. Appending and dropping
the oldest are both amortised O(1), so a key with a million revisions costs no more a revision than
any other.
"""

import struct
from typing import TypeAlias

from raftkv.mvcc.revision import MAIN_BYTES, ROW_KEY_BYTES

History: TypeAlias = bytes | bytearray

_TOMBSTONE = 0x74
"""What stands for the separator in the row key of a tombstone: `t`."""
_NEWEST = struct.Struct(">QQ")
"""create_revision and version of the newest row."""
_pack_newest = _NEWEST.pack
_unpack_newest = _NEWEST.unpack_from
_NEWEST_BYTES = _NEWEST.size
_NO_ROW = bytes(_NEWEST_BYTES)
_LAST_AT = -_NEWEST_BYTES - ROW_KEY_BYTES
_LAST_MARK_AT = _LAST_AT + MAIN_BYTES


def newest(history: History) -> bytes | None:
    """The row key of the newest row, or None if the key is deleted."""
    if isinstance(history, bytes):
        return history
    if history[_LAST_MARK_AT] == _TOMBSTONE:
        return None
    return bytes(history[_LAST_AT:-_NEWEST_BYTES])


def create_and_version(history: History) -> tuple[int, int]:
    """create_revision and version of the newest row; both 0 if the key is deleted."""
    if isinstance(history, bytes):
        return int.from_bytes(history[:MAIN_BYTES], "big"), 1
    create_revision, version = _unpack_newest(history, len(history) - _NEWEST_BYTES)
    return create_revision, version


def at_revision(history: History, revision: int) -> bytes | None:
    """The row key of the newest row at or before `revision`; None if the key did not exist then."""
    found = _place(history, revision)
    if found < 0 or history[found + MAIN_BYTES] == _TOMBSTONE:
        return None
    return bytes(history[found : found + ROW_KEY_BYTES])


def extended(
    history: History | None, row_key: bytes, create_revision: int, version: int
) -> History:
    """The history with a put at its end. A mutable history is extended in place."""
    if history is None:
        if version == 1:
            return row_key
        return bytearray(row_key + _pack_newest(create_revision, version))
    if isinstance(history, bytes):
        return bytearray(history + row_key + _pack_newest(create_revision, version))
    history[-_NEWEST_BYTES:] = row_key + _pack_newest(create_revision, version)
    return history


def ended(history: History | None, row_key: bytes) -> History:
    """The history with a tombstone at its end. A mutable history is extended in place."""
    mark = row_key[:MAIN_BYTES] + b"t" + row_key[MAIN_BYTES + 1 :] + _NO_ROW
    if history is None:
        return bytearray(mark)
    if isinstance(history, bytes):
        return bytearray(history + mark)
    history[-_NEWEST_BYTES:] = mark
    return history


def trimmed(history: History, compact_revision: int) -> History | None:
    """What readers at or after `compact_revision` can still see; None if that is nothing.

    A tombstone at the compact revision itself stays, since a watch may begin there.
    """
    if isinstance(history, bytes):
        return history
    found = _place(history, compact_revision)
    if found < 0:
        return history
    if history[found + MAIN_BYTES] == _TOMBSTONE:
        main = int.from_bytes(history[found : found + MAIN_BYTES], "big")
        if main < compact_revision:
            found += ROW_KEY_BYTES
    rest = len(history) - found - _NEWEST_BYTES
    if not rest:
        return None
    if rest == ROW_KEY_BYTES and create_and_version(history)[1] == 1:
        return newest(history)
    del history[:found]
    return history


def is_kept(history: History | None, row_key: bytes, compact_revision: int) -> bool:
    """Whether `trimmed` keeps the row of `row_key`, which is at or before the compact revision."""
    if history is None:
        return False
    found = _place(history, compact_revision)
    if found < 0:
        return False
    kept = history[found : found + ROW_KEY_BYTES]
    main = row_key[:MAIN_BYTES]
    if kept[:MAIN_BYTES] != main or kept[MAIN_BYTES + 1 :] != row_key[MAIN_BYTES + 1 :]:
        return False
    return kept[MAIN_BYTES] != _TOMBSTONE or int.from_bytes(main, "big") == compact_revision


def _place(history: History, revision: int) -> int:
    """Where the newest row key at or before `revision` begins; negative if there is none."""
    bound = revision.to_bytes(MAIN_BYTES, "big")
    low = 0
    high = len(history) // ROW_KEY_BYTES
    while low < high:
        middle = (low + high) // 2
        at = middle * ROW_KEY_BYTES
        if history[at : at + MAIN_BYTES] <= bound:
            low = middle + 1
        else:
            high = middle
    return (low - 1) * ROW_KEY_BYTES
