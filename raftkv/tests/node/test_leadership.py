"""What waits for a leader, or for a change of leaders, does not wait for ever."""

from raftkv.command.types import CommandKind, Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.raft.messages import (
    AppendEntries,
    RequestVote,
)
from raftkv.tests.node.given import ME, OTHER, THIRD, World


def test_a_question_about_a_lease_is_answered_by_the_member_itself_when_it_becomes_leader() -> None:
    world = World()
    node = world.node
    world.meets(AppendEntries(ME, OTHER, 1, 0, 0, 0, []))
    answers: list[tuple[int, int]] = []
    node.lease_query(9, renew=True, on_answer=lambda ttl, granted: answers.append((ttl, granted)))
    world.leads()
    grant = pb.LeaseGrantRequest(ID=9, TTL=30).SerializeToString()
    node.propose(CommandKind.LEASE_GRANT, grant, lambda _: None)
    world.meets()
    world.disk_is_done()
    world.is_acknowledged()
    for _ in range(6):
        world.meets(ticks=1)
        world.heartbeats_are_answered()
    assert answers == [(30, 30)]


def test_a_handover_is_over_when_the_leader_is_elected_again_itself() -> None:
    world = World()
    world.leads()
    ends: list[Failure | None] = []
    world.node.transfer_leadership(THIRD, ends.append)
    world.meets()
    term = world.node.status.term
    world.meets(RequestVote(ME, OTHER, term + 1, 0, 0, pre_vote=False, transfer=True))
    assert world.node.status.leader == 0
    world.leads()
    assert ends == [Failure.TIMEOUT]
