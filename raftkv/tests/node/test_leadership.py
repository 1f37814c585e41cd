"""What waits for a leader, or for a change of leaders, does not wait for ever."""

from raftkv.command.types import CommandKind, Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    HeartbeatResponse,
    RequestVote,
    RequestVoteResponse,
)
from raftkv.tests.node.given import ME, OTHER, THIRD, World


def elect(world: World) -> None:
    """Lets the node become leader of the next term, its log empty but for the no-op."""
    for _ in range(10):
        world.meets(ticks=1)
    world.disk_is_done()
    term = world.node.status.term
    world.meets(RequestVoteResponse(ME, OTHER, term, granted=True, pre_vote=False))
    world.disk_is_done()
    acknowledge(world)
    assert world.node.status.leader == ME


def acknowledge(world: World) -> None:
    """The other member has everything that the leader has."""
    status = world.node.status
    world.meets(
        AppendEntriesResponse(
            ME,
            OTHER,
            status.term,
            rejected=False,
            index=status.last_index,
            hint_index=0,
            hint_term=0,
        )
    )
    world.disk_is_done()


def answer_heartbeats(world: World) -> None:
    """The other member answers the last heartbeat of a read round."""
    beat = world.last_sent(Heartbeat)
    assert isinstance(beat, Heartbeat)
    world.meets(HeartbeatResponse(ME, OTHER, beat.term, beat.round))


def test_a_question_about_a_lease_is_answered_by_the_member_itself_when_it_becomes_leader() -> None:
    world = World()
    node = world.node
    world.meets(AppendEntries(ME, OTHER, 1, 0, 0, 0, []))
    answers: list[tuple[int, int]] = []
    node.lease_query(9, renew=True, on_answer=lambda ttl, granted: answers.append((ttl, granted)))
    elect(world)
    grant = pb.LeaseGrantRequest(ID=9, TTL=30).SerializeToString()
    node.propose(CommandKind.LEASE_GRANT, grant, lambda _: None)
    world.meets()
    world.disk_is_done()
    acknowledge(world)
    for _ in range(6):
        world.meets(ticks=1)
        answer_heartbeats(world)
    assert answers == [(30, 30)]


def test_a_handover_is_over_when_the_leader_is_elected_again_itself() -> None:
    world = World()
    elect(world)
    ends: list[Failure | None] = []
    world.node.transfer_leadership(THIRD, ends.append)
    world.meets()
    term = world.node.status.term
    world.meets(RequestVote(ME, OTHER, term + 1, 0, 0, pre_vote=False, transfer=True))
    assert world.node.status.leader == 0
    elect(world)
    assert ends == [Failure.TIMEOUT]
