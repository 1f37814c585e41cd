"""A state machine to try a command on, and its answers as messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from google.protobuf.message import Message

from raftkv.apply.range import execute_range
from raftkv.apply.state import StateMachine
from raftkv.command.types import CommandKind, Failure
from raftkv.config import LimitsConfig
from raftkv.mvcc.memory import MemoryRows, MemoryTables
from raftkv.pb import rpc_pb2 as pb

Response = TypeVar("Response", bound=Message)


class RefusedError(Exception):
    """A command that ended in a failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


@contextmanager
def refused(failure: Failure) -> Iterator[None]:
    """Expects the command inside to end in `failure`."""
    with pytest.raises(RefusedError) as caught:
        yield
    assert caught.value.failure is failure


def a_state() -> StateMachine:
    return StateMachine(MemoryRows(), MemoryTables(), LimitsConfig())


def reloaded(state: StateMachine) -> StateMachine:
    state.save_meta()
    again = StateMachine(state.store.rows, state._tables, LimitsConfig())
    again.load()
    return again


def rows_of(state: StateMachine) -> dict[bytes, bytes]:
    rows = state.store.rows
    assert isinstance(rows, MemoryRows)
    return rows.by_key


def apply(
    state: StateMachine, kind: int, request: Message, response: type[Response]
) -> tuple[int, Response]:
    """Applies a command: (revision, the response without its header); RefusedError on a failure."""
    result = state.apply(kind, request.SerializeToString())
    if isinstance(result, Failure):
        raise RefusedError(result)
    return result[0], response.FromString(result[1])


def put(
    state: StateMachine,
    key: bytes,
    value: bytes = b"",
    **fields: Any,  # noqa: ANN401 - whatever the message has
) -> tuple[int, pb.PutResponse]:
    request = pb.PutRequest(key=key, value=value, **fields)
    return apply(state, CommandKind.PUT, request, pb.PutResponse)


def delete(
    state: StateMachine,
    key: bytes,
    range_end: bytes = b"",
    *,
    prev_kv: bool = False,
) -> tuple[int, pb.DeleteRangeResponse]:
    request = pb.DeleteRangeRequest(key=key, range_end=range_end, prev_kv=prev_kv)
    return apply(state, CommandKind.DELETE_RANGE, request, pb.DeleteRangeResponse)


def txn(
    state: StateMachine,
    compare: list[pb.Compare] | None = None,
    success: list[pb.RequestOp] | None = None,
    failure: list[pb.RequestOp] | None = None,
) -> tuple[int, pb.TxnResponse]:
    request = pb.TxnRequest(compare=compare, success=success, failure=failure)
    return apply(state, CommandKind.TXN, request, pb.TxnResponse)


def compact(state: StateMachine, revision: int) -> tuple[int, pb.CompactionResponse]:
    request = pb.CompactionRequest(revision=revision)
    return apply(state, CommandKind.COMPACT, request, pb.CompactionResponse)


def grant(state: StateMachine, lease: int, ttl: int = 10) -> tuple[int, pb.LeaseGrantResponse]:
    request = pb.LeaseGrantRequest(ID=lease, TTL=ttl)
    return apply(state, CommandKind.LEASE_GRANT, request, pb.LeaseGrantResponse)


def revoke(state: StateMachine, lease: int) -> tuple[int, pb.LeaseRevokeResponse]:
    request = pb.LeaseRevokeRequest(ID=lease)
    return apply(state, CommandKind.LEASE_REVOKE, request, pb.LeaseRevokeResponse)


def alarm(
    state: StateMachine,
    action: pb.AlarmRequest.AlarmAction.ValueType,
    kind: int,
    member: int = 1,
) -> tuple[int, pb.AlarmResponse]:
    request = pb.AlarmRequest(action=action, memberID=member, alarm=kind)  # type: ignore[arg-type]  # an open enum
    return apply(state, CommandKind.ALARM, request, pb.AlarmResponse)


def get(
    state: StateMachine,
    key: bytes,
    range_end: bytes = b"",
    **fields: Any,  # noqa: ANN401 - whatever the message has
) -> tuple[int, pb.RangeResponse]:
    request = pb.RangeRequest(key=key, range_end=range_end, **fields)
    answer = execute_range(state.store, request)
    if isinstance(answer, Failure):
        raise RefusedError(answer)
    return answer[0], pb.RangeResponse.FromString(answer[1])


def keys_of(answer: tuple[int, pb.RangeResponse]) -> list[bytes]:
    return [row.key for row in answer[1].kvs]
