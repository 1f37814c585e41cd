"""Changing the configuration (section 6, thesis 4).

When a change may start, how a joint configuration ends, what a leader does that was removed.

Appending is `replication`'s; here is only decided what to append.
"""

from raftkv.raft.events import MembershipChange
from raftkv.raft.membership import changed, left_joint
from raftkv.raft.messages import COMMIT_NOTICE, Heartbeat, TimeoutNow
from raftkv.raft.state import Role, State, become_follower, send
from raftkv.raft.types import NO_MEMBER, Membership


def next_membership(state: State, changes: tuple[MembershipChange, ...]) -> Membership | None:
    """The configuration that the proposed changes lead to; None if they can't start now, or ever.

    Thesis 4.1: one change at a time, and, as its author added later, none before the leader
    committed an entry in its own term: a change left over from an earlier term could still take
    effect without the leader knowing.
    """
    is_pending = state.history.latest_index > state.commit or state.membership.is_joint
    if (
        state.role is not Role.LEADER
        or state.transfer_target != NO_MEMBER
        or not state.has_committed_in_term
        or is_pending
    ):
        return None
    return changed(state.membership, changes)


def membership_after_joint(state: State) -> Membership | None:
    """The configuration to append once the joint one is committed (section 6); else None."""
    if (
        state.role is not Role.LEADER
        or not state.membership.is_joint
        or state.history.latest_index > state.commit
        or not state.has_committed_in_term
    ):
        return None
    return left_joint(state.membership)


def step_down_if_removed(state: State) -> None:
    """Ends the office of a leader whose own removal is committed (section 6, thesis 4.2.2).

    It tells the others that the change is committed, and asks the most advanced of them to stand at
    once, so that they need not wait for its silence.
    """
    if state.role is not Role.LEADER or state.is_voter or state.history.latest_index > state.commit:
        return
    own, term, commit = state.member_id, state.term, state.commit
    for member in state.peers:
        send(state, Heartbeat(member, own, term, commit, COMMIT_NOTICE))
    voters = sorted(state.membership.voters)
    successor = max(voters, key=lambda voter: state.progress[voter].match)
    send(state, TimeoutNow(successor, own, term))
    become_follower(state, term, NO_MEMBER)
