"""What is counted of a state's operations: as etcd counts."""

from raftkv.apply.state import StateMachine
from raftkv.command.types import CommandKind, Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.apply.given import (
    a_state,
    apply,
    compact,
    delete,
    get,
    grant,
    put,
    refused,
    revoke,
)

PUT = pb.RequestOp(request_put=pb.PutRequest(key=b"a", value=b"v"))
READ = pb.RequestOp(request_range=pb.RangeRequest(key=b"a"))
DELETE = pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=b"a", range_end=b"z"))
THERE = pb.Compare(key=b"a", target=pb.Compare.VERSION, result=pb.Compare.GREATER)


def counted(state: StateMachine) -> tuple[int, int, int, int]:
    """(puts, deletes, ranges, transactions)."""
    counts = state.store.counts
    return counts.puts, counts.deletes, counts.ranges, counts.txns


def txn(state: StateMachine, request: pb.TxnRequest) -> None:
    apply(state, CommandKind.TXN, request, pb.TxnResponse)


def test_a_put_and_what_it_reads_of_the_one_before() -> None:
    state = a_state()
    put(state, b"a", b"v")
    assert counted(state) == (1, 0, 0, 0)
    put(state, b"a", b"v", prev_kv=True)
    assert counted(state) == (2, 0, 1, 0)


def test_a_deletion_counts_once_whatever_it_deletes() -> None:
    state = a_state()
    for key in (b"a", b"b"):
        put(state, key, b"v")
    delete(state, b"a", b"z")
    delete(state, b"a", b"z", prev_kv=True)
    assert counted(state) == (2, 2, 1, 0)


def test_ranges_of_one_key_and_of_many() -> None:
    state = a_state()
    get(state, b"a")
    get(state, b"a", b"z")
    assert counted(state) == (0, 0, 2, 0)


def test_a_transaction_s_operations_count_and_it_itself_from_two_on() -> None:
    state = a_state()
    txn(state, pb.TxnRequest(success=[PUT]))
    assert counted(state) == (1, 0, 0, 0)
    inner = pb.RequestOp(request_txn=pb.TxnRequest(success=[DELETE]))
    txn(state, pb.TxnRequest(success=[PUT, READ, inner]))
    assert counted(state) == (2, 1, 1, 1)


def test_conditions_count_as_ranges_up_to_the_first_that_does_not_hold() -> None:
    state = a_state()
    txn(state, pb.TxnRequest(compare=[THERE, THERE], failure=[PUT]))
    assert counted(state) == (1, 0, 1, 0)
    txn(state, pb.TxnRequest(compare=[THERE, THERE], success=[PUT]))
    assert counted(state) == (2, 0, 3, 0)


def test_leases_and_the_keys_they_take_with_them() -> None:
    state = a_state()
    grant(state, 7, 60)
    put(state, b"a", b"v", lease=7)
    put(state, b"b", b"v", lease=7)
    revoke(state, 7)
    with refused(Failure.LEASE_NOT_FOUND):
        revoke(state, 7)
    leases = state.lessor.counts
    assert (leases.granted, leases.revoked, leases.ttl_seconds.sum) == (1, 1, 60)
    assert counted(state) == (2, 2, 0, 0)


def test_rows_that_a_compaction_removes() -> None:
    state = a_state()
    for _ in range(3):
        put(state, b"a", b"v")
    compact(state, 4)
    assert state.store.counts.rows_removed == 0
    state.physical_compaction_step(100)
    assert state.store.counts.rows_removed == 2
