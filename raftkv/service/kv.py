"""etcdserverpb.KV but for Range: check, propose, answer.

`put` is the hot path of the whole store: everything here that is not needed for most puts stands
behind one comparison.
"""

from functools import partial
from typing import TYPE_CHECKING

from raftkv.apply.txn import apply_txn
from raftkv.command.types import CommandKind, Failure, Result
from raftkv.config import LimitsConfig
from raftkv.mvcc.compaction import is_pending
from raftkv.pb import rpc_pb2 as pb
from raftkv.service.answers import Answers
from raftkv.service.ports import Call, Node
from raftkv.service.quota import KEY_VALUE_BYTES, Quota, put_cost, txn_cost
from raftkv.service.status import fail
from raftkv.service.validate import Refusal, check_delete_range, check_put, check_txn

if TYPE_CHECKING:
    from collections.abc import Callable

_parse_put = pb.PutRequest.FromString
_PUT = CommandKind.PUT


class KeyValueService:
    """The writes of the key-value service of one member."""

    def __init__(self, node: Node, answers: Answers, quota: Quota, limits: LimitsConfig) -> None:
        self._node = node
        self._propose = node.propose
        self._answer = answers.answer
        self._quota = quota
        self._request_bytes_max = limits.request_bytes_max
        self._operations_max = limits.txn_operations_max
        self._waiting_for_removal: list[Callable[[], None]] = []
        """Answers of compactions whose clients wait until the rows are gone."""

    def put(self, call: Call, message: bytes) -> None:
        """Put: sets a key."""
        request = _parse_put(message)
        size = len(message)
        if (
            not request.key
            or request.ignore_value
            or request.ignore_lease
            or size > self._request_bytes_max
            or self._node.state.store.row_bytes + size + KEY_VALUE_BYTES >= self._quota.limit_bytes
        ):
            refusal = self._refuse_put(request, size)
            if refusal is not None:
                fail(call, refusal)
                return
        self._propose(_PUT, message, partial(self._answer, call))

    def _refuse_put(self, request: pb.PutRequest, size: int) -> Refusal:
        """Why a put is not proposed, in the order in which etcd looks."""
        if not self._quota.has_room(put_cost(request)):
            return Failure.NO_SPACE
        return check_put(request) or self._refuse_size(size)

    def _refuse_size(self, size: int) -> Failure | None:
        return Failure.REQUEST_TOO_LARGE if size > self._request_bytes_max else None

    def delete_range(self, call: Call, message: bytes) -> None:
        """DeleteRange: deletes one key or a range of keys."""
        request = pb.DeleteRangeRequest.FromString(message)
        refusal = check_delete_range(request) or self._refuse_size(len(message))
        if refusal is not None:
            fail(call, refusal)
            return
        self._propose(CommandKind.DELETE_RANGE, message, partial(self._answer, call))

    def txn(self, call: Call, message: bytes) -> None:
        """Txn: compares, then does one of two lists of operations; ranges alone are read here."""
        request = pb.TxnRequest.FromString(message)
        if not self._quota.surely_has_room(len(message)) and not self._quota.has_room(
            txn_cost(request)
        ):
            fail(call, Failure.NO_SPACE)
            return
        refusal = check_txn(request, self._operations_max)
        if refusal is not None:
            fail(call, refusal)
            return
        ranges_only, serializable = _reads(request)
        if not ranges_only:
            if len(message) > self._request_bytes_max:
                fail(call, Failure.REQUEST_TOO_LARGE)
            else:
                self._propose(CommandKind.TXN, message, partial(self._answer, call))
        elif serializable:
            self._read_txn(call, message, None)
        else:
            self._node.read_barrier(partial(self._read_txn, call, message))

    def _read_txn(self, call: Call, message: bytes, failure: Failure | None) -> None:
        if failure is not None:
            fail(call, failure)
            return
        # A transaction of ranges changes nothing, so it may be carried out beside the log.
        self._answer(call, apply_txn(self._node.state, message))

    def compact(self, call: Call, message: bytes) -> None:
        """Compact: gives up history; with `physical` the answer waits until it is removed."""
        request = pb.CompactionRequest.FromString(message)
        answer = self._answer_removed if request.physical else self._answer
        self._propose(CommandKind.COMPACT, message, partial(answer, call))

    def _answer_removed(self, call: Call, result: Result) -> None:
        if isinstance(result, tuple) and is_pending(self._node.state.store):
            self._waiting_for_removal.append(partial(self._answer, call, result))
        else:
            self._answer(call, result)

    def tick(self) -> None:
        """Answers the compactions whose rows are gone by now."""
        if self._waiting_for_removal and not is_pending(self._node.state.store):
            waiting, self._waiting_for_removal = self._waiting_for_removal, []
            for answer in waiting:
                answer()


def _reads(request: pb.TxnRequest) -> tuple[bool, bool]:
    """Whether a transaction only reads, and whether all its reads are serializable."""
    serializable = True
    for branch in (request.success, request.failure):
        for operation in branch:
            if operation.WhichOneof("request") != "request_range":
                return False, False
            serializable = serializable and operation.request_range.serializable
    return True, serializable
