"""The leader's side of log replication (section 5.3) and of committing (5.3, 5.4.2).

Proposals only lengthen the log; what is due to each follower is sent when an update is taken, so
that everything proposed since the last one leaves in one message a follower. The leader writes its
own disk meanwhile (thesis 10.2.1) and counts itself only for what that disk has.
"""

from raftkv.raft.membership import encode_membership
from raftkv.raft.messages import (
    COMMIT_NOTICE,
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    HeartbeatResponse,
)
from raftkv.raft.progress import Mode, Progress
from raftkv.raft.quorum import agreed_index
from raftkv.raft.state import Role, State, append_membership, commit_to, send
from raftkv.raft.types import NO_MEMBER, EntryKind, Membership, encode_entries


def propose(state: State, payloads: list[bytes]) -> None:
    """Appends commands to the leader's log; anyone else rejects them.

    They are rejected too while leadership is being transferred, so that the target can catch up
    (thesis 3.10), and while too much waits to be committed.
    """
    if (
        state.role is not Role.LEADER
        or state.transfer_target != NO_MEMBER
        or state.uncommitted_bytes >= state.config.uncommitted_bytes_max
    ):
        state.update.rejected += payloads
        return
    _append(state, EntryKind.NORMAL, payloads)


def on_elected(state: State) -> None:
    """Asserts the new leader's authority and starts its term in the log.

    Section 8: a no-op lets the leader find out which entries are committed. Section 5.2: heartbeats
    go to all other servers at once; here the no-op itself does that.
    """
    _append(state, EntryKind.NORMAL, [b""])


def append_change(state: State, membership: Membership, context: bytes) -> None:
    """Appends a change of the configuration, which rules from now on (section 6)."""
    _append(state, EntryKind.MEMBERSHIP, [encode_membership(membership, context)])
    append_membership(state, state.log.last_index, membership)


def _append(state: State, kind: EntryKind, payloads: list[bytes]) -> None:
    log = state.log
    entries = encode_entries(state.term, log.last_index + 1, kind, payloads)
    state.uncommitted_bytes += log.append(entries)


def on_append_response(state: State, message: AppendEntriesResponse) -> bool:
    """Learns how far a follower's log matches; returns whether the commit index moved."""
    progress = state.progress.get(message.sender)
    if progress is None:
        return False
    progress.recently_active = True
    log = state.log
    if not 0 <= message.index <= log.last_index:
        # Nobody can have, or miss, what this leader never sent.
        return False
    if message.rejected:
        hint = min(message.hint_index, message.index)
        if hint > log.offset:
            # Section 5.3: skip the entries of all conflicting terms at once.
            hint = log.last_agreeable(hint, message.hint_term, log.offset)
        progress.rejected(message.index, hint)
        return False
    return progress.accepted(message.index, log.first_index) and _advance_commit(
        state, message.index
    )


def on_heartbeat_response(state: State, message: HeartbeatResponse) -> None:
    """Notes a sign of life."""
    progress = state.progress.get(message.sender)
    if progress is not None:
        progress.heard()


def on_persisted(state: State, term: int, index: int) -> bool:
    """Counts what the leader's own disk has; returns whether the commit index moved."""
    if not state.log.persisted(term, index) or state.role is not Role.LEADER:
        return False
    state.term_durable = state.term_durable or term == state.term
    state.progress[state.member_id].match = index
    return _advance_commit(state, index)


def _advance_commit(state: State, index: int) -> bool:
    """Commits what a quorum has, once `index` is among what a member newly has."""
    if index <= state.commit:
        return False
    match = {member: progress.match for member, progress in state.progress.items()}
    agreed = agreed_index(state.halves, match)
    # Section 5.4.2: only entries of the leader's own term are committed by counting; all before
    # them are committed with them.
    if agreed <= state.commit or state.log.term_at(agreed) != state.term:
        return False
    commit_to(state, agreed)
    return True


def on_heartbeat_tick(state: State) -> None:
    """Section 5.2: heartbeats keep authority; they also repeat the running read-index round."""
    state.heartbeat_elapsed += 1
    if state.heartbeat_elapsed < state.config.heartbeat_interval_ticks:
        return
    state.heartbeat_elapsed = 0
    for progress in state.progress.values():
        progress.tick()
    broadcast_heartbeat(state)


def broadcast_heartbeat(state: State) -> None:
    """Sends everybody the commit index and the current read-index round."""
    own, term, commit = state.member_id, state.term, state.commit
    for member in state.peers:
        state.progress[member].commit_sent = commit
        send(state, Heartbeat(member, own, term, commit, state.round))


def on_peer_lost(state: State, member: int) -> None:
    """What was under way to a follower is lost with its connection."""
    progress = state.progress.get(member)
    if progress is not None:
        progress.connection_lost()


def send_due(state: State) -> None:
    """Sends each follower what it may get: entries, or the news of a moved commit index."""
    last, commit = state.log.last_index, state.commit
    for member in state.peers:
        progress = state.progress[member]
        if progress.mode is Mode.REPLICATE:
            if progress.next <= last or progress.empty_append_due:
                _send_pipelined(state, member, progress)
            if progress.commit_sent < commit:
                # Followers answer their own clients when they apply: the news does not wait for the
                # next entries, nor does it want an answer.
                progress.commit_sent = commit
                send(state, Heartbeat(member, state.member_id, state.term, commit, COMMIT_NOTICE))
        elif progress.mode is Mode.PROBE and not progress.probe_sent:
            _send_append(state, member, progress, state.config.append_bytes_max)


def _send_pipelined(state: State, member: int, progress: Progress) -> None:
    """Sends entries without waiting for answers, as far as the window allows."""
    config, last = state.config, state.log.last_index
    while (
        progress.next <= last
        and progress.inflight_messages < config.inflight_messages_max
        and progress.inflight_bytes < config.inflight_bytes_max
    ):
        if not _send_append(state, member, progress, config.append_bytes_max):
            return
    if progress.empty_append_due:
        # The follower rejects it if anything before it was lost, and is then probed again.
        _send_append(state, member, progress, 0)


def _send_append(state: State, member: int, progress: Progress, bytes_max: int) -> bool:
    """Sends entries (none if `bytes_max` is 0) that follow what the follower has, as far as known.

    Returns False if the log no longer reaches back there.
    """
    log, first, commit = state.log, progress.next, state.commit
    prev_term = log.term_at(first - 1)
    if prev_term is None:
        _ask_for_snapshot(state, member, progress)
        return False
    entries, size = log.run(first, bytes_max) if bytes_max else ([], 0)
    progress.sent(len(entries), size)
    progress.commit_sent = commit
    own, term = state.member_id, state.term
    send(state, AppendEntries(member, own, term, first - 1, prev_term, commit, entries))
    return True


def _ask_for_snapshot(state: State, member: int, progress: Progress) -> None:
    """Section 7: a follower that lags behind the log's start needs a snapshot.

    It gets one when it is there to take it: while nothing is heard of it, nothing is sent.
    """
    if progress.recently_active:
        progress.become_snapshot()
        state.update.snapshots.append(member)
    else:
        progress.unreachable()
