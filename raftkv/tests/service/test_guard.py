"""The rules for every call: leaders wanted, learners."""

import pytest
from google.protobuf.message import Message

from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.service.fakes import World
from raftkv.wire import Code, MethodKind

WANTED = {"hasleader": "true"}
NO_LEADER = (Code.UNAVAILABLE, "etcdserver: no leader")
NOT_FOR_LEARNERS = (Code.FAILED_PRECONDITION, "etcdserver: rpc not supported for learner")


def test_without_a_leader_only_those_who_want_one_are_refused_at_once() -> None:
    world = World()
    world.node.raft.leader = 0
    request = pb.RangeRequest(key=b"a", serializable=True)
    assert world.start("KV/Range", request, WANTED).error == NO_LEADER
    assert world.start("KV/Range", request, {"hasleader": "false"}).message
    assert world.start("KV/Range", request).message
    assert world.open("Lease/LeaseKeepAlive", WANTED).ends == [NO_LEADER]
    assert world.open("Lease/LeaseKeepAlive").ends == []


def test_streams_that_want_a_leader_end_after_three_election_timeouts_without_one() -> None:
    world = World()
    wanting = world.open("Lease/LeaseKeepAlive", WANTED)
    gone = world.open("Lease/LeaseKeepAlive", WANTED)
    patient = world.open("Lease/LeaseKeepAlive")
    gone.finish()
    world.node.raft.leader = 0
    world.node.leaderless_ticks = 3 * world.config.raft.election_timeout_ticks - 1
    world.services.tick()
    assert wanting.ends == []
    world.node.leaderless_ticks += 1
    world.services.tick()
    world.services.tick()
    assert wanting.ends == [NO_LEADER]
    assert gone.ends == [(0, "")]
    assert patient.ends == []


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("KV/Put", pb.PutRequest(key=b"a")),
        ("KV/Range", pb.RangeRequest(key=b"a")),
        ("Cluster/MemberList", pb.MemberListRequest()),
        ("Maintenance/HashKV", pb.HashKVRequest()),
    ],
)
def test_a_learner_refuses(path: str, request_: Message) -> None:
    world = World()
    world.become_learner()
    assert world.start(path, request_).error == NOT_FOR_LEARNERS
    assert world.node.proposed == []


def test_a_learner_answers_serializable_ranges_and_status() -> None:
    world = World()
    world.become_learner()
    world.start("KV/Range", pb.RangeRequest(key=b"a", serializable=True)).message  # noqa: B018
    status = world.ask("Maintenance/Status", pb.StatusRequest(), pb.StatusResponse)
    assert status.isLearner
    assert world.open("Lease/LeaseKeepAlive").ends == [NOT_FOR_LEARNERS]


def test_every_method_of_etcd_has_a_route() -> None:
    routes = World().services.routes
    for service in pb.DESCRIPTOR.services_by_name.values():
        for method in service.methods:
            path = f"/etcdserverpb.{service.name}/{method.name}"
            if path == "/etcdserverpb.Watch/Watch":
                continue
            streams = method.client_streaming or method.server_streaming
            kind = MethodKind.STREAM if streams else MethodKind.UNARY
            assert routes[path].kind is kind, path


def test_calls_are_counted_by_path() -> None:
    world = World()
    world.put(b"a")
    world.start("KV/Put", b"\xff")
    world.open("Lease/LeaseKeepAlive")
    counts = world.services.guard.counts
    assert counts["/etcdserverpb.KV/Put"].started == 2
    assert counts["/etcdserverpb.Lease/LeaseKeepAlive"].started == 1
