"""One seed: a cluster, its clients and its troubles, then peace, then the reckoning."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from jepsen_tests.sim.clients import Clients
from jepsen_tests.sim.cluster import SimCluster
from jepsen_tests.sim.faults import draw
from jepsen_tests.sim.invariants import Invariants
from jepsen_tests.sim.leases import Leases
from jepsen_tests.sim.ledger import Ledger
from jepsen_tests.sim.nemesis import Nemesis
from jepsen_tests.sim.reads import Reads
from jepsen_tests.sim.reckoning import PROBE_SECONDS, Reckoning
from jepsen_tests.sim.reference import Reference
from jepsen_tests.sim.trials import TRIAL_SECONDS, Trials
from jepsen_tests.sim.watches import Watches
from jepsen_tests.sim.world import SECOND, World

STORM_SECONDS = 20
CALM_SECONDS = 24
"""How long a healed cluster may take until all members agree and answer."""
QUIET_AFTER_SECONDS = 5
"""After so much of the calm the clients have nothing more to say."""
SETTLED_AFTER_SECONDS = 10
"""After so much of it there is a leader, and the trial begins."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did, for the reader and for the test that two runs of a seed are the same."""

    seed: int
    events: int
    messages: int
    writes: int
    reads: int
    failures: int
    renewals: int
    expirations: int
    watch_events: int
    compacted_watches: int
    crashes: int
    snapshots: int
    commit_index: int
    term: int
    rolling_hash: int


class Run:
    """Everything that one seed brings about."""

    def __init__(self, seed: int, trouble: Mapping[str, Any] | None = None) -> None:
        """`trouble` names faults that are not left to chance."""
        self.world = World(seed)
        chance = self.world.random
        self.faults = replace(draw(chance), **(trouble or {}))
        self.cluster = SimCluster(self.world, self.faults, self.faults.members)
        self._reference = Reference()
        self._invariants = Invariants(self.cluster, self._reference)
        self.cluster.network.on_send = self._invariants.sent
        self._ledger = Ledger(self.cluster, self._reference)
        self._reads = Reads(self.cluster, self._ledger, self._reference.plain)
        self._clients = Clients(self.cluster, self._ledger, self._reads)
        self._leases = Leases(self.cluster, self._ledger, self._reference)
        self._watches = Watches(self.cluster, self._reference)
        self._ledger.on_put = self._watches.acknowledged
        self._nemesis = Nemesis(self.cluster, self._ledger)
        self._trials = Trials(self.cluster)

    def carry_out(self, storm_seconds: int) -> Outcome:
        """Runs it; raises what was broken.

        Raises:
            BrokenPromiseError: A promise of Raft, of the disk, or to a client.
            AssertionError: The production code met a state it holds to be impossible.
        """
        self._clients.start()
        self._leases.start()
        self._watches.start()
        self._nemesis.start()
        self._run_until(storm_seconds)
        self._nemesis.heal()
        self.cluster.be_calm(self.faults.calmed())
        self._run_until(storm_seconds + QUIET_AFTER_SECONDS)
        self._clients.running = self._leases.running = False
        self._run_until(storm_seconds + SETTLED_AFTER_SECONDS)
        self._trials.begin()
        self._run_until(storm_seconds + SETTLED_AFTER_SECONDS + TRIAL_SECONDS)
        self._trials.end()
        self._run_until(storm_seconds + CALM_SECONDS)
        reckoning = Reckoning(self.cluster, self._reference)
        reckoning.probe()
        self._run_until(storm_seconds + CALM_SECONDS + PROBE_SECONDS)
        for part in (self._trials, reckoning, self._ledger, self._leases, self._watches):
            part.reckon()
        reckoning.reckon_long_after()
        return self._outcome()

    def _run_until(self, seconds: int) -> None:
        self.world.run_until(seconds * SECOND, self._look)

    def _look(self) -> None:
        """After each event in which a member had a turn: without one nothing changes."""
        if not self.cluster.touched:
            return
        self._invariants.check()
        self._ledger.verify()
        self._reads.verify()
        self._leases.verify()

    def _outcome(self) -> Outcome:
        leader = self.cluster.leader()
        assert leader is not None, "the reckoning found one"
        return Outcome(
            self.world.seed,
            self.world.events_run,
            self.cluster.network.messages_sent,
            self._ledger.writes,
            self._reads.count,
            self._ledger.failures,
            self._leases.renewals,
            self._leases.expirations,
            self._watches.events_seen,
            self._watches.cancellations,
            self._nemesis.crashes,
            sum(place.image.installs for place in self.cluster.members.values()),
            leader.raft.commit,
            leader.raft.term,
            leader.state.rolling_hash,
        )
