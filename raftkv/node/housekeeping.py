"""What a tick brings: time runs out for some, leases end, history and log are cut back."""

from raftkv.command.types import Failure
from raftkv.node.lease_answers import ask_about_lease
from raftkv.node.lease_queries import UNANSWERED
from raftkv.node.parts import Parts
from raftkv.raft.events import Compact, Tick

SENDING_ELECTION_TIMEOUTS = 5
"""A snapshot whose receiver acknowledges nothing for so many election timeouts is given up."""


def on_tick(parts: Parts) -> None:
    """One heartbeat interval has passed."""
    parts.tick_count += 1
    raft = parts.raft
    raft.step(Tick())
    parts.leaderless_ticks = 0 if raft.leader else parts.leaderless_ticks + 1
    parts.offers.tick()
    _give_up_what_is_late(parts)
    for context in parts.lease_queries.due(parts.tick_count):
        ask_about_lease(parts, context)
    parts.sending.tick(SENDING_ELECTION_TIMEOUTS * parts.settings.election_timeout_ticks)
    parts.watch_hub.tick()
    compaction_due = _note_revision(parts)
    if raft.leader == raft.member_id:
        _lead(parts, compaction_due)
    _cut_history(parts)
    if not parts.writes.is_installing:
        _cut_log(parts)
    if parts.is_state_dirty and parts.writes.idle:
        parts.write(None)


def _give_up_what_is_late(parts: Parts) -> None:
    tick = parts.tick_count
    parts.proposals.deadline(tick + parts.request_ticks)
    timeout = Failure.TIMEOUT if parts.raft.leader else Failure.TIMEOUT_LEADER_FAILED
    for on_result in parts.proposals.expire(tick):
        parts.answers.append((on_result, timeout))
    for on_ready in parts.reads.expire(tick):
        parts.reads_failed += 1
        on_ready(timeout)
    for on_answer in parts.lease_queries.expire(tick):
        on_answer(UNANSWERED, 0)


def _note_revision(parts: Parts) -> int:
    """Notes what is current: every member does, since any of them may lead when it is due."""
    store = parts.state.store
    if store.compact_revision != parts.compact_revision:
        parts.compact_revision = store.compact_revision
        parts.counts.compaction_tick = parts.tick_count
        parts.is_compacting = True
    return parts.auto_compaction.due(parts.tick_count, store.revision, store.compact_revision)


def _lead(parts: Parts, compaction_due: int) -> None:
    """A leader's duties: members to promote, leases that ran out, history that grew too long."""
    config = parts.settings.config
    parts.leading.promote_ready(parts.state)
    if parts.state.lessor.is_primary:
        parts.leading.expire_leases(
            parts.state, parts.tick_count, config.lease_expirations_per_tick_max
        )
    if compaction_due:
        parts.leading.compact(compaction_due)


def _cut_history(parts: Parts) -> None:
    """Removes rows that a compaction gave up, unless they are being sent, or about to go."""
    if parts.sending.under_way or parts.writes.is_installing:
        return
    if parts.state.physical_compaction_step(parts.settings.config.compaction_rows_per_tick_max):
        parts.is_state_dirty = True
    elif parts.is_compacting:
        parts.is_compacting = False
        ticks = parts.tick_count - (parts.counts.compaction_tick or 0)
        milliseconds = 1_000 * ticks / parts.settings.ticks_per_second
        parts.counts.compaction_milliseconds.observe(milliseconds)


def _cut_log(parts: Parts) -> None:
    """Drops the log's beginning once the stored state no longer needs it."""
    raft, config = parts.raft, parts.settings.config
    stored = parts.storage.stored_applied_index
    if raft.log_bytes > config.log_bytes_max:
        index = stored
    elif stored - raft.first_index > config.snapshot_count_entries and not parts.sending.under_way:
        index = stored - config.snapshot_catchup_entries
    else:
        return
    if index >= raft.first_index:
        parts.writes.cut_log(index)
        raft.step(Compact(index))
