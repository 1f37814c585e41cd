"""DeleteRange: deletes one key or a range of keys."""

from sys import maxsize

from raftkv.apply.fields import number
from raftkv.apply.interval import end_of
from raftkv.apply.parts import Parts
from raftkv.command.types import Result
from raftkv.mvcc.record import delimited
from raftkv.mvcc.store import WriteTransaction
from raftkv.pb.rpc_pb2 import DeleteRangeRequest

_DELETED = b"\x10"
_PREV_KVS = b"\x1a"


def apply_delete_range(parts: Parts, body: bytes) -> Result:
    """Applies a DeleteRangeRequest; the answer is a DeleteRangeResponse."""
    request = DeleteRangeRequest.FromString(body)
    transaction = parts.begin()
    answer = delete_range_within(parts, transaction, request)
    return parts.end(transaction), answer


def delete_range_within(
    parts: Parts, transaction: WriteTransaction, request: DeleteRangeRequest
) -> bytes:
    """Deletes what exists of the range; returns the response without its header."""
    store = parts.store
    key = request.key
    range_end = request.range_end
    if range_end:
        keys = store.index.live.slice(key, end_of(key, range_end), maxsize)
    else:
        keys = [key] if store.exists(key) else []
    previous = []
    store.counts.deletes += 1
    if request.prev_kv:
        store.counts.ranges += 1
        row_keys = [row_key for row_key in map(store.index.find, keys) if row_key is not None]
        previous = store.rows.get_many(row_keys)
    delete_keys(parts, transaction, keys)
    return number(_DELETED, len(keys)) + b"".join([delimited(_PREV_KVS, row) for row in previous])


def delete_keys(parts: Parts, transaction: WriteTransaction, keys: list[bytes]) -> None:
    """Deletes keys that exist, in this order."""
    set_lease = parts.lessor.set_lease
    for key in keys:
        transaction.delete(key)
        set_lease(key, 0)
