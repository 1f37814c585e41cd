"""What a range picks from the rows it found, and in which order.

Row keys begin with the mod_revision, so a choice by it needs no row. Where two rows are equal in
what they are sorted by, the lower key comes first, in descending order too.
"""

from collections.abc import Callable
from typing import Any

from raftkv.mvcc.record import create_revision_of, mod_revision_of, value_of, version_of
from raftkv.mvcc.revision import MAIN_BYTES, main_of
from raftkv.pb.rpc_pb2 import RangeRequest

_ROW_FIELD: dict[int, Callable[[bytes], Any]] = {
    RangeRequest.VERSION: version_of,
    RangeRequest.CREATE: create_revision_of,
    RangeRequest.MOD: mod_revision_of,
    RangeRequest.VALUE: value_of,
}
"""What rows are sorted by; by their keys they are already."""
_BY_ROW_KEY = (RangeRequest.KEY, RangeRequest.MOD)
_NATURAL_ORDER = (RangeRequest.NONE, RangeRequest.ASCEND)


def has_filters(request: RangeRequest) -> bool:
    """Whether the request bounds the revisions of what it wants."""
    return bool(
        request.min_mod_revision
        or request.max_mod_revision
        or request.min_create_revision
        or request.max_create_revision
    )


def is_plain(request: RangeRequest) -> bool:
    """Whether every row is wanted, in the order of the keys."""
    return (
        request.sort_target == RangeRequest.KEY
        and request.sort_order in _NATURAL_ORDER
        and not has_filters(request)
    )


def keys_considered(request: RangeRequest) -> int:
    """How many keys, in their order, the choice is made from; 0: all of them.

    With a sort target but no sort order, etcd reads only as many rows as the limit asks for, and
    one more to tell whether there are more; then it sorts those, ascending.
    """
    if request.limit > 0 and request.sort_order == RangeRequest.NONE and not has_filters(request):
        return request.limit + 1
    return 0


def needs_rows(request: RangeRequest) -> bool:
    """Whether row keys alone do not decide what is picked."""
    return (
        request.sort_target not in _BY_ROW_KEY
        or request.min_create_revision != 0
        or request.max_create_revision != 0
    )


def pick_row_keys(request: RangeRequest, row_keys: list[bytes]) -> list[bytes]:
    """The row keys whose mod_revision is wanted."""
    low = request.min_mod_revision
    high = request.max_mod_revision
    if low:
        row_keys = [row_key for row_key in row_keys if main_of(row_key) >= low]
    if high:
        row_keys = [row_key for row_key in row_keys if main_of(row_key) <= high]
    return row_keys


def pick_rows(request: RangeRequest, rows: list[bytes]) -> list[bytes]:
    """The rows whose create_revision is wanted."""
    low = request.min_create_revision
    high = request.max_create_revision
    if low:
        rows = [row for row in rows if create_revision_of(row) >= low]
    if high:
        rows = [row for row in rows if create_revision_of(row) <= high]
    return rows


def sort_row_keys(request: RangeRequest, row_keys: list[bytes]) -> list[bytes]:
    """Brings row keys, which come in the order of the keys, into the order that is wanted."""
    return _sorted(request, row_keys, _main_bytes)


def sort_rows(request: RangeRequest, rows: list[bytes]) -> list[bytes]:
    """Brings rows, which come in the order of the keys, into the order that is wanted."""
    return _sorted(request, rows, _ROW_FIELD.get(request.sort_target, bytes))


def _sorted(
    request: RangeRequest, items: list[bytes], field: Callable[[bytes], Any]
) -> list[bytes]:
    descending = request.sort_order == RangeRequest.DESCEND
    if request.sort_target == RangeRequest.KEY:
        return items[::-1] if descending else items
    return sorted(items, key=field, reverse=descending)


def _main_bytes(row_key: bytes) -> bytes:
    return row_key[:MAIN_BYTES]
