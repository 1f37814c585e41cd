"""What a tick brings: time runs out for some, leases end, history and log are cut back."""

from typing import TYPE_CHECKING

from raftkv.command.types import CommandKind, Failure
from raftkv.node.lease_queries import UNANSWERED
from raftkv.pb import rpc_pb2 as pb
from raftkv.raft.events import Compact, Tick

if TYPE_CHECKING:
    from raftkv.node.node import Node

SENDING_ELECTION_TIMEOUTS = 5
"""A snapshot whose receiver acknowledges nothing for so many election timeouts is given up."""


def on_tick(node: "Node") -> None:
    """One heartbeat interval has passed."""
    node.tick_count += 1
    raft = node.raft
    raft.step(Tick())
    node.leaderless_ticks = 0 if raft.leader else node.leaderless_ticks + 1
    _give_up_what_is_late(node)
    for context in node.lease_queries.due(node.tick_count):
        node.offers.lease_query(context)
    node.sending.tick(SENDING_ELECTION_TIMEOUTS * node.settings.election_timeout_ticks)
    node.watch_hub.tick()
    if raft.leader == raft.member_id:
        _lead(node)
    _cut_history(node)
    if not node.writes.is_installing:
        _cut_log(node)
    if node.is_state_dirty and node.writes.idle:
        node.write_state()


def _give_up_what_is_late(node: "Node") -> None:
    tick = node.tick_count
    node.proposals.deadline(tick + node.request_ticks)
    timeout = Failure.TIMEOUT if node.raft.leader else Failure.TIMEOUT_LEADER_FAILED
    for on_result in node.proposals.expire(tick):
        node.answers.append((on_result, timeout))
    for on_ready in node.reads.expire(tick):
        node.reads_failed += 1
        on_ready(timeout)
    for on_answer in node.lease_queries.expire(tick):
        on_answer(UNANSWERED, 0)


def _lead(node: "Node") -> None:
    """A leader's duties: members to promote, leases that ran out, history that grew too long."""
    config = node.settings.config
    node.leading.promote_ready(node.state)
    if node.state.lessor.is_primary:
        node.leading.expire_leases(
            node.state, node.tick_count, config.lease_expirations_per_tick_max
        )
    store = node.state.store
    due = node.auto_compaction.due(node.tick_count, store.revision, store.compact_revision)
    if due:
        body = pb.CompactionRequest(revision=due).SerializeToString()
        node.propose(CommandKind.COMPACT, body, lambda _: None)


def _cut_history(node: "Node") -> None:
    """Removes rows that a compaction gave up, while nobody is being sent them."""
    if node.sending.under_way:
        return
    if node.state.physical_compaction_step(node.settings.config.compaction_rows_per_tick_max):
        node.is_state_dirty = True


def _cut_log(node: "Node") -> None:
    """Drops the log's beginning once the stored state no longer needs it."""
    raft, config = node.raft, node.settings.config
    stored = node.writes.stored_applied_index
    if raft.log_bytes > config.log_bytes_max:
        index = stored
    elif stored - raft.first_index > config.snapshot_count_entries and not node.sending.under_way:
        index = stored - config.snapshot_catchup_entries
    else:
        return
    if index >= raft.first_index:
        node.writes.cut_log(index)
        raft.step(Compact(index))
