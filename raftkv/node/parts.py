"""What a loop consists of, wired together. `Node` runs it; ticks and messages act on it."""

from typing import NamedTuple

from raftkv.apply.state import StateMachine
from raftkv.node.applying import Answer, Applied, Applying
from raftkv.node.auto_compaction import AutoCompaction
from raftkv.node.counts import NodeCounts
from raftkv.node.handover import Handover
from raftkv.node.leading import Leading
from raftkv.node.lease_queries import LeaseQueries
from raftkv.node.offers import Offers
from raftkv.node.ports import Storage, Transport
from raftkv.node.proposals import Proposals
from raftkv.node.reads import Reads
from raftkv.node.settings import NodeHooks, NodeSettings
from raftkv.node.transfers import Receiving, Sending
from raftkv.node.writes import Writes
from raftkv.raft.core import Raft
from raftkv.raft.update import Update
from raftkv.watch.hub import Hub

REQUEST_SECONDS = 5
"""A request is given up after this and two election timeouts, as in etcd."""


class Ports(NamedTuple):
    """The disk and the network of one member."""

    storage: Storage
    transport: Transport


class Parts:
    """The parts of one member's loop, wired to each other."""

    def __init__(
        self,
        raft: Raft,
        applied: Applied,
        hub: Hub,
        ports: Ports,
        settings: NodeSettings,
        hooks: NodeHooks,
    ) -> None:
        storage, transport = ports
        config = settings.config
        self.raft = raft
        self.storage = storage
        self.transport = transport
        self.settings = settings
        self.hooks = hooks
        self.tick_count = 0
        self.counts = counts = NodeCounts()
        self.leaderless_ticks = 0
        """For how many ticks there has been no leader."""
        self.request_ticks = int(
            REQUEST_SECONDS * settings.ticks_per_second + 2 * settings.election_timeout_ticks
        )
        retry_ticks = max(2, settings.election_timeout_ticks // 2)
        waiting_max = config.proposals_waiting_max
        self.proposals = Proposals(raft.member_id, settings.first_request_id, config)
        self.reads = Reads(waiting_max, retry_ticks, self.request_ticks)
        self.compact_revision = applied.state.store.compact_revision
        """As of the last tick."""
        self.is_compacting = False
        """Whether rows may be left of the last compaction."""
        self.lease_queries = LeaseQueries(waiting_max, retry_ticks, self.request_ticks)
        self.offers = Offers(raft, transport, self.proposals, self.reads, self.lease_queries)
        self.leading = Leading(
            raft,
            transport,
            counts,
            strict_reconfig_check=settings.strict_reconfig_check,
            healthy_ticks=REQUEST_SECONDS * int(settings.ticks_per_second),
        )
        self.handover = Handover(raft)
        self.auto_compaction = AutoCompaction(
            settings.auto_compaction_seconds,
            settings.auto_compaction_revisions,
            settings.ticks_per_second,
        )
        self.sending = Sending(raft, storage, transport, config, counts.sent)
        self.receiving = Receiving(storage, transport, raft, hooks.new_state, counts.received)
        self.writes = Writes(storage, raft)
        self.applying = Applying(raft.member_id, applied, self.proposals, hooks.members_changed)
        self.is_state_dirty = False
        """Whether applied state is not yet on its way to the disk."""
        self.watch_hub = hub
        applied.state.on_changes = hub.notify
        self.answers: list[Answer] = []
        """Results for those who wait here, to be told at the end of the turn."""
        self.reads_failed = 0

    @property
    def state(self) -> StateMachine:
        """The applied state."""
        return self.applying.state

    def write(self, update: Update | None) -> None:
        """Starts the write that an update asks for; with None, of the applied state alone."""
        applying = self.applying
        applying.state.save_meta()
        self.is_state_dirty = False
        self.writes.write(update, applying.index, applying.term)
