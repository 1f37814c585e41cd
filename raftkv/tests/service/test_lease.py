"""The lease service over the real lessor."""

from raftkv.command.types import Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.service import lease
from raftkv.tests.service.fakes import FakeStream, World
from raftkv.wire import Code


def grant(world: World, ttl: int = 60, lease_id: int = 0) -> pb.LeaseGrantResponse:
    request = pb.LeaseGrantRequest(TTL=ttl, ID=lease_id)
    return world.ask("Lease/LeaseGrant", request, pb.LeaseGrantResponse)


def renewals(stream: FakeStream) -> list[tuple[int, int]]:
    answers = [pb.LeaseKeepAliveResponse.FromString(message) for message in stream.sent]
    return [(answer.ID, answer.TTL) for answer in answers]


def test_grant_picks_an_id_and_raises_a_short_ttl() -> None:
    world = World()
    answer = grant(world, ttl=1)
    assert (answer.ID, answer.TTL, answer.header.revision) == (7_000, 2, 1)
    assert grant(world, ttl=-5, lease_id=12).TTL == 2
    assert grant(world, ttl=60, lease_id=13).ID == 13


def test_grant_refuses() -> None:
    world = World()
    grant(world, lease_id=12)
    assert world.refused("Lease/LeaseGrant", pb.LeaseGrantRequest(TTL=60, ID=12)) == (
        Code.FAILED_PRECONDITION,
        "lease already exists",
    )
    assert world.refused("Lease/LeaseGrant", pb.LeaseGrantRequest(TTL=9_000_000_001)) == (
        Code.OUT_OF_RANGE,
        "too large lease TTL",
    )


def test_revoke_deletes_the_keys() -> None:
    world = World()
    grant(world, lease_id=12)
    world.put(b"a", lease=12)
    answer = world.ask("Lease/LeaseRevoke", pb.LeaseRevokeRequest(ID=12), pb.LeaseRevokeResponse)
    assert answer.header.revision == 3
    assert world.node.state.store.key_count == 0
    assert world.refused("Lease/LeaseRevoke", pb.LeaseRevokeRequest(ID=12)) == (
        Code.NOT_FOUND,
        "requested lease not found",
    )


def test_time_to_live_counts_down_and_lists_keys_after_a_barrier() -> None:
    world = World()
    grant(world, lease_id=12)
    world.put(b"b", lease=12)
    world.put(b"a", lease=12)
    world.node.tick_count = 255
    request = pb.LeaseTimeToLiveRequest(ID=12)
    answer = world.ask("Lease/LeaseTimeToLive", request, pb.LeaseTimeToLiveResponse)
    assert (answer.TTL, answer.grantedTTL, list(answer.keys)) == (34, 60, [])
    assert world.node.barriers == 0
    request.keys = True
    answer = world.ask("Lease/LeaseTimeToLive", request, pb.LeaseTimeToLiveResponse)
    assert list(answer.keys) == [b"a", b"b"]
    assert world.node.barriers == 1


def test_time_to_live_of_a_lease_that_is_not_there_is_no_error() -> None:
    world = World()
    request = pb.LeaseTimeToLiveRequest(ID=12, keys=True)
    answer = world.ask("Lease/LeaseTimeToLive", request, pb.LeaseTimeToLiveResponse)
    assert (answer.ID, answer.TTL, answer.grantedTTL) == (12, -1, 0)


def test_time_to_live_without_an_answer_of_the_leader() -> None:
    world = World()
    world.node.failure = Failure.TIMEOUT
    request = pb.LeaseTimeToLiveRequest(ID=12)
    assert world.refused("Lease/LeaseTimeToLive", request) == (
        Code.UNAVAILABLE,
        "request timed out",
    )
    world.node.raft.leader = 0
    assert world.refused("Lease/LeaseTimeToLive", request) == (Code.UNAVAILABLE, "no leader")


def test_leases_lists_ids() -> None:
    world = World()
    grant(world, lease_id=13)
    grant(world, lease_id=12)
    answer = world.ask("Lease/LeaseLeases", pb.LeaseLeasesRequest(), pb.LeaseLeasesResponse)
    assert [lease.ID for lease in answer.leases] == [12, 13]


def test_keep_alive_renews_and_says_zero_for_what_is_gone() -> None:
    world = World()
    grant(world, lease_id=12)
    world.node.tick_count = 300
    stream = world.open("Lease/LeaseKeepAlive")
    stream.take(pb.LeaseKeepAliveRequest(ID=12))
    stream.take(pb.LeaseKeepAliveRequest(ID=99))
    assert renewals(stream) == [(12, 60), (99, 0)]
    request = pb.LeaseTimeToLiveRequest(ID=12)
    assert world.ask("Lease/LeaseTimeToLive", request, pb.LeaseTimeToLiveResponse).TTL == 60


def test_keep_alive_tells_the_revision_of_before_the_renewal() -> None:
    world = World()
    grant(world, lease_id=12)
    stream = world.open("Lease/LeaseKeepAlive")
    world.node.is_holding = True
    stream.take(pb.LeaseKeepAliveRequest(ID=12))
    world.node.is_holding = False
    world.put(b"a")
    world.node.release()
    assert pb.LeaseKeepAliveResponse.FromString(stream.sent[0]).header.revision == 1


def test_keep_alive_ends_after_the_last_answer_when_the_client_has_sent_its_last() -> None:
    world = World()
    grant(world, lease_id=12)
    stream = world.open("Lease/LeaseKeepAlive")
    world.node.is_holding = True
    stream.take(pb.LeaseKeepAliveRequest(ID=12))
    assert stream.on_half_close is not None
    stream.on_half_close()
    assert stream.ends == []
    world.node.release()
    assert len(stream.sent) == 1
    assert stream.ends == [(0, "")]


def test_keep_alive_ends_when_the_leader_does_not_answer() -> None:
    world = World()
    world.node.failure = Failure.TIMEOUT
    stream = world.open("Lease/LeaseKeepAlive")
    stream.take(pb.LeaseKeepAliveRequest(ID=12))
    assert stream.ends == [(Code.UNAVAILABLE, "etcdserver: request timed out")]


def test_keep_alive_has_a_bound() -> None:
    world = World()
    stream = world.open("Lease/LeaseKeepAlive")
    world.node.is_holding = True
    for _ in range(lease.RENEWALS_WAITING_MAX):
        stream.take(pb.LeaseKeepAliveRequest(ID=12))
    assert stream.ends == []
    stream.take(pb.LeaseKeepAliveRequest(ID=12))
    assert stream.ends == [(Code.UNKNOWN, "etcdserver: too many requests")]


def test_keep_alive_refuses_what_is_no_protobuf() -> None:
    stream = World().open("Lease/LeaseKeepAlive")
    assert stream.on_message is not None
    stream.on_message(b"\xff")
    assert stream.ends == [(Code.INTERNAL, "grpc: error unmarshalling request")]
