"""The space quota: what a write would add, and the NOSPACE alarm when that is too much.

Costs are etcd's (`server/storage/quota.go`). The quota is checked here so that a store that is full
says so at once; the state machine decides the same again when it applies, with the alarm as its
sign.
"""

from collections.abc import Iterable

from raftkv.command.types import CommandKind, Result
from raftkv.pb import rpc_pb2 as pb
from raftkv.service.ports import Node

KEY_VALUE_BYTES = 256
"""What a put costs beside its key and value."""
COST_PER_REQUEST_BYTE_MAX = KEY_VALUE_BYTES
"""What a byte of a transaction can cost at most: a put takes several."""
LEASE_BYTES = 64
"""What a lease costs."""


def put_cost(request: pb.PutRequest) -> int:
    """Bytes that a put may add to the store."""
    return KEY_VALUE_BYTES + len(request.key) + len(request.value)


def txn_cost(request: pb.TxnRequest) -> int:
    """Bytes that a transaction may add to the store: those of its dearer branch."""
    return max(_branch_cost(request.success), _branch_cost(request.failure))


def _branch_cost(branch: Iterable[pb.RequestOp]) -> int:
    cost = 0
    for operation in branch:
        which = operation.WhichOneof("request")
        if which == "request_put":
            cost += put_cost(operation.request_put)
        elif which == "request_txn":
            cost += txn_cost(operation.request_txn)
    return cost


class Quota:
    """Guards `quota_bytes` of rows; a negative quota is none."""

    def __init__(self, node: Node, quota_bytes: int) -> None:
        self._node = node
        self.limit_bytes: float = quota_bytes if quota_bytes >= 0 else float("inf")
        self._raising = False
        """Whether the alarm is on its way through the log."""

    def has_room(self, cost: int) -> bool:
        """Whether `cost` more bytes fit; raises the alarm if not. Nothing always fits."""
        if cost == 0 or self._node.state.store.row_bytes + cost < self.limit_bytes:
            return True
        self._raise_alarm()
        return False

    def surely_has_room(self, request_bytes: int) -> bool:
        """Whether any transaction of this size fits; if not, only its cost can tell."""
        bound = self._node.state.store.row_bytes + COST_PER_REQUEST_BYTE_MAX * request_bytes
        return bound < self.limit_bytes

    def _raise_alarm(self) -> None:
        if self._raising or self._node.state.alarms.no_space:
            return
        self._raising = True
        request = pb.AlarmRequest(
            action=pb.AlarmRequest.ACTIVATE,
            memberID=self._node.status.member_id,
            alarm=pb.NOSPACE,
        )
        self._node.propose(CommandKind.ALARM, request.SerializeToString(), self._raised)

    def _raised(self, _result: Result) -> None:
        self._raising = False
