"""Linearizable reads without the log (thesis 6.4).

A leader confirms that it still leads, then gives the commit index of before it asked as the index
that the state machine must have applied.

One round of heartbeats confirms all reads that wait when it starts. While a round is running new
reads wait for the next one, which starts the moment this one ends. So a lone reader waits for one
round, a read that came amid a round for less than two, and under load there are as few rounds as
the network gives answers: what they don't cost in messages on every member is there for reads,
and with the processor as the limit that decides the latency.

A round cut short by loss is repeated with the next tick's heartbeat.
"""

from raftkv.raft.messages import HeartbeatResponse
from raftkv.raft.quorum import VoteResult, vote_result
from raftkv.raft.state import Role, State


def ask(state: State, context: int) -> None:
    """Lets a read wait for the next round; drops it where no round can be held."""
    if state.role is not Role.LEADER or len(state.reads_waiting) >= state.config.reads_waiting_max:
        state.update.reads_dropped.append(context)
    else:
        state.reads_waiting.append(context)


def start_round(state: State) -> bool:
    """Starts a round if reads wait and none is running; returns whether heartbeats are due for it.

    Thesis 6.4, step 1: before its first commit a new leader doesn't know the commit index, so reads
    wait for that.
    """
    if not state.reads_waiting or state.round_reads or not state.has_committed_in_term:
        return False
    state.round += 1
    state.round_index = state.commit
    state.round_reads, state.reads_waiting = state.reads_waiting, []
    state.round_acks = {state.member_id: True}
    return not _finish_if_confirmed(state)


def on_heartbeat_response(state: State, message: HeartbeatResponse) -> None:
    """Counts an answer towards the running round; a quorum of them ends it."""
    if state.round_reads and message.round == state.round and message.sender in state.peers:
        state.round_acks[message.sender] = True
        _finish_if_confirmed(state)


def _finish_if_confirmed(state: State) -> bool:
    if vote_result(state.halves, state.round_acks) is not VoteResult.WON:
        return False
    index = state.round_index
    state.update.reads += [(context, index) for context in state.round_reads]
    state.round_reads = []
    return True
