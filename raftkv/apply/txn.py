"""Txn: compares, then does one of two lists of operations, all at one revision.

Everything that could fail is checked before anything is written, so a transaction that fails has
changed nothing. Nested transactions choose their branch before the first write, too.
"""

from typing import NamedTuple

from raftkv.apply.compare import all_hold
from raftkv.apply.delete_range import delete_range_within
from raftkv.apply.fields import EMPTY_HEADER, header
from raftkv.apply.parts import Parts
from raftkv.apply.put import check_put, put_within
from raftkv.apply.range import execute_range
from raftkv.command.types import Failure, Result
from raftkv.mvcc.record import delimited
from raftkv.mvcc.store import Store, WriteTransaction
from raftkv.pb.rpc_pb2 import RangeRequest, RequestOp, TxnRequest

_SUCCEEDED = b"\x10\x01"
_RESPONSES = b"\x1a"
_RESPONSE_RANGE = b"\x0a"
_RESPONSE_PUT = b"\x12"
_RESPONSE_DELETE_RANGE = b"\x1a"
_RESPONSE_TXN = b"\x22"


class Step(NamedTuple):
    """An operation that will be done."""

    kind: str | None
    """The field of RequestOp that is set."""
    operation: RequestOp
    nested: "Branch | None"
    """What a nested transaction will do."""


class Branch(NamedTuple):
    """What a transaction will do."""

    succeeded: bool
    steps: list[Step]


def apply_txn(parts: Parts, body: bytes) -> Result:
    """Applies a TxnRequest; the answer is a TxnResponse."""
    request = TxnRequest.FromString(body)
    if parts.alarms.no_space and may_put(request):
        return Failure.NO_SPACE
    branch = choose(parts.store, request)
    failure = _check(parts, branch)
    if failure is not None:
        return failure
    transaction = parts.begin()
    counts = parts.store.counts
    before = counts.operations
    answer = _execute(parts, transaction, branch)
    if counts.operations - before > 1:
        counts.txns += 1
    return parts.end(transaction), answer


def may_put(request: TxnRequest) -> bool:
    """Whether either branch has a put."""
    for operations in (request.success, request.failure):
        for operation in operations:
            kind = operation.WhichOneof("request")
            if kind == "request_put":
                return True
            if kind == "request_txn" and may_put(operation.request_txn):
                return True
    return False


def choose(store: Store, request: TxnRequest) -> Branch:
    """Compares, and picks the operations to do."""
    succeeded = all_hold(store, request.compare)
    steps = []
    for operation in request.success if succeeded else request.failure:
        kind = operation.WhichOneof("request")
        nested = choose(store, operation.request_txn) if kind == "request_txn" else None
        steps.append(Step(kind, operation, nested))
    return Branch(succeeded, steps)


def _check(parts: Parts, branch: Branch) -> Failure | None:
    """Why the operations can't all be done."""
    for kind, operation, nested in branch.steps:
        failure = None
        if kind == "request_put":
            failure = check_put(parts, operation.request_put)
        elif kind == "request_range":
            failure = _check_range(parts.store, operation.request_range)
        elif nested is not None:
            failure = _check(parts, nested)
        if failure is not None:
            return failure
    return None


def _check_range(store: Store, request: RangeRequest) -> Failure | None:
    # Unlike outside of a transaction, a negative revision is not the newest one here.
    revision = request.revision
    if revision > store.revision:
        return Failure.FUTURE_REVISION
    return Failure.COMPACTED if revision != 0 and revision < store.compact_revision else None


def _execute(parts: Parts, transaction: WriteTransaction, branch: Branch) -> bytes:
    """Does what was checked; the response without its header."""
    responses = [delimited(_RESPONSES, _do(parts, transaction, step)) for step in branch.steps]
    return (_SUCCEEDED if branch.succeeded else b"") + b"".join(responses)


def _do(parts: Parts, transaction: WriteTransaction, step: Step) -> bytes:
    """Does one operation; the ResponseOp."""
    kind, operation, nested = step
    if kind == "request_put":
        body = put_within(parts, transaction, operation.request_put)
        return delimited(_RESPONSE_PUT, header(transaction.revision) + body)
    if kind == "request_range":
        answer = execute_range(parts.store, operation.request_range, transaction)
        assert not isinstance(answer, Failure), f"{answer} after the check"
        return delimited(_RESPONSE_RANGE, header(answer[0]) + answer[1])
    if kind == "request_delete_range":
        body = delete_range_within(parts, transaction, operation.request_delete_range)
        return delimited(_RESPONSE_DELETE_RANGE, header(transaction.revision) + body)
    if nested is not None:
        body = _execute(parts, transaction, nested)
        return delimited(_RESPONSE_TXN, EMPTY_HEADER + body)
    return b""
