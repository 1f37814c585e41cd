"""Leases: only the leader knows how long each lives, and only it lets one end."""

import pytest

from raftkv.command.types import COMMAND_HEAD_BYTES, CommandKind, decode_head
from raftkv.config import NodeConfig
from raftkv.pb import rpc_pb2 as pb
from raftkv.peer.messages import LeaseRequest, LeaseResponse
from raftkv.raft.messages import Heartbeat, RequestVoteResponse
from raftkv.raft.types import ENTRY_HEAD_BYTES
from raftkv.tests.node.given import ME, OTHER, THIRD, World

TTL = 3
RETRY_TICKS = 5
REQUEST_TICKS = 70


def asks(world: World, lease: int = 9, *, renew: bool = True) -> list[tuple[int, int]]:
    """A client asks about a lease; the answers come into the list."""
    answers: list[tuple[int, int]] = []
    world.node.lease_query(lease, renew, lambda ttl, granted: answers.append((ttl, granted)))
    return answers


def leader_with_lease() -> World:
    """A leader, and a lease of 3 s that was just granted."""
    world = World()
    world.leads()
    grant = pb.LeaseGrantRequest(ID=9, TTL=TTL).SerializeToString()
    world.node.propose(CommandKind.LEASE_GRANT, grant, lambda _: None)
    world.node.turn()
    world.disk_is_done()
    world.is_acknowledged()
    return world


def revoked(world: World) -> list[int]:
    """The leases that the leader wants to end, by what it wrote into its log."""
    leases = []
    for batch in world.disk.writes:
        for entry in batch.entries:
            command = entry[ENTRY_HEAD_BYTES:]
            if command and decode_head(command)[1] == CommandKind.LEASE_REVOKE:
                body = command[COMMAND_HEAD_BYTES:]
                leases.append(pb.LeaseRevokeRequest.FromString(body).ID)
    return leases


def passes_as_leader(world: World, ticks: int) -> None:
    for _ in range(ticks):
        world.passes(1)
        world.heartbeats_are_answered()


def test_a_leader_answers_once_it_has_proved_that_it_leads() -> None:
    world = leader_with_lease()
    answers = asks(world)
    world.node.turn()
    assert answers == []
    world.heartbeats_are_answered()
    assert answers == [(TTL, TTL)]


def test_who_only_asks_does_not_renew() -> None:
    world = leader_with_lease()
    passes_as_leader(world, 15)
    answers = asks(world, renew=False)
    world.node.turn()
    world.heartbeats_are_answered()
    ((remaining, granted),) = answers
    assert (remaining, granted) == (1, TTL)


@pytest.mark.parametrize("renew", [True, False])
def test_there_is_an_answer_for_a_lease_that_does_not_exist(renew: bool) -> None:  # noqa: FBT001
    world = leader_with_lease()
    answers = asks(world, lease=1, renew=renew)
    world.node.turn()
    world.heartbeats_are_answered()
    assert answers == [(-1, 0)]


def test_a_follower_asks_its_leader() -> None:
    world = World()
    world.follows(OTHER)
    answers = asks(world)
    request = world.last_sent(LeaseRequest)
    assert (request.to, request.lease, request.renew) == (OTHER, 9, True)
    world.meets(LeaseResponse(ME, OTHER, request.context, 2, 3))
    world.meets(LeaseResponse(ME, OTHER, request.context, 2, 3))
    assert answers == [(2, 3)]


def test_a_question_that_was_not_answered_goes_to_whoever_leads_then() -> None:
    world = World()
    world.follows(OTHER)
    answers = asks(world)
    first = world.last_sent(LeaseRequest)
    world.meets(LeaseResponse(ME, OTHER, first.context, -2, 0))
    world.follows(THIRD, term=2)
    world.passes(RETRY_TICKS)
    second = world.last_sent(LeaseRequest)
    assert (second.to, second.context) == (THIRD, first.context)
    world.meets(LeaseResponse(ME, THIRD, second.context, 1, 3))
    assert answers == [(1, 3)]


def test_a_question_without_a_leader_is_asked_when_there_is_one() -> None:
    world = World()
    answers = asks(world)
    assert world.sent(LeaseRequest) == []
    world.follows(OTHER)
    world.passes(RETRY_TICKS)
    world.meets(LeaseResponse(ME, OTHER, world.last_sent(LeaseRequest).context, 1, 3))
    assert answers == [(1, 3)]


def test_a_question_that_nobody_answers_is_given_up() -> None:
    world = World()
    world.follows(OTHER)
    answers = asks(world)
    for _ in range(REQUEST_TICKS):
        assert answers == []
        world.meets(Heartbeat(ME, OTHER, 1, 0, 1), ticks=1)
    assert answers == [(-2, 0)]


def test_too_many_questions_are_not_taken() -> None:
    world = World(config=NodeConfig(proposals_waiting_max=2))
    world.follows(OTHER)
    assert [asks(world), asks(world), asks(world)] == [[], [], [(-2, 0)]]


def test_a_leader_answers_another_member_once_it_has_proved_that_it_leads() -> None:
    world = leader_with_lease()
    world.meets(LeaseRequest(ME, THIRD, 17, renew=True, lease=9))
    assert world.sent(LeaseResponse) == []
    world.heartbeats_are_answered()
    assert world.sent(LeaseResponse) == [LeaseResponse(THIRD, ME, 17, TTL, TTL)]


def test_who_does_not_lead_says_so_when_it_knows_for_certain() -> None:
    world = World()
    world.follows(OTHER)
    world.meets(LeaseRequest(ME, THIRD, 17, renew=True, lease=9))
    for _ in range(REQUEST_TICKS):
        world.meets(Heartbeat(ME, OTHER, 1, 0, 1), ticks=1)
    assert world.sent(LeaseResponse) == [LeaseResponse(THIRD, ME, 17, -2, 0)]


def test_a_lease_that_ran_out_is_revoked_through_the_log() -> None:
    world = leader_with_lease()
    passes_as_leader(world, TTL * 10)
    assert revoked(world) == []
    passes_as_leader(world, 2)
    assert revoked(world) == [9]

    world.disk_is_done()
    world.is_acknowledged()
    assert not world.node.state.lessor.exists(9)


def test_a_renewed_lease_does_not_run_out() -> None:
    world = leader_with_lease()
    for _ in range(4):
        passes_as_leader(world, 20)
        asks(world)
        world.node.turn()
        world.heartbeats_are_answered()
    assert revoked(world) == []


def test_a_lease_that_ran_out_can_not_be_renewed_any_more() -> None:
    world = leader_with_lease()
    passes_as_leader(world, TTL * 10 + 2)
    answers = asks(world)
    world.node.turn()
    world.heartbeats_are_answered()
    assert answers == [(-1, 0)]


def test_a_follower_lets_no_lease_end() -> None:
    world = leader_with_lease()
    world.follows(OTHER, term=world.node.status.term + 1)
    assert not world.node.state.lessor.is_primary
    for _ in range(TTL * 20):
        world.meets(ticks=1)
        world.follows(OTHER, term=world.node.status.term)
    assert revoked(world) == []


def test_a_new_leader_gives_every_lease_its_whole_time_again() -> None:
    world = leader_with_lease()
    passes_as_leader(world, TTL * 10 - 5)
    world.follows(OTHER, term=world.node.status.term + 1)
    world.disk_is_done()
    world.leads()
    assert world.node.state.lessor.is_primary
    passes_as_leader(world, TTL * 10 - 1)
    assert revoked(world) == []
    passes_as_leader(world, 3)
    assert revoked(world) == [9]


def test_a_leader_keeps_no_leases_before_an_entry_of_its_term_is_applied() -> None:
    world = World()
    world.passes(10)
    world.disk_is_done()
    term = world.node.status.term
    world.meets(RequestVoteResponse(ME, OTHER, term, granted=True, pre_vote=False))
    assert world.node.status.leader == ME
    assert not world.node.state.lessor.is_primary
    world.disk_is_done()
    world.is_acknowledged()
    assert world.node.state.lessor.is_primary
