"""A leader that sends its state to a member whose place in the log is gone."""

from raftkv.command.types import CommandKind
from raftkv.config import NodeConfig
from raftkv.mvcc.record import encode
from raftkv.mvcc.revision import row_key
from raftkv.node.housekeeping import SENDING_ELECTION_TIMEOUTS
from raftkv.pb import rpc_pb2 as pb
from raftkv.peer.messages import SnapshotAck, SnapshotBegin, SnapshotChunk, SnapshotEnd
from raftkv.raft.messages import AppendEntries, AppendEntriesResponse, Heartbeat, HeartbeatResponse
from raftkv.raft.stored import StoredLog
from raftkv.raft.types import HardState, Membership
from raftkv.tests.node.given import ME, OTHER, THIRD, Row, World

ROWS: list[Row] = [
    (row_key(n, 0), encode(b"k%d" % n, n, n, 1, bytes(100), 0)) for n in range(2, 52)
]
MEMBERSHIP = Membership(frozenset({ME, OTHER, THIRD}))
STORED = StoredLog(HardState(1, 0, 50), 50, 1, MEMBERSHIP, [], 50, 1)
"""A log that begins after 50 entries, whose state is ROWS."""
CONFIG = NodeConfig(snapshot_chunk_bytes=1_000, snapshot_chunks_inflight_max=3)


def sending() -> World:
    """A leader to whom a follower with an empty log has answered."""
    world = World(stored=STORED, rows=ROWS, config=CONFIG)
    world.leads()
    term, last = world.node.status.term, world.node.status.last_index
    assert last == 51
    world.meets(AppendEntriesResponse(ME, THIRD, term, True, 50, 0, 0))  # noqa: FBT003
    return world


def acknowledge(world: World, sequence: int = 1, *, accepted: bool = True) -> None:
    begin = world.last_sent(SnapshotBegin)
    world.meets(SnapshotAck(ME, THIRD, begin.transfer, sequence, accepted))


def finish(world: World) -> SnapshotEnd:
    """Acknowledges everything up to the end."""
    for _ in range(100):
        acknowledge(world)
        if world.sent(SnapshotEnd):
            break
    end = world.last_sent(SnapshotEnd)
    for _ in range(CONFIG.snapshot_chunks_inflight_max):
        acknowledge(world)
    return end


def test_what_is_sent_is_the_state_with_what_was_written_meanwhile() -> None:
    world = sending()
    answers = world.puts(b"new")
    world.node.turn()
    world.disk_is_done()
    world.is_acknowledged()
    assert answers
    end = finish(world)
    sent = [row for chunk in world.sent(SnapshotChunk) for row in chunk.rows] + end.rows
    assert sent == sorted(world.disk.rows.rows.items())
    assert len(sent) == 51
    assert (end.last_index, end.last_term) == (52, world.node.status.term)
    assert end.membership == MEMBERSHIP
    assert end.tables["meta"] == list(world.disk.tables.items("meta"))


def test_chunks_are_numbered_and_no_more_than_allowed_are_unacknowledged() -> None:
    world = sending()
    for _ in range(10):
        world.node.turn()
    chunks = world.sent(SnapshotChunk)
    assert [chunk.sequence for chunk in chunks] == [1, 2, 3]
    assert all(sum(len(row) for _, row in chunk.rows) >= 1_000 for chunk in chunks)

    acknowledge(world)
    assert len(world.sent(SnapshotChunk)) == 4


def test_a_sending_goes_on_by_itself_as_far_as_the_window_allows() -> None:
    world = sending()
    wakes = 0
    while wakes < world.asked.wakes:  # the node asked for another turn
        wakes = world.asked.wakes
        world.node.turn()
    assert len(world.sent(SnapshotChunk)) == CONFIG.snapshot_chunks_inflight_max


def test_entries_follow_once_the_end_is_acknowledged() -> None:
    world = sending()
    end = finish(world)
    appends = [m for m in world.sent(AppendEntries) if m.to == THIRD]
    assert appends[-1].prev_index == end.last_index
    assert not world.node.sending.under_way
    assert (world.node.counts.sent.succeeded, world.node.counts.sent.failed) == ({THIRD: 1}, {})


def test_a_lost_chunk_ends_the_sending_and_another_follows_when_the_member_is_heard() -> None:
    world = sending()
    assert world.node.sending.receivers == [THIRD]
    acknowledge(world, accepted=False)
    assert not world.node.sending.under_way
    assert (world.node.counts.sent.succeeded, world.node.counts.sent.failed) == ({}, {THIRD: 1})
    assert len(world.sent(SnapshotBegin)) == 1

    world.passes(1)
    term = world.node.status.term
    beat = [m for m in world.sent(Heartbeat) if m.to == THIRD][-1]
    world.meets(HeartbeatResponse(ME, THIRD, term, beat.round))
    world.meets(AppendEntriesResponse(ME, THIRD, term, True, 50, 0, 0))  # noqa: FBT003
    assert [begin.transfer for begin in world.sent(SnapshotBegin)] == [1, 2]


def test_an_acknowledgement_of_an_earlier_sending_counts_for_nothing() -> None:
    world = sending()
    for _ in range(5):
        world.node.turn()
    world.meets(SnapshotAck(ME, THIRD, 99, 1, accepted=True))
    world.meets(SnapshotAck(ME, OTHER, 1, 1, accepted=False))
    assert len(world.sent(SnapshotChunk)) == CONFIG.snapshot_chunks_inflight_max
    assert world.node.sending.under_way


def test_a_member_that_acknowledges_nothing_is_given_up() -> None:
    world = sending()
    for _ in range(SENDING_ELECTION_TIMEOUTS * 10):
        world.passes(1)
        world.heartbeats_are_answered()
        assert world.node.sending.under_way
    world.passes(1)
    assert not world.node.sending.under_way


def test_a_leader_that_loses_its_office_stops_sending() -> None:
    world = sending()
    world.follows(OTHER, term=world.node.status.term + 1)
    world.disk_is_done()
    world.passes(1)
    assert not world.node.sending.under_way
    chunks = len(world.sent(SnapshotChunk))
    world.node.turn()
    assert len(world.sent(SnapshotChunk)) == chunks


def test_history_stays_readable_while_it_is_sent() -> None:
    world = sending()
    for n in range(3):
        world.puts(b"k2", b"%d" % n)
    body = pb.CompactionRequest(revision=54).SerializeToString()
    world.node.propose(CommandKind.COMPACT, body, lambda _: None)
    world.node.turn()
    world.disk_is_done()
    world.is_acknowledged()
    assert world.node.state.store.compact_revision == 54
    world.passes(3)
    assert row_key(2, 0) in world.disk.rows.rows

    finish(world)
    world.passes(1)
    assert row_key(2, 0) not in world.disk.rows.rows
