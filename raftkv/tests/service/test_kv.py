"""The key-value service over the real state machine."""

from functools import partial

import pytest

from raftkv.command.types import CommandKind, Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.service import ranges
from raftkv.tests.service.fakes import CLUSTER_ID, ME, World, with_limits
from raftkv.wire import Code

Op = pb.RequestOp


def test_put_then_get() -> None:
    world = World()
    answer = world.ask("KV/Put", pb.PutRequest(key=b"a", value=b"1"), pb.PutResponse)
    assert answer.header == pb.ResponseHeader(
        cluster_id=CLUSTER_ID, member_id=ME, revision=2, raft_term=5
    )
    got = world.ask("KV/Range", pb.RangeRequest(key=b"a"), pb.RangeResponse)
    assert got.header.revision == 2
    assert [(kv.key, kv.value, kv.mod_revision) for kv in got.kvs] == [(b"a", b"1", 2)]
    assert got.count == 1


def test_prev_kv_comes_back() -> None:
    world = World()
    world.put(b"a", b"1")
    answer = world.ask("KV/Put", pb.PutRequest(key=b"a", value=b"2", prev_kv=True), pb.PutResponse)
    assert answer.prev_kv.value == b"1"


def test_a_linearizable_get_waits_for_the_barrier_and_a_serializable_one_does_not() -> None:
    world = World()
    world.put(b"a")
    world.node.is_holding = True
    linearizable = world.start("KV/Range", pb.RangeRequest(key=b"a"))
    serializable = world.start("KV/Range", pb.RangeRequest(key=b"a", serializable=True))
    assert serializable.is_over
    assert not linearizable.is_over
    world.node.is_holding = False
    world.put(b"a", b"newer")
    world.node.release()
    assert pb.RangeResponse.FromString(linearizable.message).kvs[0].value == b"newer"


@pytest.mark.parametrize(
    ("path", "request_", "error"),
    [
        ("KV/Put", pb.PutRequest(value=b"1"), (Code.INVALID_ARGUMENT, "key is not provided")),
        (
            "KV/Put",
            pb.PutRequest(key=b"a", ignore_value=True),
            (Code.INVALID_ARGUMENT, "key not found"),
        ),
        (
            "KV/Put",
            pb.PutRequest(key=b"a", ignore_value=True, value=b"1"),
            (Code.INVALID_ARGUMENT, "value is provided"),
        ),
        (
            "KV/Put",
            pb.PutRequest(key=b"a", ignore_lease=True, lease=1),
            (Code.INVALID_ARGUMENT, "lease is provided"),
        ),
        (
            "KV/Put",
            pb.PutRequest(key=b"a", lease=1),
            (Code.NOT_FOUND, "requested lease not found"),
        ),
        (
            "KV/Put",
            pb.PutRequest(key=b"a", value=bytes(1_572_864)),
            (Code.INVALID_ARGUMENT, "request is too large"),
        ),
        ("KV/Range", pb.RangeRequest(), (Code.INVALID_ARGUMENT, "key is not provided")),
        (
            "KV/Range",
            pb.RangeRequest(key=b"a", revision=9),
            (Code.OUT_OF_RANGE, "mvcc: required revision is a future revision"),
        ),
        (
            "KV/Range",
            pb.RangeRequest(key=b"a", range_end=b"b", revision=9),
            (Code.OUT_OF_RANGE, "mvcc: required revision is a future revision"),
        ),
        ("KV/DeleteRange", pb.DeleteRangeRequest(), (Code.INVALID_ARGUMENT, "key is not provided")),
        (
            "KV/Txn",
            pb.TxnRequest(success=[Op(request_put=pb.PutRequest(key=b"a"))] * 2),
            (Code.INVALID_ARGUMENT, "duplicate key given in txn request"),
        ),
        (
            "KV/Txn",
            pb.TxnRequest(compare=[pb.Compare(key=b"a")] * 129),
            (Code.INVALID_ARGUMENT, "too many operations in txn request"),
        ),
        (
            "KV/Compact",
            pb.CompactionRequest(revision=9),
            (Code.OUT_OF_RANGE, "mvcc: required revision is a future revision"),
        ),
    ],
    ids=[
        "put without key",
        "ignore_value of a missing key",
        "value given and ignored",
        "lease given and ignored",
        "no such lease",
        "too large",
        "range without key",
        "get in the future",
        "range in the future",
        "delete without key",
        "put twice in a txn",
        "too many compares",
        "compaction in the future",
    ],
)
def test_requests_that_are_refused(
    path: str, request_: pb.PutRequest, error: tuple[Code, str]
) -> None:
    world = World()
    assert world.refused(path, request_) == error
    assert world.node.state.store.revision == 1


def test_a_message_that_is_no_protobuf_is_refused() -> None:
    world = World()
    for path in ("KV/Put", "KV/Range", "KV/Txn", "Lease/LeaseGrant", "Maintenance/Status"):
        assert world.refused(path, b"\xff\xff\xff") == (
            Code.INTERNAL,
            "grpc: error unmarshalling request",
        )
    assert world.node.proposed == []


@pytest.mark.parametrize("failure", list(Failure), ids=lambda failure: failure.name)
def test_every_failure_of_the_node_becomes_a_status(failure: Failure) -> None:
    world = World()
    world.node.failure = failure
    code, text = world.start("KV/Put", pb.PutRequest(key=b"a")).error
    assert text.startswith("etcdserver: ")
    assert code != Code.OK
    assert world.start("KV/Range", pb.RangeRequest(key=b"a")).error == (code, text)
    assert world.start("KV/Txn", pb.TxnRequest(success=[_get()])).error == (code, text)


def _get(*, serializable: bool = False) -> pb.RequestOp:
    return Op(request_range=pb.RangeRequest(key=b"a", serializable=serializable))


def test_a_txn_of_ranges_is_read_without_the_log() -> None:
    world = World()
    world.put(b"a", b"1")
    world.node.proposed.clear()
    before = world.node.state.rolling_hash
    txn = pb.TxnRequest(success=[_get()])
    answer = world.ask("KV/Txn", txn, pb.TxnResponse)
    assert answer.succeeded
    assert answer.header.revision == 2
    assert answer.responses[0].response_range.kvs[0].value == b"1"
    assert world.node.barriers == 1
    local = pb.TxnRequest(success=[_get(serializable=True)])
    assert world.ask("KV/Txn", local, pb.TxnResponse).succeeded
    assert world.ask("KV/Txn", pb.TxnRequest(), pb.TxnResponse).succeeded
    assert world.node.barriers == 1
    assert world.node.proposed == []
    assert world.node.state.rolling_hash == before


def test_a_txn_with_anything_else_goes_through_the_log() -> None:
    world = World()
    world.ask(
        "KV/Txn",
        pb.TxnRequest(success=[Op(request_txn=pb.TxnRequest())], failure=[_get()]),
        pb.TxnResponse,
    )
    assert world.node.proposed == [CommandKind.TXN]


def test_a_large_range_is_read_in_slices_at_one_revision() -> None:
    world = World()
    for i in range(3_000):
        world.put(b"%05d" % i)
    call = world.start("KV/Range", pb.RangeRequest(key=b"\0", range_end=b"\0"))
    assert not call.is_over
    world.put(b"00000", b"changed meanwhile")
    world.put(b"new")
    turns = world.host.run()
    assert turns >= 3_000 // 256 // ranges.STEPS_PER_SLICE
    answer = pb.RangeResponse.FromString(call.message)
    assert (answer.count, len(answer.kvs), answer.header.revision) == (3_000, 3_000, 3_001)
    assert answer.kvs[0].value == b"v"


def test_a_range_whose_revision_is_compacted_meanwhile() -> None:
    world = World()
    for i in range(3_000):
        world.put(b"%05d" % i)
    everything = partial(pb.RangeRequest, key=b"\0", range_end=b"\0")
    newest = world.start("KV/Range", everything())
    pinned = world.start("KV/Range", everything(revision=3_001))
    world.put(b"new")
    world.start("KV/Compact", pb.CompactionRequest(revision=3_002))
    world.host.run()
    assert pb.RangeResponse.FromString(newest.message).count == 3_001
    assert pinned.error[1] == "etcdserver: mvcc: required revision has been compacted"


def test_a_range_goes_on_in_the_state_that_a_snapshot_brought() -> None:
    world = World()
    for i in range(3_000):
        world.put(b"%05d" % i)
    call = world.start("KV/Range", pb.RangeRequest(key=b"\0", range_end=b"\0"))
    world.node.state = World().node.state
    world.host.run()
    assert pb.RangeResponse.FromString(call.message).count == 0


def test_a_physical_compaction_is_answered_when_the_rows_are_gone() -> None:
    world = World()
    for _ in range(10):
        world.put(b"a")
    request = pb.CompactionRequest(revision=11, physical=True)
    call = world.start("KV/Compact", request)
    world.services.tick()
    assert not call.is_over
    while world.node.state.physical_compaction_step(4):
        pass
    world.services.tick()
    assert pb.CompactionResponse.FromString(call.message).header.revision == 11
    assert world.refused("KV/Compact", request) == (
        Code.OUT_OF_RANGE,
        "mvcc: required revision has been compacted",
    )


def test_a_full_store_raises_the_alarm_once_and_refuses_what_grows_it() -> None:
    world = World(with_limits(quota_bytes=2_000))
    no_space = (Code.RESOURCE_EXHAUSTED, "mvcc: database space exceeded")
    puts = [world.start("KV/Put", pb.PutRequest(key=b"a", value=bytes(100))) for _ in range(20)]
    assert isinstance(puts[0].ends[0], bytes)
    assert puts[-1].error == (no_space[0], f"etcdserver: {no_space[1]}")
    assert world.refused("KV/Put", pb.PutRequest(key=b"b")) == no_space
    txn = pb.TxnRequest(failure=[Op(request_put=pb.PutRequest(key=b"c"))])
    assert world.refused("KV/Txn", txn) == no_space
    assert world.refused("Lease/LeaseGrant", pb.LeaseGrantRequest(TTL=10)) == no_space
    assert world.node.proposed.count(CommandKind.ALARM) == 1
    assert world.node.state.alarms.active() == [(ME, pb.NOSPACE)]
    assert world.ask("KV/Txn", pb.TxnRequest(success=[_get()]), pb.TxnResponse).succeeded
    deleted = world.ask("KV/DeleteRange", pb.DeleteRangeRequest(key=b"a"), pb.DeleteRangeResponse)
    assert deleted.deleted == 1


def test_a_negative_quota_is_none() -> None:
    world = World(with_limits(quota_bytes=-1))
    world.put(b"a", bytes(10_000))
