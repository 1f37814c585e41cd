"""Put: sets a key."""

from raftkv.apply.parts import Parts
from raftkv.command.types import Failure, Result
from raftkv.mvcc.record import delimited, lease_of, value_of
from raftkv.mvcc.store import WriteTransaction
from raftkv.pb.rpc_pb2 import PutRequest

_PREV_KV = b"\x12"


def apply_put(parts: Parts, body: bytes) -> Result:
    """Applies a PutRequest; the answer is a PutResponse."""
    request = PutRequest.FromString(body)
    failure = check_put(parts, request)
    if failure is not None:
        return failure
    transaction = parts.begin()
    answer = put_within(parts, transaction, request)
    return parts.end(transaction), answer


def check_put(parts: Parts, request: PutRequest) -> Failure | None:
    """Why the put can't be made."""
    lease = request.lease
    if lease and not parts.lessor.exists(lease):
        return Failure.LEASE_NOT_FOUND
    if (request.ignore_value or request.ignore_lease) and not parts.store.exists(request.key):
        return Failure.KEY_NOT_FOUND
    return None


def put_within(parts: Parts, transaction: WriteTransaction, request: PutRequest) -> bytes:
    """Makes a put that was checked; returns the response without its header."""
    key = request.key
    value = request.value
    lease = request.lease
    answer = b""
    counts = parts.store.counts
    counts.puts += 1
    if request.prev_kv or request.ignore_value or request.ignore_lease:
        counts.ranges += 1
        previous = parts.store.row(key)
        if previous is not None:
            if request.prev_kv:
                answer = delimited(_PREV_KV, previous)
            if request.ignore_value:
                value = value_of(previous)
            if request.ignore_lease:
                lease = lease_of(previous)
    transaction.put(key, value, lease)
    parts.lessor.set_lease(key, lease)
    return answer
