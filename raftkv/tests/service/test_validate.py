"""The rules of requests, one table a rule, and the overlap rule against a slow, obvious version."""

from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.command.types import Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.service.intervals import Intervals
from raftkv.service.status import (
    EMPTY_KEY,
    INVALID_SORT_OPTION,
    LEASE_PROVIDED,
    VALUE_PROVIDED,
)
from raftkv.service.validate import (
    Refusal,
    check_delete_range,
    check_put,
    check_range,
    check_txn,
)

Txn = pb.TxnRequest
Op = pb.RequestOp
LIMIT = 8


def put(key: bytes) -> pb.RequestOp:
    return Op(request_put=pb.PutRequest(key=key, value=b"v"))


def delete(key: bytes, end: bytes = b"") -> pb.RequestOp:
    return Op(request_delete_range=pb.DeleteRangeRequest(key=key, range_end=end))


def get(key: bytes) -> pb.RequestOp:
    return Op(request_range=pb.RangeRequest(key=key))


def nested(success: list[pb.RequestOp], failure: list[pb.RequestOp] | None = None) -> pb.RequestOp:
    return Op(request_txn=Txn(success=success, failure=failure or []))


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (pb.RangeRequest(), EMPTY_KEY),
        (pb.RangeRequest(range_end=b"\0"), EMPTY_KEY),
        (pb.RangeRequest.FromString(b"\x0a\x01a\x28\x07"), INVALID_SORT_OPTION),
        (pb.RangeRequest.FromString(b"\x0a\x01a\x30\x05"), INVALID_SORT_OPTION),
        (
            pb.RangeRequest.FromString(b"\x0a\x01a\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
            INVALID_SORT_OPTION,
        ),
        (
            pb.RangeRequest(
                key=b"a",
                sort_order=pb.RangeRequest.DESCEND,
                sort_target=pb.RangeRequest.VALUE,
            ),
            None,
        ),
    ],
    ids=["no key", "no key but an end", "order 7", "target 5", "order -1", "fine"],
)
def test_ranges(request_: pb.RangeRequest, refusal: Refusal) -> None:
    assert check_range(request_) == refusal


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (pb.PutRequest(value=b"v"), EMPTY_KEY),
        (pb.PutRequest(key=b"a", value=b"v", ignore_value=True), VALUE_PROVIDED),
        (pb.PutRequest(key=b"a", lease=1, ignore_lease=True), LEASE_PROVIDED),
        (pb.PutRequest(key=b"a", lease=1, ignore_value=True), None),
        (pb.PutRequest(key=b"a", value=b"v", ignore_lease=True), None),
        (pb.PutRequest(key=b"a"), None),
    ],
    ids=["no key", "value", "lease", "lease kept", "value kept", "empty value"],
)
def test_puts(request_: pb.PutRequest, refusal: Refusal) -> None:
    assert check_put(request_) == refusal


def test_deletes() -> None:
    assert check_delete_range(pb.DeleteRangeRequest(range_end=b"z")) == EMPTY_KEY
    assert check_delete_range(pb.DeleteRangeRequest(key=b"a")) is None


@pytest.mark.parametrize(
    ("txn", "refusal"),
    [
        (Txn(), None),
        (Txn(compare=[pb.Compare(key=b"a")] * LIMIT), None),
        (Txn(compare=[pb.Compare(key=b"a")] * (LIMIT + 1)), Failure.TOO_MANY_OPERATIONS),
        (Txn(success=[get(b"a")] * (LIMIT + 1)), Failure.TOO_MANY_OPERATIONS),
        (Txn(failure=[get(b"a")] * (LIMIT + 1)), Failure.TOO_MANY_OPERATIONS),
        (Txn(success=[nested([get(b"a")] * (LIMIT - 1))]), None),
        (Txn(success=[nested([get(b"a")] * LIMIT)]), Failure.TOO_MANY_OPERATIONS),
        (Txn(success=[get(b"a"), nested([get(b"a")] * 7)]), Failure.TOO_MANY_OPERATIONS),
        (Txn(compare=[pb.Compare()]), EMPTY_KEY),
        (Txn(success=[Op()]), Failure.KEY_NOT_FOUND),
        (Txn(success=[put(b"")]), EMPTY_KEY),
        (Txn(failure=[delete(b"")]), EMPTY_KEY),
        (Txn(success=[nested([], [get(b"")])]), EMPTY_KEY),
    ],
    ids=[
        "empty",
        "compares at the limit",
        "too many compares",
        "too many in success",
        "too many in failure",
        "nested gets the remainder",
        "nested over the remainder",
        "nested beside another",
        "compare without key",
        "empty operation",
        "put without key",
        "delete without key",
        "nested range without key",
    ],
)
def test_operations(txn: pb.TxnRequest, refusal: Refusal) -> None:
    assert check_txn(txn, LIMIT) == refusal


@pytest.mark.parametrize(
    ("branch", "allowed"),
    [
        ([put(b"a"), put(b"b")], True),
        ([put(b"a"), put(b"a")], False),
        ([put(b"a"), delete(b"a")], False),
        ([delete(b"a", b"c"), put(b"b")], False),
        ([delete(b"a", b"c"), put(b"c")], True),
        ([delete(b"a"), delete(b"a", b"z")], True),
        ([delete(b"a", b"\0"), put(b"b")], True),
        ([put(b"a"), nested([put(b"a")])], False),
        ([nested([put(b"a")], [put(b"a")])], True),
        ([nested([put(b"a")]), nested([put(b"a")])], False),
        ([nested([put(b"a")], [put(b"a")]), put(b"a")], False),
        ([nested([delete(b"a", b"c")]), put(b"b")], False),
        ([nested([], [delete(b"a", b"c")]), put(b"b")], False),
        ([delete(b"a", b"c"), nested([put(b"b")])], False),
        ([nested([delete(b"a")]), nested([put(b"a")])], False),
        ([nested([put(b"a")]), nested([delete(b"a")])], True),
        ([nested([delete(b"a")], [put(b"a")])], True),
    ],
    ids=[
        "different keys",
        "put twice",
        "put and delete",
        "put inside a deleted range",
        "put at the end of a deleted range",
        "deletes may overlap",
        "an end of zero is no interval here",
        "put again in a nested one",
        "put in both branches of a nested one",
        "put in two nested ones",
        "put in a nested one and beside it",
        "deleted in a nested success",
        "deleted in a nested failure",
        "deleted beside a nested put",
        "deleted in one nested, put in the next",
        "put in one nested, deleted in the next",
        "deleted or put, whichever branch runs",
    ],
)
def test_writes_of_the_same_key(branch: list[pb.RequestOp], *, allowed: bool) -> None:
    refusal = None if allowed else Failure.DUPLICATE_KEY
    assert check_txn(Txn(success=branch), 128) == refusal
    assert check_txn(Txn(failure=branch), 128) == refusal


KEYS = st.binary(min_size=1, max_size=2)
Pairs: TypeAlias = list[tuple[bytes, bytes]]


@given(st.lists(st.tuples(KEYS, KEYS), max_size=20), st.lists(KEYS, max_size=20))
def test_intervals_against_looking_at_each_of_them(pairs: Pairs, keys: list[bytes]) -> None:
    intervals = Intervals()
    for start, end in pairs:
        intervals.add(start, end)
    for key in [*keys, *(start for start, _ in pairs), *(end for _, end in pairs)]:
        assert (key in intervals) == any(start <= key < end for start, end in pairs)


def test_a_large_transaction_of_deletes_and_puts_is_checked_quickly() -> None:
    deletes = [delete(b"%06d" % i, b"%06d" % (i + 1)) for i in range(0, 40_000, 2)]
    puts = [put(b"%06d" % i) for i in range(1, 40_000, 2)]
    assert check_txn(Txn(success=deletes + puts), 1_000_000) is None
