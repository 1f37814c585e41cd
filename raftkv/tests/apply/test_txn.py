"""Transactions: conditions, order of operations, and that a failure has changed nothing."""

from typing import Any

import pytest

from raftkv.apply.state import StateMachine
from raftkv.command.types import Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.apply.given import (
    a_state,
    compact,
    delete,
    get,
    grant,
    keys_of,
    put,
    refused,
    txn,
)

C = pb.Compare
Op = pb.RequestOp


def put_op(key: bytes, value: bytes = b"", **fields: Any) -> Op:  # noqa: ANN401
    return Op(request_put=pb.PutRequest(key=key, value=value, **fields))


def range_op(key: bytes, range_end: bytes = b"", revision: int = 0) -> Op:
    return Op(request_range=pb.RangeRequest(key=key, range_end=range_end, revision=revision))


def delete_op(key: bytes, range_end: bytes = b"") -> Op:
    return Op(request_delete_range=pb.DeleteRangeRequest(key=key, range_end=range_end))


def txn_op(
    compare: list[C] | None = None,
    success: list[Op] | None = None,
    failure: list[Op] | None = None,
) -> Op:
    request = pb.TxnRequest(compare=compare, success=success, failure=failure)
    return Op(request_txn=request)


def holds(state: StateMachine, **fields: Any) -> bool:  # noqa: ANN401
    return txn(state, compare=[C(**fields)])[1].succeeded


def filled() -> StateMachine:
    """a: created 3, changed 4, version 2, value `x`, lease 7; b: 5, value `y`."""
    state = a_state()
    grant(state, 7)
    put(state, b"other")
    put(state, b"a")
    put(state, b"a", b"x", lease=7)
    put(state, b"b", b"y")
    return state


@pytest.mark.parametrize(
    ("target", "field", "actual", "lower", "higher"),
    [
        (C.VERSION, "version", 2, 1, 3),
        (C.CREATE, "create_revision", 3, 2, 4),
        (C.MOD, "mod_revision", 4, 3, 5),
        (C.VALUE, "value", b"x", b"w", b"xx"),
        (C.LEASE, "lease", 7, -7, 8),
    ],
    ids=["version", "create", "mod", "value", "lease"],
)
def test_each_target_is_compared_in_each_way(
    target: C.CompareTarget.ValueType, field: str, actual: object, lower: object, higher: object
) -> None:
    state = filled()
    table = {
        C.EQUAL: (True, False, False),
        C.NOT_EQUAL: (False, True, True),
        C.GREATER: (False, True, False),
        C.LESS: (False, False, True),
    }
    for result, expected in table.items():
        for wanted, outcome in zip((actual, lower, higher), expected, strict=True):
            fields = {field: wanted}
            assert holds(state, key=b"a", target=target, result=result, **fields) == outcome


def test_the_numbers_of_a_missing_key_are_0_but_its_value_compares_with_nothing() -> None:
    state = filled()
    delete(state, b"b")
    for key in (b"b", b"x"):
        for target in (C.VERSION, C.CREATE, C.MOD, C.LEASE):
            assert holds(state, key=key, target=target, result=C.EQUAL)
            assert not holds(state, key=key, target=target, result=C.NOT_EQUAL)
        for result in C.CompareResult.values():
            assert not holds(state, key=key, target=C.VALUE, result=result, value=b"")


def test_a_condition_on_a_range_must_hold_for_every_key_in_it() -> None:
    state = filled()
    every = {"key": b"a", "range_end": b"c", "target": C.MOD}
    assert holds(state, result=C.GREATER, mod_revision=3, **every)
    assert not holds(state, result=C.GREATER, mod_revision=4, **every)
    empty = {"key": b"x", "range_end": b"\0"}
    assert holds(state, target=C.VERSION, result=C.EQUAL, version=0, **empty)
    assert not holds(state, target=C.VALUE, result=C.NOT_EQUAL, value=b"z", **empty)


def test_a_value_given_for_another_target_counts_as_0() -> None:
    assert holds(filled(), key=b"a", target=C.MOD, result=C.GREATER, version=9)


def test_all_conditions_must_hold() -> None:
    state = filled()
    good = C(key=b"a", target=C.VERSION, result=C.EQUAL, version=2)
    bad = C(key=b"b", target=C.VERSION, result=C.EQUAL, version=2)
    assert txn(state)[1].succeeded
    assert txn(state, compare=[good])[1].succeeded
    assert not txn(state, compare=[good, bad])[1].succeeded


def test_operations_see_the_ones_before_and_all_share_a_revision() -> None:
    state = filled()
    revision, answer = txn(
        state,
        success=[
            range_op(b"new"),
            put_op(b"new", b"1"),
            range_op(b"new"),
            delete_op(b"a", b"c"),
            range_op(b"\0", b"\0"),
            range_op(b"\0", b"\0", revision=5),
        ],
    )
    before, first, seen, deleted, rest, old = answer.responses
    assert revision == 6
    assert before.response_range == pb.RangeResponse(header=pb.ResponseHeader(revision=5))
    assert first.response_put.header == pb.ResponseHeader(revision=6)
    assert seen.response_range.kvs[0].mod_revision == 6
    assert deleted.response_delete_range.deleted == 2
    assert [row.key for row in rest.response_range.kvs] == [b"new", b"other"]
    assert [row.key for row in old.response_range.kvs] == [b"a", b"b", b"other"]
    assert old.response_range.header.revision == 6


def test_a_transaction_that_changes_nothing_does_not_move_the_revision() -> None:
    state = filled()
    revision, answer = txn(state, success=[delete_op(b"x"), range_op(b"a")])
    assert revision == state.store.revision == 5
    assert answer.responses[0].response_delete_range.header.revision == 5


def test_nested_transactions_compare_before_anything_is_written() -> None:
    state = filled()
    version = C(key=b"a", target=C.VERSION, result=C.EQUAL, version=2)
    revision, answer = txn(
        state,
        success=[
            delete_op(b"a"),
            txn_op(compare=[version], success=[put_op(b"then")], failure=[put_op(b"else")]),
            txn_op(success=[txn_op(failure=[put_op(b"never")], success=[put_op(b"deep")])]),
        ],
    )
    assert revision == 6
    assert keys_of(get(state, b"\0", b"\0")) == [b"b", b"deep", b"other", b"then"]
    nested = answer.responses[1].response_txn
    assert nested.succeeded
    assert nested.HasField("header")
    assert nested.header == pb.ResponseHeader()
    assert nested.responses[0].response_put.header.revision == 6


@pytest.mark.parametrize(
    ("operation", "failure"),
    [
        (put_op(b"z", lease=99), Failure.LEASE_NOT_FOUND),
        (put_op(b"z", ignore_value=True), Failure.KEY_NOT_FOUND),
        (put_op(b"z", ignore_lease=True), Failure.KEY_NOT_FOUND),
        (range_op(b"a", revision=99), Failure.FUTURE_REVISION),
        (range_op(b"a", revision=6), Failure.FUTURE_REVISION),
        (range_op(b"a", revision=3), Failure.COMPACTED),
        (range_op(b"a", revision=-1), Failure.COMPACTED),
    ],
    ids=[
        "no lease",
        "no value to keep",
        "no lease to keep",
        "far future",
        "next revision",
        "compacted",
        "negative",
    ],
)
@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
def test_whatever_fails_is_found_before_the_first_write(
    operation: Op, failure: Failure, *, nested: bool
) -> None:
    state = filled()
    compact(state, 4)
    before = (state.store.revision, state.rolling_hash, state.store.row_bytes)
    bad = txn_op(success=[operation]) if nested else operation
    with refused(failure):
        txn(state, success=[put_op(b"first"), bad])
    assert (state.store.revision, state.rolling_hash, state.store.row_bytes) == before
    assert not state.store.exists(b"first")


def test_the_branch_that_is_not_taken_is_not_checked() -> None:
    state = filled()
    revision, answer = txn(state, success=[put_op(b"z")], failure=[put_op(b"z", lease=99)])
    assert (revision, answer.succeeded) == (6, True)


def test_a_put_of_a_key_that_the_same_transaction_deleted_starts_it_anew() -> None:
    state = filled()
    txn(state, success=[delete_op(b"a"), put_op(b"a", b"new")])
    row = get(state, b"a")[1].kvs[0]
    assert (row.create_revision, row.mod_revision, row.version) == (6, 6, 1)
    assert get(state, b"a", revision=5)[1].kvs[0].version == 2


def test_keeping_the_value_of_a_key_that_the_same_transaction_deleted_keeps_nothing() -> None:
    state = filled()
    txn(state, success=[delete_op(b"a", b"\0"), put_op(b"a", ignore_value=True, lease=7)])
    row = get(state, b"a")[1].kvs[0]
    assert (row.value, row.lease, row.version) == (b"", 7, 1)
