"""Turns what the steps since the last update did into the next update.

This is where the order of writing and sending is decided that `update.py` describes.
"""

from raftkv.raft.state import State
from raftkv.raft.types import HardState
from raftkv.raft.update import Update


def collect(state: State) -> Update | None:
    """Takes everything that is to be done; None if there is nothing."""
    update = state.update
    update.truncate_from, update.entries = state.log.take_unwritten()
    stored = state.stored
    entered = state.term != stored.term or state.vote != stored.vote
    update.must_write = bool(
        entered or update.entries or update.truncate_from or update.install is not None
    )
    if entered or state.commit != stored.commit:
        update.hard_state = state.stored = HardState(state.term, state.vote, state.commit)
    if state.term != stored.term and update.messages:
        # Figure 2: the term is durable before anyone is told of it.
        update.messages_after_write[:0] = update.messages
        update.messages = []
    if state.handed_out < state.commit:
        update.committed = state.log.slice(state.handed_out + 1, state.commit)
        state.handed_out = state.commit
    if not _is_due(update):
        return None
    state.update = Update()
    return update


def _is_due(update: Update) -> bool:
    return bool(
        update.must_write
        or update.hard_state
        or update.messages
        or update.messages_after_write
        or update.committed
        or update.reads
        or update.reads_dropped
        or update.rejected
        or update.snapshots
        or update.transfer_failed
    )
