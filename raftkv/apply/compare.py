"""The conditions of a transaction."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from raftkv.apply.interval import end_of
from raftkv.mvcc.record import lease_of, value_of
from raftkv.mvcc.revision import main_of
from raftkv.mvcc.store import Store
from raftkv.pb.rpc_pb2 import Compare

_KEYS_PER_PAGE = 256


def all_hold(store: Store, compares: Iterable[Compare]) -> bool:
    """Whether every condition holds now."""
    counts = store.counts
    for compare in compares:
        counts.ranges += 1
        if not _holds(store, compare):
            return False
    return True


def _holds(store: Store, compare: Compare) -> bool:
    """A condition holds if it does for every key of its range.

    Where there is no key, its numbers count as 0, but a condition on the value never holds.
    """
    target = compare.target
    result = compare.result
    read = _READ.get(target, _nothing)
    # A number or value that is given for another target counts as 0 or empty, as it does with etcd.
    wanted = getattr(compare, _WANTED[target]) if target in _WANTED else 0
    if not compare.range_end:
        return _agrees(result, read(store, compare.key), wanted)
    is_empty = True
    for key in _keys(store, compare):
        is_empty = False
        if not _agrees(result, read(store, key), wanted):
            return False
    return not is_empty or _agrees(result, None if target == Compare.VALUE else 0, wanted)


def _keys(store: Store, compare: Compare) -> Iterator[bytes]:
    """The keys of the condition's range, as far as they exist."""
    start = compare.key
    end = end_of(start, compare.range_end)
    while keys := store.index.live.slice(start, end, _KEYS_PER_PAGE):
        yield from keys
        start = keys[-1] + b"\x00"


def _version(store: Store, key: bytes) -> int:
    return store.index.numbers(key)[1]


def _create_revision(store: Store, key: bytes) -> int:
    return store.index.numbers(key)[0]


def _mod_revision(store: Store, key: bytes) -> int:
    row_key = store.index.find(key)
    return 0 if row_key is None else main_of(row_key)


def _value(store: Store, key: bytes) -> bytes | None:
    row = store.row(key)
    return None if row is None else value_of(row)


def _lease(store: Store, key: bytes) -> int:
    row = store.row(key)
    return 0 if row is None else lease_of(row)


def _nothing(_store: Store, _key: bytes) -> int:
    return 0


_READ: dict[int, Callable[[Store, bytes], Any]] = {
    Compare.VERSION: _version,
    Compare.CREATE: _create_revision,
    Compare.MOD: _mod_revision,
    Compare.VALUE: _value,
    Compare.LEASE: _lease,
}
_WANTED = {
    Compare.VERSION: "version",
    Compare.CREATE: "create_revision",
    Compare.MOD: "mod_revision",
    Compare.VALUE: "value",
    Compare.LEASE: "lease",
}


def _agrees(result: int, actual: Any, wanted: Any) -> bool:  # noqa: ANN401 - two ints or two bytes
    """Compares; there is no result that None would agree with."""
    if actual is None:
        return False
    match result:
        case Compare.EQUAL:
            return bool(actual == wanted)
        case Compare.GREATER:
            return bool(actual > wanted)
        case Compare.LESS:
            return bool(actual < wanted)
        case Compare.NOT_EQUAL:
            return bool(actual != wanted)
        case _:
            return True
