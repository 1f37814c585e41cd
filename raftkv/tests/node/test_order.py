"""What may leave before what: the order on which every promise of a member rests."""

from typing import NamedTuple

import pytest

from raftkv.config import RaftConfig
from raftkv.pb import rpc_pb2 as pb
from raftkv.peer.messages import ForwardProposals
from raftkv.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    RequestVote,
    RequestVoteResponse,
)
from raftkv.raft.types import ENTRY_HEAD_BYTES
from raftkv.tests.node.given import ME, OTHER, THIRD, World, entry, no_op
from raftkv.watch.request import WatchRequest


def test_a_vote_leaves_only_when_it_is_durable() -> None:
    world = World()
    world.meets(RequestVote(ME, OTHER, 2, 0, 0, pre_vote=False, transfer=False))
    assert world.sent(RequestVoteResponse) == []
    assert world.disk.writes[-1].hard_state[:2] == (2, OTHER)

    world.disk_is_done()
    assert world.last_sent(RequestVoteResponse).granted


def test_an_acknowledgement_leaves_only_when_the_entries_are_durable() -> None:
    world = World()
    world.is_sent(entry(1, 1), entry(1, 2))
    assert world.sent(AppendEntriesResponse) == []

    world.disk_is_done()
    assert world.last_sent(AppendEntriesResponse).index == 2


def test_an_acknowledgement_that_needs_no_write_waits_for_the_writes_before_it() -> None:
    world = World()
    first = entry(1, 1)
    world.is_sent(first)
    world.meets(AppendEntries(ME, OTHER, 1, 0, 0, 0, [first]))
    assert len(world.disk.writes) == 1
    assert world.sent(AppendEntriesResponse) == []

    world.disk_is_done()
    assert [answer.index for answer in world.sent(AppendEntriesResponse)] == [1, 1]


def test_a_candidate_asks_for_votes_only_when_its_own_is_durable() -> None:
    world = World()
    world.passes(10)
    assert world.sent(RequestVote) == []

    world.disk_is_done()
    assert {request.to for request in world.sent(RequestVote)} == {OTHER, THIRD}


def test_a_leader_sends_its_entries_beside_its_own_write() -> None:
    world = World()
    world.leads()
    writes = len(world.disk.writes)
    world.puts()
    world.node.turn()
    assert len(world.disk.writes) == writes + 1
    assert {message.to for message in world.sent(AppendEntries) if message.entries} >= {OTHER}
    assert world.last_sent(AppendEntries).entries == world.disk.writes[-1].entries


def test_one_turn_makes_one_write_and_one_message_a_peer_of_all_that_came() -> None:
    world = World()
    world.leads()
    world.is_acknowledged(THIRD)
    writes, sent = len(world.disk.writes), len(world.sent(AppendEntries))
    for _ in range(5):
        world.puts()
    world.node.turn()
    assert len(world.disk.writes) == writes + 1
    assert len(world.disk.writes[-1].entries) == 5
    assert [message.to for message in world.sent(AppendEntries)[sent:]] == [OTHER, THIRD]


def test_a_writer_is_answered_when_a_quorum_has_its_entry_and_it_is_applied() -> None:
    world = World()
    world.leads()
    answers = world.puts()
    world.node.turn()
    world.disk_is_done()
    assert answers == []

    world.is_acknowledged()
    assert answers == [(2, b"")]
    assert world.node.state.store.exists(b"k")


def test_a_leader_counts_itself_only_when_its_entry_is_durable() -> None:
    world = World()
    world.leads()
    answers = world.puts()
    world.node.turn()
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
    assert answers == []

    world.disk_is_done()
    assert len(answers) == 1


def test_an_answer_does_not_wait_for_the_state_to_be_stored() -> None:
    world = World()
    world.leads()
    answers = world.puts()
    world.node.turn()
    world.is_acknowledged()
    assert answers
    assert world.disk.writes[-1].applied_index < world.node.status.applied_index

    world.passes(1)
    assert world.disk.writes[-1].applied_index == world.node.status.applied_index


def test_the_only_member_answers_as_soon_as_its_disk_has_the_entry() -> None:
    world = World([ME])
    world.passes(10)
    world.disk_is_done()
    world.disk_is_done()
    answers = world.puts()
    world.node.turn()
    assert answers == []
    world.disk_is_done()
    assert len(answers) == 1


class Seen(NamedTuple):
    """Something that left, in the order in which it did."""

    what: str
    revision: int


class Sink:
    """A watch stream whose client reads at once."""

    drained_below_bytes = 0
    output_bytes = 0

    def __init__(self, seen: list[Seen]) -> None:
        self._seen = seen

    def send(self, message: bytes) -> None:
        for event in pb.WatchResponse.FromString(message).events:
            self._seen.append(Seen("watch", event.kv.mod_revision))


def test_a_watch_is_told_before_the_writer() -> None:
    world = World()
    world.leads()
    seen: list[Seen] = []
    hub = world.node.watch_hub
    hub.create(hub.open(Sink(seen)), WatchRequest(b"k", None))
    for _ in range(3):
        body = pb.PutRequest(key=b"k").SerializeToString()
        world.node.propose(1, body, lambda result: seen.append(Seen("writer", result[0])))  # type: ignore[index]
    world.node.turn()
    world.is_acknowledged()
    assert seen == [Seen(who, r) for who in ("watch", "writer") for r in (2, 3, 4)]


def test_followers_are_told_of_a_commit_after_the_clients_here() -> None:
    world = World()
    world.leads()
    world.is_acknowledged(THIRD)
    answers = world.puts()
    world.node.turn()
    world.disk_is_done()
    before, flushes = len(world.network.sent), len(world.asked.flushes)
    world.is_acknowledged()
    assert answers
    assert world.asked.flushes[flushes:] == [before]
    notices = world.network.sent[before:]
    assert {type(notice) for notice in notices} == {Heartbeat}
    assert {notice.to for notice in notices} == {OTHER, THIRD}


@pytest.mark.parametrize("proposer", [OTHER, THIRD])
def test_who_has_a_client_waiting_is_told_of_the_commit_first(proposer: int) -> None:
    world = World()
    world.leads()
    world.is_acknowledged(OTHER)
    world.is_acknowledged(THIRD)
    command = entry(1, 1, origin=proposer, request_id=5)[ENTRY_HEAD_BYTES:]
    world.meets(ForwardProposals(ME, proposer, world.node.status.term, [command]))
    world.disk_is_done()
    before = len(world.network.sent)
    world.is_acknowledged(THIRD)
    notices = [message.to for message in world.network.sent[before:]]
    assert notices[0] == proposer
    assert sorted(notices) == [OTHER, THIRD]


def test_a_follower_applies_what_its_leader_says_is_committed() -> None:
    world = World()
    world.is_sent(no_op(1, 1), entry(1, 2), commit=1)
    assert world.node.status.applied_index == 1
    world.meets(Heartbeat(ME, OTHER, 1, 2, 1))
    assert world.node.status.applied_index == 2


def test_a_long_run_of_entries_is_applied_in_slices_that_let_the_loop_breathe() -> None:
    world = World(raft=RaftConfig(pre_vote=False))
    entries = [entry(1, index) for index in range(1, 1_201)]
    world.is_sent(*entries, commit=1_200)
    assert world.node.status.applied_index == 512
    wakes = world.asked.wakes
    world.node.turn()
    assert world.node.status.applied_index == 1_024
    assert world.asked.wakes == wakes + 1
    world.node.turn()
    assert world.node.status.applied_index == 1_200
    assert world.asked.wakes == wakes + 1


def test_what_arrives_between_two_turns_asks_for_one_turn() -> None:
    world = World()
    wakes = world.asked.wakes
    for _ in range(3):
        world.node.receive(Heartbeat(ME, OTHER, 1, 0, 1))
        world.puts()
        world.node.tick()
    assert world.asked.wakes == wakes + 1


def test_no_write_says_that_entries_are_committed_which_the_disk_does_not_have_yet() -> None:
    world = World()
    first = [entry(1, 1), entry(1, 2)]
    world.meets(AppendEntries(ME, OTHER, 1, 0, 0, 2, first))
    world.disk_is_done()  # applied, and so the state waits to be written with the next tick
    second = [entry(1, 3), entry(1, 4)]
    world.meets(AppendEntries(ME, OTHER, 1, 2, 1, 4, second), ticks=1)

    stored = 0
    for batch in world.disk.writes:
        stored += len(batch.entries)
        assert batch.hard_state.commit <= stored
    assert stored == 4
