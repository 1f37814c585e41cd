"""A state as it arrives: staged as a whole, or not at all."""

import pytest

from raftkv.apply.state import TABLES
from raftkv.command.types import Failure
from raftkv.mvcc.record import encode
from raftkv.mvcc.revision import row_key
from raftkv.peer.messages import SnapshotAck, SnapshotBegin, SnapshotChunk, SnapshotEnd
from raftkv.raft.messages import AppendEntriesResponse
from raftkv.raft.types import Membership
from raftkv.tests.node.given import ME, OTHER, THIRD, Row, World, entry

MEMBERSHIP = Membership(frozenset({ME, OTHER, THIRD}))


def rows(first: int, count: int = 1) -> list[Row]:
    return [
        (row_key(n, 0), encode(b"k%d" % n, n, n, 1, b"v", 0)) for n in range(first, first + count)
    ]


def end(sender: int, term: int, index: int, sequence: int = 1, transfer: int = 1) -> SnapshotEnd:
    """The last chunk of a state."""
    tables: dict[str, list[Row]] = {name: [] for name in TABLES}
    last = rows(1 + sequence)
    return SnapshotEnd(ME, sender, term, transfer, sequence, last, tables, index, term, MEMBERSHIP)


def chunk(sequence: int, transfer: int = 1) -> SnapshotChunk:
    return SnapshotChunk(ME, OTHER, transfer, sequence, rows(1 + sequence))


def acknowledged(world: World) -> list[tuple[int, bool]]:
    """(sequence, accepted) of every answer."""
    return [(ack.sequence, ack.accepted) for ack in world.sent(SnapshotAck)]


def test_a_state_is_staged_chunk_by_chunk_and_installed_in_one_write() -> None:
    world = World()
    world.meets(SnapshotBegin(ME, OTHER, 5, 1), chunk(1), chunk(2))
    world.meets(end(OTHER, 5, 20, sequence=3))
    assert world.disk.calls == ["reset", "stage 1", "stage 1", "stage 1", "tables", "install"]
    batch = world.disk.writes[-1]
    assert (batch.compact_to, batch.compact_term, batch.applied_index) == (20, 5, 20)
    assert batch.compact_membership == MEMBERSHIP

    world.disk_is_done()
    assert world.node.status.applied_index == 20
    assert world.node.state.store.revision == 4
    assert world.last_sent(AppendEntriesResponse).index == 20
    assert world.asked.members_changed == 1


def test_a_snapshot_is_under_way_until_it_is_installed_and_counted_then() -> None:
    world = World()
    received, receiving = world.node.counts.received, world.node.receiving
    world.meets(SnapshotBegin(ME, OTHER, 5, 1), chunk(1))
    assert receiving.sender == OTHER
    world.meets(end(OTHER, 5, 20, sequence=2))
    assert receiving.sender == OTHER
    assert world.node.writes.is_installing
    world.disk_is_done()
    assert receiving.sender == 0
    assert (received.succeeded, received.failed) == ({OTHER: 1}, {})


def test_a_snapshot_that_does_not_come_to_its_end_has_failed() -> None:
    world = World()
    received = world.node.counts.received
    world.meets(SnapshotBegin(ME, OTHER, 5, 1), chunk(1))
    world.follows(THIRD, term=6)
    assert world.node.receiving.sender == 0
    world.meets(SnapshotBegin(ME, THIRD, 6, 1), chunk(2))
    assert (received.succeeded, received.failed) == ({}, {OTHER: 1})


def test_what_was_counted_goes_on_in_the_state_that_was_received() -> None:
    world = World()
    world.is_sent(entry(1, 1), commit=1)
    assert world.node.state.store.counts.puts == 1
    world.meets(SnapshotBegin(ME, OTHER, 5, 1), end(OTHER, 5, 20))
    world.is_sent(entry(5, 21), commit=21)
    world.disk_is_done()
    assert world.node.state.store.counts.puts == 2


def test_a_chunk_is_acknowledged_when_it_is_on_the_disk() -> None:
    world = World()
    world.meets(SnapshotBegin(ME, OTHER, 5, 1), chunk(1), chunk(2))
    assert acknowledged(world) == []
    world.node.staged(1)
    world.node.turn()
    assert acknowledged(world) == [(1, True)]
    world.disk_is_done()
    assert acknowledged(world) == [(1, True), (2, True)]


def test_the_old_state_is_in_use_until_the_new_one_is_durable() -> None:
    world = World()
    world.is_sent(entry(1, 1), commit=1)
    world.meets(SnapshotBegin(ME, OTHER, 5, 1), end(OTHER, 5, 20))
    world.is_sent(entry(5, 21), commit=21)
    assert world.node.status.applied_index == 1
    assert world.node.state.store.exists(b"k")

    world.disk_is_done()
    assert world.node.status.applied_index == 21
    assert world.node.state.store.exists(b"k2")


@pytest.mark.parametrize("missing", [1, 2])
def test_a_missing_chunk_is_noticed_and_the_rest_refused(missing: int) -> None:
    world = World()
    world.meets(SnapshotBegin(ME, OTHER, 5, 1))
    chunks = [chunk(sequence) for sequence in (1, 2, 3) if sequence != missing]
    world.meets(*chunks, end(OTHER, 5, 20, sequence=4))
    world.disk_is_done()
    assert [accepted for _, accepted in acknowledged(world)].count(True) == missing - 1
    assert (4, False) in acknowledged(world)
    assert "install" not in world.disk.calls
    assert world.node.status.applied_index == 0


def test_a_lost_beginning_refuses_everything_after_it() -> None:
    world = World()
    world.meets(chunk(1), end(OTHER, 5, 20, sequence=2))
    assert acknowledged(world) == [(1, False), (2, False)]
    assert world.disk.calls == []


def test_a_new_sending_replaces_one_that_was_not_finished() -> None:
    world = World()
    world.meets(SnapshotBegin(ME, OTHER, 5, 1), chunk(1))
    world.meets(SnapshotBegin(ME, OTHER, 5, 2), chunk(2, transfer=1), end(OTHER, 5, 20, transfer=2))
    world.disk_is_done()
    assert world.disk.calls[:4] == ["reset", "stage 1", "reset", "stage 1"]
    assert world.node.state.store.revision == 2


def test_a_sending_of_an_earlier_leader_is_refused() -> None:
    world = World()
    world.follows(THIRD, term=6)
    world.disk_is_done()
    world.meets(SnapshotBegin(ME, OTHER, 5, 1))
    assert acknowledged(world) == [(0, False)]


def test_the_end_of_a_sending_from_a_leader_that_is_none_any_more_changes_nothing() -> None:
    world = World()
    world.meets(SnapshotBegin(ME, OTHER, 5, 1))
    world.follows(THIRD, term=6)
    world.disk_is_done()
    world.meets(end(OTHER, 5, 20))
    world.disk_is_done()
    assert "install" not in world.disk.calls
    world.meets(SnapshotBegin(ME, THIRD, 6, 9))
    assert world.disk.calls[-1] == "reset"


def test_a_request_to_an_earlier_leader_fails_when_a_state_passes_it_by() -> None:
    world = World()
    world.follows(OTHER)
    answers = world.puts()
    world.node.turn()
    world.meets(SnapshotBegin(ME, THIRD, 5, 1), end(THIRD, 5, 20))
    world.disk_is_done()
    assert answers == [Failure.TIMEOUT_LEADER_FAILED]


def test_a_snapshot_that_begins_right_behind_another_does_not_empty_the_latter() -> None:
    world = World()
    world.meets(
        SnapshotBegin(ME, OTHER, 5, 1),
        end(OTHER, 5, 20),
        SnapshotBegin(ME, THIRD, 6, 1),
    )
    assert world.disk.calls == ["reset", "stage 1", "tables", "install"]
    refusal = world.last_sent(SnapshotAck)
    assert (refusal.to, refusal.accepted) == (THIRD, False)

    world.disk_is_done()
    assert world.node.status.applied_index == 20
    assert world.node.state.store.exists(b"k2")


def test_after_a_snapshot_that_came_too_late_another_is_taken() -> None:
    world = World()
    world.meets(SnapshotBegin(ME, OTHER, 5, 1), end(OTHER, 5, 20))
    world.disk_is_done()

    world.meets(SnapshotBegin(ME, OTHER, 5, 1), end(OTHER, 5, 10))
    world.meets(SnapshotBegin(ME, OTHER, 5, 2))
    assert world.disk.calls[4:] == ["reset", "stage 1", "tables", "reset"]
    received = world.node.counts.received
    assert (received.succeeded, received.failed) == ({OTHER: 1}, {OTHER: 1})
    assert world.node.status.applied_index == 20
