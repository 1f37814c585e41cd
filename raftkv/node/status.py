"""What the loop tells about itself: read by the services, metrics and tests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A member as it sees itself now."""

    member_id: int
    cluster_id: int
    leader: int
    """0 for none."""
    term: int
    commit_index: int
    applied_index: int
    last_index: int
    is_learner: bool
    leader_changes: int
    """How often this member has seen a leader come, since it started."""
    proposals_waiting: int
    proposals_failed: int
    """Requests given up or refused after they were queued, since this member started."""
    reads_failed: int

    @property
    def is_leader(self) -> bool:
        """Whether this member leads."""
        return self.leader == self.member_id
