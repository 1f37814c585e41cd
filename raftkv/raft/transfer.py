"""Handing leadership over on request (thesis 3.10).

The leader stops taking proposals, brings the target's log up to date, and tells it to stand for
election at once; the others let it, since its requests say that the leader wants it.
"""

from raftkv.raft.messages import TimeoutNow
from raftkv.raft.state import Role, State, send
from raftkv.raft.types import NO_MEMBER


def start(state: State, target: int) -> None:
    """Starts a transfer, in place of one under way; to itself there is nothing to do."""
    if (
        state.role is not Role.LEADER
        or target not in state.membership.voters
        or state.membership.is_joint
    ):
        state.update.transfer_failed = True
    elif target not in {state.member_id, state.transfer_target}:
        state.transfer_target = target
        state.transfer_elapsed = 0
        finish_if_caught_up(state)


def finish_if_caught_up(state: State) -> None:
    """Tells the target to stand once it has the leader's whole log."""
    target = state.transfer_target
    if target != NO_MEMBER and state.progress[target].match == state.log.last_index:
        send(state, TimeoutNow(target, state.member_id, state.term))


def on_tick(state: State) -> None:
    """Gives up on a target that doesn't take over in time: proposals flow again."""
    if state.transfer_target == NO_MEMBER:
        return
    state.transfer_elapsed += 1
    if state.transfer_elapsed >= state.config.election_timeout_ticks:
        state.transfer_target = NO_MEMBER
        state.update.transfer_failed = True


def is_from_leader(state: State, sender: int) -> bool:
    """Whether a request to stand comes from the leader that this member follows."""
    return state.role is Role.FOLLOWER and state.leader == sender
