"""The follower's side of replication: what it takes from its leader, and what it answers.

Whatever a message says, committed entries stay, and nothing is committed beyond what was verified
to be in the leader's log.
"""

from raftkv.raft.membership import decode_membership
from raftkv.raft.messages import (
    COMMIT_NOTICE,
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    HeartbeatResponse,
)
from raftkv.raft.state import (
    Role,
    State,
    append_membership,
    commit_to,
    truncate_log,
)
from raftkv.raft.terms import follow
from raftkv.raft.types import (
    NO_MEMBER,
    CorruptEntryError,
    Membership,
    check_entries,
    entry_payload,
    entry_term,
)


def on_append_entries(state: State, message: AppendEntries) -> None:
    """Appends what follows a point where both logs match; else rejects it (section 5.3)."""
    if not follow(state, message.sender):
        return
    log, entries = state.log, message.entries
    prev_index, prev_term = message.prev_index, message.prev_term
    if prev_index < state.commit:
        # What is committed here is in the leader's log too (Leader Completeness), whether or not
        # this log still has it: the append starts, in effect, after it.
        entries = entries[state.commit - prev_index :] if prev_index >= 0 else []
        prev_index = state.commit
        own_term = log.term_at(prev_index)
        assert own_term is not None, f"commit {prev_index} is not in the log from {log.offset}"
        prev_term = own_term
    if log.term_at(prev_index) != prev_term:
        _reject(state, message)
        return
    try:
        places = check_entries(entries, prev_index, prev_term, state.term)
        changes = [(at, decode_membership(entry_payload(entries[at]))) for at in places]
    except CorruptEntryError:
        # As good as lost: the leader sends it again.
        return
    if entries and not _append(state, prev_index, entries, changes):
        return
    matched = prev_index + len(entries)
    state.verified = max(state.verified, matched)
    state.ack_index = max(state.ack_index, matched)
    # Figure 2: commitIndex = min(leaderCommit, index of last new entry).
    commit = min(message.commit, matched)
    if commit > state.commit:
        commit_to(state, commit)


def _append(
    state: State, prev_index: int, entries: list[bytes], changes: list[tuple[int, Membership]]
) -> bool:
    """Adds what the log doesn't have yet; returns False if the message can't be the leader's."""
    log = state.log
    known = 0
    if prev_index < log.last_index:
        known = _count_known(state, prev_index, entries)
        first_new = prev_index + known + 1
        if known < len(entries) and first_new <= log.last_index:
            if first_new <= state.verified:
                # A leader never changes what it sent before (Leader Append-Only).
                return False
            # Section 5.3: a conflicting entry goes, and all that follow it.
            truncate_log(state, first_new)
    if known:
        entries = entries[known:]
    log.append(entries)
    for place, membership in changes:
        if place >= known:
            append_membership(state, prev_index + 1 + place, membership)
    return True


def _count_known(state: State, prev_index: int, entries: list[bytes]) -> int:
    """How many of the entries the log has already: index and term decide (Log Matching)."""
    for count, entry in enumerate(entries):
        if state.log.term_at(prev_index + 1 + count) != entry_term(entry):
            return count
    return len(entries)


def _reject(state: State, message: AppendEntries) -> None:
    """Says where the logs may agree, so that one message skips a whole term in conflict."""
    log = state.log
    hint = log.last_agreeable(message.prev_index, message.prev_term, state.commit)
    hint_term = log.term_at(hint)
    assert hint_term is not None, f"hint {hint} is outside of {log.offset}..{log.last_index}"
    state.update.messages.append(
        AppendEntriesResponse(
            message.sender,
            state.member_id,
            state.term,
            rejected=True,
            index=message.prev_index,
            hint_index=hint,
            hint_term=hint_term,
        )
    )


def acknowledge(state: State) -> None:
    """Sends one answer for all that was accepted since the last update; it leaves after the write.

    Figure 2: entries are durable before a follower responds.
    """
    if state.ack_index < 0:
        return
    if state.role is Role.FOLLOWER and state.leader != NO_MEMBER:
        state.update.messages_after_write.append(
            AppendEntriesResponse(
                state.leader,
                state.member_id,
                state.term,
                rejected=False,
                index=state.ack_index,
                hint_index=0,
                hint_term=0,
            )
        )
    state.ack_index = -1


def on_heartbeat(state: State, message: Heartbeat) -> None:
    """Recognizes the leader, commits what it says as far as that was verified, and answers."""
    if not follow(state, message.sender):
        return
    commit = min(message.commit, state.verified)
    if commit > state.commit:
        commit_to(state, commit)
    if message.round != COMMIT_NOTICE:
        state.update.messages.append(
            HeartbeatResponse(message.sender, state.member_id, state.term, message.round)
        )
