"""Puts a node together from what its disk holds: alike in production and in the simulator."""

from collections.abc import Callable
from dataclasses import dataclass

from raftkv.apply.state import StateMachine
from raftkv.config import LimitsConfig, RaftConfig, WatchConfig
from raftkv.node.applying import Applied
from raftkv.node.node import Node
from raftkv.node.parts import Ports
from raftkv.node.ports import Storage, StoredLog, Transport
from raftkv.node.settings import NodeHooks, NodeSettings
from raftkv.raft.core import Raft
from raftkv.raft.types import Membership
from raftkv.watch.hub import Hub


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a node is told when it is made, beside what its disk holds."""

    member_id: int
    raft: RaftConfig
    watch: WatchConfig
    limits: LimitsConfig
    settings: NodeSettings
    election_timeout: Callable[[], int]
    """Draws an election timeout, in ticks."""
    wake: Callable[[], None]
    flush: Callable[[], None]
    members_changed: Callable[[], None]


def assemble(start: Start, stored: StoredLog, storage: Storage, transport: Transport) -> Node:
    """Makes the node of a member that starts with `stored`; its state is loaded to the end."""

    def new_state() -> StateMachine:
        return StateMachine(
            storage.rows, storage.tables, start.limits, start.settings.ticks_per_second
        )

    state = new_state()
    state.load()
    raft = Raft(
        start.member_id,
        start.raft,
        start.election_timeout,
        stored.hard_state,
        stored.snapshot_index,
        stored.snapshot_term,
        stored.membership or Membership(frozenset()),
        stored.entries,
        stored.applied_index,
    )
    hooks = NodeHooks(
        wake=start.wake,
        flush=start.flush,
        members_changed=start.members_changed,
        new_state=new_state,
    )
    return Node(
        raft,
        Applied(state, stored.applied_index, stored.applied_term),
        Hub(state.store, start.watch, start.settings.ticks_per_second),
        Ports(storage, transport),
        start.settings,
        hooks,
    )
