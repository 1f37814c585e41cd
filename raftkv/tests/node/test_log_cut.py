"""The log's beginning goes once the stored state stands for it; history goes by itself if asked."""

from raftkv.config import NodeConfig
from raftkv.node.auto_compaction import AutoCompaction
from raftkv.tests.node.given import ME, World, compaction, entry

CONFIG = NodeConfig(snapshot_count_entries=10, snapshot_catchup_entries=3)


def filled(count: int, config: NodeConfig = CONFIG) -> World:
    """A follower with so many entries, all committed and applied, none of the state stored."""
    world = World(config=config)
    world.is_sent(*[entry(1, index) for index in range(1, count + 1)], commit=count)
    return world


def test_nothing_is_cut_while_the_state_is_not_stored() -> None:
    world = filled(40)
    world.passes(3)
    assert world.node.raft.first_index == 1


def test_the_log_is_cut_behind_what_is_stored_and_a_few_entries_stay() -> None:
    world = filled(40)
    world.disk_is_done()
    world.passes(1)  # begins to store the state
    world.disk_is_done()
    world.passes(1)
    assert world.node.raft.first_index == 38
    world.is_sent(entry(1, 41), commit=41)
    batch = world.disk.writes[-1]
    assert (batch.compact_to, batch.compact_term) == (37, 1)
    assert batch.compact_membership == world.node.raft.membership
    assert batch.applied_index >= 37


def test_a_short_log_stays_whole() -> None:
    world = filled(10)
    for _ in range(3):
        world.disk_is_done()
        world.passes(1)
    assert world.node.raft.first_index == 1


def test_a_heavy_log_is_cut_up_to_the_last_stored_entry() -> None:
    world = filled(9, NodeConfig(log_bytes_max=100))
    for _ in range(3):
        world.disk_is_done()
        world.passes(1)
    assert world.node.raft.first_index == 10


def test_history_older_than_the_period_is_compacted_in_tenths() -> None:
    compaction = AutoCompaction(period_seconds=60, revisions_kept=0, ticks_per_second=10)
    due = {
        tick: revision
        for tick in range(1, 1_300)
        if (revision := compaction.due(tick, revision=tick, compact_revision=-1))
    }
    assert due == {tick: tick - 600 for tick in range(660, 1_300, 60)}


def test_history_that_is_compacted_already_is_not_compacted_again() -> None:
    compaction = AutoCompaction(period_seconds=60, revisions_kept=0, ticks_per_second=10)
    asked = [compaction.due(tick, revision=7, compact_revision=7) for tick in range(1, 1_300)]
    assert not any(asked)


def test_history_beyond_so_many_revisions_is_compacted_every_five_minutes() -> None:
    compaction = AutoCompaction(period_seconds=0, revisions_kept=1_000, ticks_per_second=10)
    due = {tick: compaction.due(tick, revision=5_000, compact_revision=-1) for tick in range(6_001)}
    assert {tick: revision for tick, revision in due.items() if revision and tick} == {
        3_000: 4_000,
        6_000: 4_000,
    }


def test_without_being_asked_nothing_is_compacted() -> None:
    compaction = AutoCompaction(period_seconds=0, revisions_kept=0, ticks_per_second=10)
    assert not any(compaction.due(tick, 1_000_000, -1) for tick in range(10_000))


def test_a_new_leader_compacts_by_what_it_noted_as_a_follower() -> None:
    world = World(settings={"auto_compaction_seconds": 6.0})
    world.is_sent(*[entry(1, index) for index in range(1, 6)], commit=5)
    for _ in range(66):
        world.follows()
        world.passes(1)
    world.leads()
    for _ in range(6):
        world.passes(1)
        world.is_acknowledged()
    assert world.node.status.leader == ME
    assert world.node.state.store.compact_revision == 6


def test_a_follower_compacts_nothing_by_itself() -> None:
    world = World(settings={"auto_compaction_seconds": 6.0})
    world.is_sent(*[entry(1, index) for index in range(1, 6)], commit=5)
    sent = len(world.network.sent)
    for _ in range(100):
        world.meets(ticks=1)
        world.follows()
    assert all(type(m).__name__ == "HeartbeatResponse" for m in world.network.sent[sent:])


def test_compacted_rows_go_a_few_a_tick() -> None:
    world = World(config=NodeConfig(compaction_rows_per_tick_max=4))
    entries = [entry(1, index) for index in range(1, 11)]
    world.is_sent(*entries, commit=10)
    world.is_sent(compaction(1, 11, revision=11), commit=11)
    left = []
    for _ in range(4):
        left.append(len(world.disk.rows.rows))
        world.passes(1)
    assert left == [10, 6, 2, 1]
