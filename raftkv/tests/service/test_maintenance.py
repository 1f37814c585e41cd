"""Maintenance, auth and health."""

import pytest

from raftkv.command.types import Failure
from raftkv.config import ETCD_VERSION
from raftkv.pb import health_pb2
from raftkv.pb import rpc_pb2 as pb
from raftkv.service import auth
from raftkv.tests.service.fakes import ME, OTHERS, World
from raftkv.wire import Code

HEALTH = "/grpc.health.v1.Health/"


def test_status_tells_what_clients_ask_for() -> None:
    world = World()
    world.put(b"a")
    status = world.ask("Maintenance/Status", pb.StatusRequest(), pb.StatusResponse)
    assert status.version == ETCD_VERSION
    assert status.storageVersion == "3.6.0"
    assert (status.leader, status.raftTerm, status.raftIndex) == (ME, 5, 12)
    assert (status.raftAppliedIndex, status.dbSize) == (11, 4_096)
    assert status.dbSizeInUse == world.node.state.store.row_bytes > 0
    assert status.dbSizeQuota == 2 << 30
    assert status.header.revision == 2
    assert status.HasField("downgradeInfo")
    assert not status.errors


def test_status_tells_what_is_wrong() -> None:
    world = World()
    world.node.raft.leader = 0
    world.node.state.alarms.activate(ME, pb.NOSPACE)
    status = world.ask("Maintenance/Status", pb.StatusRequest(), pb.StatusResponse)
    assert list(status.errors) == ["etcdserver: no leader", f"memberID:{ME} alarm:NOSPACE "]


def test_hash_kv_is_a_function_of_the_readable_rows() -> None:
    first, second = World(), World()
    for world in (first, second):
        for i in range(600):
            world.put(b"%03d" % (i % 200))
        world.start("KV/DeleteRange", pb.DeleteRangeRequest(key=b"000"))
        world.start("KV/Compact", pb.CompactionRequest(revision=500))
    while second.node.state.physical_compaction_step(50):
        pass

    def hash_of(world: World, revision: int = 0) -> tuple[int, int, int]:
        request = pb.HashKVRequest(revision=revision)
        answer = world.ask("Maintenance/HashKV", request, pb.HashKVResponse)
        return answer.hash, answer.compact_revision, answer.hash_revision

    assert hash_of(first) == hash_of(second)
    assert hash_of(first)[1:] == (500, 602)
    assert hash_of(first, 550) == hash_of(second, 550)
    assert hash_of(first, 550)[0] != hash_of(first)[0]
    second.put(b"more")
    assert hash_of(first, 602) == hash_of(second, 602)
    assert hash_of(first)[0] != hash_of(second)[0]


def test_hash_kv_of_revisions_that_can_not_be_read() -> None:
    world = World()
    for _ in range(10):
        world.put(b"a")
    world.start("KV/Compact", pb.CompactionRequest(revision=5))
    for revision, text in ((4, "has been compacted"), (12, "is a future revision")):
        code, found = world.refused("Maintenance/HashKV", pb.HashKVRequest(revision=revision))
        assert code == Code.OUT_OF_RANGE
        assert found == f"mvcc: required revision {text}"


def test_a_hash_begins_again_when_history_is_given_up_meanwhile() -> None:
    world = World()
    for i in range(1_000):
        world.put(b"%03d" % (i % 300))
    call = world.start("Maintenance/HashKV", pb.HashKVRequest(revision=900))
    behind = world.start("Maintenance/HashKV", pb.HashKVRequest(revision=500))
    world.start("KV/Compact", pb.CompactionRequest(revision=800))
    world.host.run()
    answer = pb.HashKVResponse.FromString(call.message)
    assert answer.compact_revision == 800
    fresh = world.ask("Maintenance/HashKV", pb.HashKVRequest(revision=900), pb.HashKVResponse)
    assert answer.hash == fresh.hash
    assert behind.error[1].endswith("has been compacted")


def test_hash_is_equal_for_equal_histories() -> None:
    first, second = World(), World()
    first.put(b"a")
    second.put(b"a")
    request = pb.HashRequest()
    answers = [w.ask("Maintenance/Hash", request, pb.HashResponse) for w in (first, second)]
    assert answers[0] == answers[1]
    assert answers[0].hash


def test_alarms_are_raised_listed_and_lowered() -> None:
    world = World()

    def alarm(action: pb.AlarmRequest.AlarmAction.ValueType, member: int = 0) -> list[int]:
        request = pb.AlarmRequest(action=action, memberID=member, alarm=pb.NOSPACE)
        answer = world.ask("Maintenance/Alarm", request, pb.AlarmResponse)
        return [alarm.memberID for alarm in answer.alarms]

    assert alarm(pb.AlarmRequest.GET) == []
    assert alarm(pb.AlarmRequest.ACTIVATE, ME) == [ME]
    assert alarm(pb.AlarmRequest.GET) == [ME]
    assert world.refused("KV/Put", pb.PutRequest(key=b"a"))[0] == Code.RESOURCE_EXHAUSTED
    assert alarm(pb.AlarmRequest.DEACTIVATE) == [ME]
    assert alarm(pb.AlarmRequest.GET) == []


def test_an_alarm_of_an_unknown_kind_is_refused() -> None:
    world = World()
    assert world.refused("Maintenance/Alarm", b"\x08\x01\x18\x80\x08")[0] == Code.INVALID_ARGUMENT
    assert world.node.proposed == []


def test_leadership_moves_to_a_voter_only_and_only_from_the_leader() -> None:
    world = World()
    request = pb.MoveLeaderRequest(targetID=OTHERS[0])
    assert world.start("Maintenance/MoveLeader", request).message == b""
    assert world.node.transfers == [OTHERS[0]]
    stranger = pb.MoveLeaderRequest(targetID=77)
    assert world.refused("Maintenance/MoveLeader", stranger) == (
        Code.FAILED_PRECONDITION,
        "bad leader transferee",
    )
    world.node.failure = Failure.TIMEOUT
    assert world.refused("Maintenance/MoveLeader", request)[1] == "request timed out"
    world.node.raft.leader = OTHERS[0]
    assert world.refused("Maintenance/MoveLeader", request) == (
        Code.FAILED_PRECONDITION,
        "not leader",
    )


def test_defragment_has_nothing_to_do() -> None:
    assert World().start("Maintenance/Defragment", pb.DefragmentRequest()).message == b""


def test_what_is_not_supported_says_so_by_name() -> None:
    world = World()
    for name in ("Maintenance/Downgrade", *(f"Auth/{name}" for name in auth.REFUSED)):
        code, text = world.refused(name, b"")
        assert code == Code.UNIMPLEMENTED
        assert f"etcdserverpb.{name} is not supported" in text
    [end] = world.open("Maintenance/Snapshot").ends
    assert end[0] == Code.UNIMPLEMENTED
    assert "etcdserverpb.Maintenance/Snapshot" in end[1]


def test_authentication_is_off() -> None:
    world = World()
    status = world.ask("Auth/AuthStatus", pb.AuthStatusRequest(), pb.AuthStatusResponse)
    assert not status.enabled
    assert status.authRevision == 1
    request = pb.AuthenticateRequest(name="root", password="secret")
    assert world.refused("Auth/Authenticate", request) == (
        Code.FAILED_PRECONDITION,
        "authentication is not enabled",
    )
    world.ask("Auth/AuthDisable", pb.AuthDisableRequest(), pb.AuthDisableResponse)


def test_health() -> None:
    world = World()
    request, answer = health_pb2.HealthCheckRequest(), health_pb2.HealthCheckResponse
    assert world.ask(HEALTH + "Check", request, answer).status == answer.SERVING
    other = health_pb2.HealthCheckRequest(service="other")
    assert world.start(HEALTH + "Check", other).error == (Code.NOT_FOUND, "unknown service")


@pytest.mark.parametrize(
    ("service", "status"),
    [
        ("", health_pb2.HealthCheckResponse.SERVING),
        ("other", health_pb2.HealthCheckResponse.SERVICE_UNKNOWN),
    ],
)
def test_watching_health_says_it_once_and_stays(service: str, status: int) -> None:
    stream = World().open(HEALTH + "Watch")
    request = health_pb2.HealthCheckRequest(service=service)
    stream.take(request)
    assert stream.on_half_close is not None
    stream.on_half_close()
    [message] = stream.sent
    assert health_pb2.HealthCheckResponse.FromString(message).status == status
    assert stream.ends == []
    stream.take(request)
    assert stream.ends[0][0] == Code.INTERNAL
