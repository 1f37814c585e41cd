"""Alarms as commands, and what they keep other commands from."""

import pytest

from raftkv.apply.state import StateMachine
from raftkv.cluster.alarms import ANY, CORRUPT, NO_SPACE
from raftkv.command.types import Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.apply.given import (
    RefusedError,
    a_state,
    alarm,
    compact,
    delete,
    get,
    grant,
    put,
    refused,
    reloaded,
    revoke,
    txn,
)

GET = pb.AlarmRequest.GET
ACTIVATE = pb.AlarmRequest.ACTIVATE
DEACTIVATE = pb.AlarmRequest.DEACTIVATE


def told(answer: tuple[int, pb.AlarmResponse]) -> list[tuple[int, int]]:
    return [(member.memberID, member.alarm) for member in answer[1].alarms]


def with_alarm(kind: int) -> StateMachine:
    state = a_state()
    grant(state, 7)
    put(state, b"a", b"1")
    put(state, b"a", b"2")
    alarm(state, ACTIVATE, kind)
    return state


def test_an_alarm_is_raised_told_of_and_taken_back() -> None:
    state = a_state()
    assert told(alarm(state, ACTIVATE, NO_SPACE, 1)) == [(1, NO_SPACE)]
    assert told(alarm(state, ACTIVATE, NO_SPACE, 1)) == [(1, NO_SPACE)]
    alarm(state, ACTIVATE, CORRUPT, 2)
    assert told(alarm(state, GET, ANY)) == [(1, NO_SPACE), (2, CORRUPT)]
    assert told(alarm(state, GET, CORRUPT)) == [(2, CORRUPT)]
    assert told(alarm(state, DEACTIVATE, NO_SPACE, 1)) == [(1, NO_SPACE)]
    assert told(alarm(state, DEACTIVATE, NO_SPACE, 1)) == []
    assert told(alarm(state, GET, ANY)) == [(2, CORRUPT)]


def test_no_kind_raises_nothing_and_no_member_stands_for_all_of_them() -> None:
    state = a_state()
    assert told(alarm(state, ACTIVATE, ANY)) == []
    alarm(state, ACTIVATE, NO_SPACE, 1)
    alarm(state, ACTIVATE, NO_SPACE, 2)
    assert told(alarm(state, DEACTIVATE, ANY, 0)) == [(1, NO_SPACE), (2, NO_SPACE)]
    assert not state.alarms.any_active


def put_op() -> list[pb.RequestOp]:
    return [pb.RequestOp(request_put=pb.PutRequest(key=b"p"))]


def nested(operations: list[pb.RequestOp]) -> list[pb.RequestOp]:
    return [pb.RequestOp(request_txn=pb.TxnRequest(failure=operations))]


def test_without_space_nothing_can_be_put_but_everything_deleted() -> None:
    state = with_alarm(NO_SPACE)
    with refused(Failure.NO_SPACE):
        put(state, b"b")
    with refused(Failure.NO_SPACE):
        grant(state, 8)
    with refused(Failure.NO_SPACE):
        txn(state, success=put_op())
    with refused(Failure.NO_SPACE):
        txn(state, failure=put_op())
    with refused(Failure.NO_SPACE):
        txn(state, success=nested(put_op()))
    assert txn(state)[1].succeeded
    assert get(state, b"a")[1].count == 1
    assert compact(state, 2)[0] == 3
    assert revoke(state, 7)[0] == 3
    assert delete(state, b"a")[1].deleted == 1


def test_a_corrupt_cluster_takes_no_change_at_all() -> None:
    state = with_alarm(CORRUPT)
    before = (state.store.revision, state.rolling_hash)
    with refused(Failure.CORRUPT):
        put(state, b"b")
    with refused(Failure.CORRUPT):
        delete(state, b"a")
    with refused(Failure.CORRUPT):
        txn(state)
    with refused(Failure.CORRUPT):
        compact(state, 2)
    with refused(Failure.CORRUPT):
        grant(state, 8)
    with refused(Failure.CORRUPT):
        revoke(state, 7)
    assert (state.store.revision, state.rolling_hash) == before
    assert get(state, b"a")[1].count == 1


@pytest.mark.parametrize("kind", [NO_SPACE, CORRUPT])
def test_an_alarm_outlasts_a_restart_and_ends_when_it_is_taken_back(
    kind: int,
) -> None:
    state = reloaded(with_alarm(kind))
    with pytest.raises(RefusedError):
        put(state, b"b")
    alarm(state, DEACTIVATE, kind)
    assert put(state, b"b")[0] == 4
