"""The rules that a request must keep; each function returns what is wrong, or None.

Rules that depend on the state (revisions, leases, missing keys) are `apply`'s.
"""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from raftkv.command.types import Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.service.intervals import Intervals
from raftkv.service.status import (
    EMPTY_KEY,
    INVALID_SORT_OPTION,
    LEASE_PROVIDED,
    VALUE_PROVIDED,
    Status,
)

Refusal: TypeAlias = Status | Failure | None

Branches: TypeAlias = tuple[Sequence[pb.RequestOp], Sequence[pb.RequestOp]]
"""The operations for success and for failure."""

_SORT_ORDER_MAX = max(pb.RangeRequest.SortOrder.values())
_SORT_TARGET_MAX = max(pb.RangeRequest.SortTarget.values())


def check_range(request: pb.RangeRequest) -> Refusal:
    """A key, and a sort order and target that exist."""
    if not request.key:
        return EMPTY_KEY
    if not 0 <= request.sort_order <= _SORT_ORDER_MAX:
        return INVALID_SORT_OPTION
    if not 0 <= request.sort_target <= _SORT_TARGET_MAX:
        return INVALID_SORT_OPTION
    return None


def check_put(request: pb.PutRequest) -> Refusal:
    """A key, and nothing provided that is to be ignored."""
    if not request.key:
        return EMPTY_KEY
    if request.ignore_value and request.value:
        return VALUE_PROVIDED
    if request.ignore_lease and request.lease:
        return LEASE_PROVIDED
    return None


def check_delete_range(request: pb.DeleteRangeRequest) -> Refusal:
    """A key."""
    return None if request.key else EMPTY_KEY


def check_txn(request: pb.TxnRequest, operations_max: int) -> Refusal:
    """Every rule for a transaction: sizes and operations first, then keys written twice."""
    success, failure = request.success, request.failure
    return (
        _check_operations(request.compare, (success, failure), operations_max)
        or _check_writes(success)
        or _check_writes(failure)
    )


def _check_operations(
    compares: Sequence[pb.Compare], branches: Branches, operations_max: int
) -> Refusal:
    """The largest of the three lists counts; nested transactions get what is left of the limit."""
    size = max(len(compares), len(branches[0]), len(branches[1]))
    if size > operations_max:
        return Failure.TOO_MANY_OPERATIONS
    for compare in compares:
        if not compare.key:
            return EMPTY_KEY
    for branch in branches:
        for operation in branch:
            refusal = _check_operation(operation, operations_max - size)
            if refusal is not None:
                return refusal
    return None


def _check_operation(operation: pb.RequestOp, operations_max: int) -> Refusal:
    match operation.WhichOneof("request"):
        case "request_put":
            return check_put(operation.request_put)
        case "request_range":
            return check_range(operation.request_range)
        case "request_delete_range":
            return check_delete_range(operation.request_delete_range)
        case "request_txn":
            txn = operation.request_txn
            return _check_operations(txn.compare, (txn.success, txn.failure), operations_max)
        case _:
            return Failure.KEY_NOT_FOUND


class _Writes:
    """The keys that a branch puts, and the intervals that it deletes."""

    __slots__ = ("deletes", "puts")

    def __init__(self) -> None:
        self.puts: set[bytes] = set()
        self.deletes = Intervals()

    def add_puts(self, keys: Iterable[bytes], allowed: frozenset[bytes] | set[bytes]) -> bool:
        """Adds puts; False when one is deleted too, or put twice (unless `allowed`)."""
        for key in keys:
            if key in self.deletes or (key in self.puts and key not in allowed):
                return False
            self.puts.add(key)
        return True


_NOTHING: frozenset[bytes] = frozenset()


def _check_writes(branch: Sequence[pb.RequestOp]) -> Refusal:
    """No key may be put twice in a branch, or put and deleted."""
    if len(branch) < 2 and not any(operation.HasField("request_txn") for operation in branch):
        return None
    return None if _writes(branch) is not None else Failure.DUPLICATE_KEY


def _writes(branch: Iterable[pb.RequestOp]) -> _Writes | None:
    """What a branch writes; None when it writes a key twice.

    etcd's order: the branch's own deletes, nested transactions one by one, the branch's own puts.
    So a key that an earlier nested transaction puts and a later one deletes is not noticed, as on
    etcd.
    """
    writes = _Writes()
    own_puts = []
    nested = []
    for operation in branch:
        match operation.WhichOneof("request"):
            case "request_put":
                own_puts.append(operation.request_put.key)
            case "request_delete_range":
                delete = operation.request_delete_range
                writes.deletes.add(delete.key, delete.range_end or delete.key + b"\x00")
            case "request_txn":
                nested.append(operation.request_txn)
            case _:
                pass
    for txn in nested:
        if not _add_nested(writes, txn):
            return None
    return writes if writes.add_puts(own_puts, _NOTHING) else None


def _add_nested(writes: _Writes, txn: pb.TxnRequest) -> bool:
    """Adds both branches of a nested transaction; only one runs, so both may put the same key."""
    success, failure = _writes(txn.success), _writes(txn.failure)
    if success is None or failure is None:
        return False
    if not writes.add_puts(success.puts, _NOTHING):
        return False
    if not writes.add_puts(failure.puts, success.puts):
        return False
    writes.deletes.update(success.deletes)
    writes.deletes.update(failure.deletes)
    return True
