"""What the core shows of itself: a picture of one moment, for the loop and for people."""

from dataclasses import dataclass

from raftkv.raft.progress import Mode
from raftkv.raft.state import Role, State
from raftkv.raft.types import Membership


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """A follower or learner as its leader sees it."""

    member: int
    mode: Mode
    match: int
    """Durable there, and the same as in the leader's log, up to this index."""
    next: int
    """The next entry to send."""
    inflight_messages: int
    inflight_bytes: int
    recently_active: bool
    """Whether it was heard in the current election timeout."""


@dataclass(frozen=True, slots=True)
class Status:
    """A member's consensus state."""

    member: int
    role: Role
    leader: int
    term: int
    vote: int
    commit: int
    first_index: int
    last_index: int
    log_bytes: int
    membership: Membership
    transfer_target: int
    peers: tuple[PeerStatus, ...]
    """In ascending order; empty on all but a leader."""


def picture(state: State) -> Status:
    """Takes the picture."""
    peers = []
    if state.role is Role.LEADER:
        for member in state.peers:
            progress = state.progress[member]
            peers.append(
                PeerStatus(
                    member,
                    progress.mode,
                    progress.match,
                    progress.next,
                    progress.inflight_messages,
                    progress.inflight_bytes,
                    progress.recently_active,
                )
            )
    return Status(
        state.member_id,
        state.role,
        state.leader,
        state.term,
        state.vote,
        state.commit,
        state.log.first_index,
        state.log.last_index,
        state.log.byte_size,
        state.membership,
        state.transfer_target,
        tuple(peers),
    )
