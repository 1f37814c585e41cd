"""The load generator against servers that are right, wrong, failing, or silent."""

import itertools

import pytest

from bench.channel import CallFailedError, Channel, call
from bench.figures import LoadResult, LoadSpec
from bench.load import run
from bench.tests.stub import Answer, serving
from bench.workloads.kv import PUT_PATH, RANGE_PATH, TXN_PATH
from bench.workloads.types import WrongAnswerError
from raftkv.pb import kv_pb2, rpc_pb2


class Store:
    """The least that the workloads take for an etcd."""

    def __init__(self) -> None:
        self.rows: dict[bytes, kv_pb2.KeyValue] = {}
        self.revision = 1

    def __call__(self, path: str, message: bytes) -> Answer:
        if path == PUT_PATH:
            return 0, self.put(rpc_pb2.PutRequest.FromString(message)).SerializeToString()
        if path == TXN_PATH:
            return 0, self.txn(rpc_pb2.TxnRequest.FromString(message)).SerializeToString()
        assert path == RANGE_PATH
        return 0, self.range(rpc_pb2.RangeRequest.FromString(message)).SerializeToString()

    def header(self) -> rpc_pb2.ResponseHeader:
        return rpc_pb2.ResponseHeader(revision=self.revision)

    def put(self, request: rpc_pb2.PutRequest) -> rpc_pb2.PutResponse:
        self.revision += 1
        self.rows[request.key] = kv_pb2.KeyValue(
            key=request.key, value=request.value, mod_revision=self.revision
        )
        return rpc_pb2.PutResponse(header=self.header())

    def range(self, request: rpc_pb2.RangeRequest) -> rpc_pb2.RangeResponse:
        end = request.range_end or request.key + b"\x00"
        kvs = [self.rows[key] for key in sorted(self.rows) if request.key <= key < end]
        return rpc_pb2.RangeResponse(header=self.header(), kvs=kvs, count=len(kvs))

    def txn(self, request: rpc_pb2.TxnRequest) -> rpc_pb2.TxnResponse:
        compare = request.compare[0]
        assert compare.target == rpc_pb2.Compare.MOD
        row = self.rows.get(compare.key)
        holds = (row.mod_revision if row else 0) == compare.mod_revision
        if holds:
            self.put(request.success[0].request_put)
        else:
            assert request.failure[0].request_range.key == compare.key
        return rpc_pb2.TxnResponse(header=self.header(), succeeded=holds)


def load(endpoint: str, workload: str, **changes: object) -> LoadResult:
    values: dict[str, object] = {
        "workload": workload,
        "endpoints": [endpoint] * 2,
        "clients": 5,
        "seconds": 0.1,
        "warm_up_seconds": 0.02,
    }
    return run(LoadSpec(**(values | changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize("deadlines", [False, True], ids=["steady", "deadlines"])
@pytest.mark.parametrize("workload", ["put", "get", "get-serializable", "txn", "range"])
def test_every_workload_is_content_with_a_right_store(workload: str, *, deadlines: bool) -> None:
    with serving(Store()) as endpoint:
        result = load(endpoint, workload, deadlines=deadlines, keys=20)
    assert result.operations > 0
    assert (result.errors, result.first_error) == (0, "")
    assert result.verified > 0
    assert 0 < result.p50_ms <= result.p99_ms <= result.max_ms


def test_a_fill_ends_by_itself_with_every_key_in_place() -> None:
    store = Store()
    with serving(store) as endpoint:
        result = load(endpoint, "fill", keys=123, seconds=60, warm_up_seconds=0)
    assert result.operations == len(store.rows) == 123
    assert result.verified == 123


def test_errors_are_counted_and_the_first_is_told() -> None:
    store, numbers = Store(), itertools.count(1)

    def sometimes(path: str, message: bytes) -> Answer:
        if path == PUT_PATH and next(numbers) % 10 == 0:
            return 8, b"etcdserver: too many requests"
        return store(path, message)

    with serving(sometimes) as endpoint:
        result = load(endpoint, "put")
    assert result.errors > 0
    assert result.first_error == "gRPC status 8: etcdserver: too many requests"


def test_a_store_that_forgets_an_acknowledged_put_is_caught() -> None:
    store = Store()

    def forgetful(path: str, message: bytes) -> Answer:
        if path == PUT_PATH and store.revision > 50:
            return 0, rpc_pb2.PutResponse(header=store.header()).SerializeToString()
        return store(path, message)

    with serving(forgetful) as endpoint, pytest.raises(WrongAnswerError):
        load(endpoint, "put")


def test_a_store_that_answers_a_get_with_another_value_is_caught() -> None:
    store = Store()

    def stale(path: str, message: bytes) -> Answer:
        status, answer = store(path, message)
        return status, answer.replace(b"00000000017", b"00000000018")

    with serving(stale) as endpoint:
        result = load(endpoint, "get", keys=20)
    assert result.errors > 0
    assert "instead of" in result.first_error


def test_an_empty_answer_is_an_error() -> None:
    with serving(lambda _path, _message: (0, b"")) as endpoint:
        with Channel(endpoint, PUT_PATH) as channel:
            assert channel.call(b"") == b""
        result = load(endpoint, "get", keys=1)
    assert result.operations == 0
    assert result.errors > 0


def test_a_call_that_fails_says_why() -> None:
    with serving(lambda _path, _message: (14, b"etcdserver: no leader")) as endpoint:
        with pytest.raises(CallFailedError, match="no leader") as caught:
            call(endpoint, PUT_PATH, b"")
        assert caught.value.status == 14


def test_many_calls_are_answered_in_their_order() -> None:
    with serving(lambda _path, message: (0, message)) as endpoint:
        messages = [b"%d" % number for number in range(500)]
        with Channel(endpoint, PUT_PATH) as channel:
            assert channel.call_many(messages) == messages


def test_more_than_a_window_of_requests_waits_its_turn() -> None:
    """64 requests of 8 KiB are eight times what the server lets a client send ahead."""
    with serving(lambda _path, message: (0, message[:4])) as endpoint:
        messages = [b"%04d" % number + bytes(8192) for number in range(64)]
        with Channel(endpoint, PUT_PATH) as channel:
            answers = channel.call_many(messages)
    assert answers == [message[:4] for message in messages]
