"""Where etcd 3.5.1, which the tests compare with, differs from etcd 3.6, which raftkv follows.

This table is the only place that excuses a difference; each row says why. What the random requests
leave out because 3.5.1 can't bear it says so where it is left out (`steps.py`).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from google.protobuf.message import Message

from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.conformance.client import Failed

CHECKED_BEFORE_A_TXN = frozenset(
    (
        "etcdserver: key not found",
        "etcdserver: requested lease not found",
        "etcdserver: mvcc: required revision has been compacted",
        "etcdserver: mvcc: required revision is a future revision",
    )
)


class Difference(NamedTuple):
    """One known difference."""

    what: str
    why: str
    excuses: Callable[[Message, Any, Any], bool]
    """Whether it explains etcd 3.5.1's and our answer to a request."""


def _unknown_sort(request: Message, _theirs: Any, ours: Any) -> bool:  # noqa: ANN401
    return (
        isinstance(request, pb.RangeRequest)
        and request.sort_order not in (0, 1, 2)
        and ours == Failed("INVALID_ARGUMENT", "etcdserver: invalid sort option")
    )


def _order_of_checks(request: Message, theirs: Any, ours: Any) -> bool:  # noqa: ANN401
    return isinstance(request, pb.TxnRequest) and all(
        isinstance(answer, Failed) and answer.text in CHECKED_BEFORE_A_TXN
        for answer in (theirs, ours)
    )


DIFFERENCES = (
    Difference(
        "an unknown sort order",
        "3.5.1 ignores it, 3.6 refuses it (api/v3rpc/key.go, checkRangeRequest)",
        _unknown_sort,
    ),
    Difference(
        "which error a txn with several faults gets",
        "3.5.1 checks all puts, then all ranges; 3.6 checks in order (etcdserver/txn/txn.go)",
        _order_of_checks,
    ),
)


def is_known(request: Message, theirs: Any, ours: Any) -> bool:  # noqa: ANN401
    """Whether a difference between etcd 3.5.1's and our answer to a request is in the table."""
    return any(each.excuses(request, theirs, ours) for each in DIFFERENCES)
