"""Snapshots, as far as consensus is concerned (section 7).

The log is cut back behind a durable state, and a follower that lags behind the cut gets that state
instead of entries.

What is in the state and how it travels are not known here.
"""

from raftkv.raft.membership import is_valid
from raftkv.raft.messages import InstallSnapshot
from raftkv.raft.state import State, membership_changed
from raftkv.raft.terms import follow
from raftkv.raft.types import TERM_MAX


def on_compact(state: State, index: int) -> None:
    """Drops entries that the durable state stands for; what was dropped already stays dropped."""
    assert index <= state.handed_out, f"compacting to {index}, handed out are {state.handed_out}"
    if index > state.log.offset:
        state.log.compact(index)
        state.history.compact(index)


def on_install_snapshot(state: State, message: InstallSnapshot) -> None:
    """Accepts a staged state that is ahead of what is committed here; otherwise says so."""
    if not follow(state, message.sender):
        return
    index, term = message.last_index, message.last_term
    if index <= state.commit:
        # It came late: installing it would undo what was committed since.
        state.ack_index = max(state.ack_index, state.commit)
        return
    if index > TERM_MAX or not 0 < term <= state.term or not is_valid(message.membership):
        return
    log = state.log
    # Section 7: a log that has the snapshot's last entry keeps what follows it, any other goes.
    matches = log.term_at(index) == term
    log.restart_after(index, term)
    state.history.restart_after(index, message.membership, keep_later=matches)
    membership_changed(state)
    state.commit = state.handed_out = index
    state.verified = max(state.verified, index) if matches else index
    state.ack_index = max(state.ack_index, index)
    state.update.install = message


def on_sent(state: State, member: int, index: int) -> None:
    """Goes on with entries after the sending of the state at `index` ended (0: it failed)."""
    progress = state.progress.get(member)
    if progress is not None:
        assert index <= state.log.last_index, f"{index} is beyond {state.log.last_index}"
        progress.snapshot_ended(index)
