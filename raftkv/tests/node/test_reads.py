"""Linearizable reads: many share one question to the quorum."""

from raftkv.command.types import Failure
from raftkv.config import NodeConfig
from raftkv.peer.messages import ReadIndexRequest, ReadIndexResponse
from raftkv.raft.messages import COMMIT_NOTICE, Heartbeat, RequestVoteResponse
from raftkv.tests.node.given import ME, OTHER, THIRD, World, entry, no_op

REQUEST_TICKS = 70
RETRY_TICKS = 5


def rounds(world: World) -> list[int]:
    """The read rounds that the leader asked OTHER about, but for those of its ticks."""
    beats = [m for m in world.sent(Heartbeat) if m.round != COMMIT_NOTICE and m.to == OTHER]
    return [beat.round for beat in beats]


def test_reads_of_one_turn_share_a_round_and_later_ones_the_next() -> None:
    world = World()
    world.leads()
    asked = len(rounds(world))
    first = [world.reads() for _ in range(100)]
    world.node.turn()
    second = [world.reads() for _ in range(100)]
    world.node.turn()
    assert len(rounds(world)) == asked + 1

    world.heartbeats_are_answered()
    assert all(answer == [None] for answer in first)
    assert not any(second)
    world.heartbeats_are_answered()
    assert all(answer == [None] for answer in second)
    assert len(rounds(world)) == asked + 2


def test_a_new_leader_reads_only_after_its_first_commit() -> None:
    world = World()
    world.passes(10)
    world.disk_is_done()
    term = world.node.status.term
    world.meets(RequestVoteResponse(ME, OTHER, term, granted=True, pre_vote=False))
    answers = world.reads()
    world.node.turn()
    world.disk_is_done()
    assert answers == []

    world.is_acknowledged()
    world.heartbeats_are_answered()
    assert answers == [None]


def test_a_follower_asks_its_leader_once_for_all_reads_that_wait() -> None:
    world = World()
    world.follows(OTHER)
    first = [world.reads() for _ in range(10)]
    world.node.turn()
    second = world.reads()
    world.node.turn()
    (request,) = world.sent(ReadIndexRequest)
    assert (request.to, request.term) == (OTHER, 1)

    world.meets(ReadIndexResponse(ME, OTHER, request.context, 0))
    assert all(answer == [None] for answer in first)
    assert second == []
    assert len(world.sent(ReadIndexRequest)) == 2


def test_a_read_waits_until_its_index_is_applied() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.reads()
    world.node.turn()
    world.meets(ReadIndexResponse(ME, OTHER, world.last_sent(ReadIndexRequest).context, 2))
    world.is_sent(no_op(1, 1), entry(1, 2), commit=1)
    assert answers == []
    world.meets(Heartbeat(ME, OTHER, 1, 2, 1))
    assert answers == [None]


def test_without_a_leader_reads_wait_for_one() -> None:
    world = World()
    answers = world.reads()
    world.node.turn()
    assert world.network.sent == []
    world.follows(OTHER)
    world.meets(ReadIndexResponse(ME, OTHER, world.last_sent(ReadIndexRequest).context, 0))
    assert answers == [None]


def test_after_a_change_of_leaders_the_new_one_is_asked_and_the_old_ones_answer_is_void() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.reads()
    world.node.turn()
    old = world.last_sent(ReadIndexRequest)
    world.follows(THIRD, term=2)
    world.disk_is_done()
    new = world.last_sent(ReadIndexRequest)
    assert (new.to, new.term) == (THIRD, 2)

    world.meets(ReadIndexResponse(ME, OTHER, old.context, 0))
    assert answers == []
    world.meets(ReadIndexResponse(ME, THIRD, new.context, 0))
    assert answers == [None]


def test_a_member_that_becomes_leader_answers_the_reads_that_wait_itself() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.reads()
    world.node.turn()
    world.leads()
    world.heartbeats_are_answered()
    assert answers == [None]


def test_a_leader_that_loses_its_office_asks_the_next_one() -> None:
    world = World()
    world.leads()
    answers = world.reads()
    world.node.turn()
    world.follows(THIRD, term=world.node.status.term + 1)
    world.disk_is_done()
    assert answers == []
    world.meets(ReadIndexResponse(ME, THIRD, world.last_sent(ReadIndexRequest).context, 0))
    assert answers == [None]


def test_a_refused_or_lost_question_is_asked_again_when_it_is_due() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.reads()
    world.node.turn()
    first = world.last_sent(ReadIndexRequest)
    world.meets(ReadIndexResponse(ME, OTHER, first.context, -1))
    world.passes(RETRY_TICKS - 1)
    assert len(world.sent(ReadIndexRequest)) == 1
    assert world.node.reads.asked_again == 0
    world.passes(1)
    assert world.node.reads.asked_again == 1
    second = world.last_sent(ReadIndexRequest)
    assert second.context != first.context
    world.meets(ReadIndexResponse(ME, OTHER, second.context, 0))
    assert answers == [None]


def test_reads_time_out_while_they_gather() -> None:
    world = World(settings={"election_timeout_ticks": 10})
    answers = world.reads()
    for _ in range(REQUEST_TICKS):
        world.node.tick()
    world.node.turn()
    assert answers == [Failure.TIMEOUT_LEADER_FAILED]
    assert world.node.status.reads_failed == 1


def test_reads_time_out_while_the_leader_is_asked() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.reads()
    for _ in range(REQUEST_TICKS):
        assert answers == []
        world.meets(Heartbeat(ME, OTHER, 1, 0, 1), ticks=1)
    assert answers == [Failure.TIMEOUT]


def test_reads_time_out_while_their_index_is_not_applied() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.reads()
    world.node.turn()
    world.meets(ReadIndexResponse(ME, OTHER, world.last_sent(ReadIndexRequest).context, 1_000))
    for _ in range(REQUEST_TICKS):
        assert answers == []
        world.meets(Heartbeat(ME, OTHER, 1, 0, 1), ticks=1)
    assert answers == [Failure.TIMEOUT]


def test_too_many_waiting_reads_are_refused_at_once_until_some_are_answered() -> None:
    world = World(config=NodeConfig(proposals_waiting_max=2))
    world.follows(OTHER)
    assert [world.reads(), world.reads(), world.reads()] == [[], [], [Failure.TOO_MANY_REQUESTS]]
    world.node.turn()
    world.meets(ReadIndexResponse(ME, OTHER, world.last_sent(ReadIndexRequest).context, 0))
    assert world.reads() == []


def test_reads_that_timed_out_make_room() -> None:
    world = World(config=NodeConfig(proposals_waiting_max=1))
    world.reads()
    world.passes(REQUEST_TICKS)
    assert world.reads() == []


# -- others' reads


def test_a_leader_answers_a_followers_question_when_a_quorum_has_confirmed_it() -> None:
    world = World()
    world.leads()
    status = world.node.status
    world.meets(ReadIndexRequest(ME, THIRD, status.term, 17))
    assert world.sent(ReadIndexResponse) == []
    world.heartbeats_are_answered()
    assert world.sent(ReadIndexResponse) == [ReadIndexResponse(THIRD, ME, 17, status.commit_index)]


def test_who_does_not_lead_in_that_term_refuses() -> None:
    world = World()
    world.leads()
    world.meets(ReadIndexRequest(ME, THIRD, world.node.status.term - 1, 17))
    world.follows(OTHER, term=world.node.status.term + 1)
    world.meets(ReadIndexRequest(ME, THIRD, world.node.status.term, 18))
    assert world.sent(ReadIndexResponse) == [
        ReadIndexResponse(THIRD, ME, 17, -1),
        ReadIndexResponse(THIRD, ME, 18, -1),
    ]


def test_what_an_earlier_leadership_was_asked_is_not_answered_by_a_later_one() -> None:
    world = World()
    world.leads()
    world.meets(ReadIndexRequest(ME, THIRD, world.node.status.term, 17))
    world.follows(OTHER, term=world.node.status.term + 1)
    world.disk_is_done()
    world.leads()
    world.heartbeats_are_answered()
    assert world.sent(ReadIndexResponse) == []
