"""What a node is told when it is made, and what it calls back."""

from collections.abc import Callable
from dataclasses import dataclass

from raftkv.apply.state import StateMachine
from raftkv.config import NodeConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """What a node is told when it is made."""

    cluster_id: int
    first_request_id: int
    """Distinct for every start of a member: its upper bits are chosen at random."""
    ticks_per_second: float
    election_timeout_ticks: int
    strict_reconfig_check: bool
    auto_compaction_seconds: float
    """History older than this is compacted; 0: never."""
    auto_compaction_revisions: int
    """History beyond so many revisions is compacted; 0: never."""
    config: NodeConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeHooks:
    """What a node calls back."""

    wake: Callable[[], None]
    """A turn is due."""
    flush: Callable[[], None]
    """What services have answered is to leave now."""
    members_changed: Callable[[], None]
    """The members table changed; this member may be gone from it."""
    new_state: Callable[[], StateMachine]
    """Makes an empty state machine, for a snapshot to fill."""
