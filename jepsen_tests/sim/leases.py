"""Leases: none runs out while it is renewed in time, all run out when nobody renews them."""

from dataclasses import dataclass

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.cluster import TICK_US, SimCluster, SimMember
from jepsen_tests.sim.ledger import Ledger
from jepsen_tests.sim.reference import Reference
from jepsen_tests.sim.requests import KEYS
from jepsen_tests.sim.world import MILLISECOND, SECOND
from raftkv.command.types import CommandKind, Failure, Result
from raftkv.pb import rpc_pb2

GRANT_INTERVAL_US = 500 * MILLISECOND
REVOKED_CHANCE = 0.15
STICKY_CHANCE = 0.7
"""How likely a client renews a lease where it has renewed it before, as long as it can."""
TTL_SECONDS = (1, 2, 4)


@dataclass(slots=True)
class Keeper:
    """A client that keeps one lease alive for a while."""

    lease: int
    ttl: int
    until_us: int
    """When it stops."""
    safe_until_us: int
    """The lease can't run out before."""
    place: SimMember
    """Where it renews."""


class Leases:
    """Clients that grant leases, hang a key on each, and renew them for a while."""

    def __init__(self, cluster: SimCluster, ledger: Ledger, reference: Reference) -> None:
        self.running = True
        self.renewals = 0
        self.expirations = 0
        self._cluster = cluster
        self._ledger = ledger
        self._reference = reference
        self._keepers: dict[int, Keeper] = {}
        self._given_up: set[int] = set()
        """Leases that their clients revoked, or tried to."""

    def start(self) -> None:
        """Begins to grant."""
        self._cluster.world.after(GRANT_INTERVAL_US, self._next)

    def verify(self) -> None:
        """Whether what expired since the last time was due."""
        if not self._reference.revoked:
            return
        revoked, self._reference.revoked = self._reference.revoked, []
        for lease, *_ in revoked:
            if lease in self._given_up:
                continue
            self.expirations += 1
            keeper = self._keepers.pop(lease, None)
            early = keeper.safe_until_us - self._cluster.world.now_us if keeper else 0
            if early > 0:
                raise BrokenPromiseError(f"lease {lease} ran out {early / SECOND:.2f} s early")

    def reckon(self) -> None:
        """Long after the last renewal: no lease is left."""
        left = self._reference.state.lessor.ids()
        if left:
            raise BrokenPromiseError(f"leases {left} have not run out")

    def _next(self) -> None:
        if not self.running:
            return
        self._grant()
        self._cluster.world.after(GRANT_INTERVAL_US, self._next)

    def _grant(self) -> None:
        world = self._cluster.world
        places = self._cluster.reachable()
        if not places:
            return
        place = world.random.choice(places)
        self._ledger.last_lease += 1
        lease = self._ledger.last_lease
        ttl = world.random.choice(TTL_SECONDS)
        sent_us = world.now_us
        kept_us = world.random.randint(0, 5 * SECOND)

        def granted(result: Result) -> None:
            if isinstance(result, Failure):
                return
            safe_until_us = self._safe_until(sent_us, ttl)
            keeper = Keeper(lease, ttl, world.now_us + kept_us, safe_until_us, place)
            self._keepers[lease] = keeper
            self._keep(keeper)

        grant = rpc_pb2.LeaseGrantRequest(ID=lease, TTL=ttl)
        self._ledger.propose(place, CommandKind.LEASE_GRANT, grant.SerializeToString(), granted)
        for key in (b"lease%d" % lease, *world.random.sample(KEYS, 2)):
            put = rpc_pb2.PutRequest(key=key, value=b"%d" % lease, lease=lease)
            self._ledger.propose(place, CommandKind.PUT, put.SerializeToString())

    def _keep(self, keeper: Keeper) -> None:
        """Renews a lease thrice in its time to live; in the end it is revoked, or runs out."""
        world = self._cluster.world
        if self._keepers.get(keeper.lease) is not keeper:
            return
        if world.now_us > keeper.until_us:
            if world.random.random() < REVOKED_CHANCE:
                self._revoke(keeper)
            return
        places = self._cluster.reachable()
        if places:
            stays = keeper.place in places and world.random.random() < STICKY_CHANCE
            keeper.place = keeper.place if stays else world.random.choice(places)
            self._renew(keeper)
        world.after(keeper.ttl * SECOND // 3, lambda: self._keep(keeper))

    def _renew(self, keeper: Keeper) -> None:
        sent_us, node = self._cluster.world.now_us, keeper.place.node
        assert node is not None, "who is reachable runs"

        def answered(remaining: int, granted: int) -> None:
            if remaining >= 0 and (remaining > granted or granted != keeper.ttl):
                raise BrokenPromiseError(
                    f"lease {keeper.lease} of {keeper.ttl} s is renewed to {remaining} of {granted}"
                )
            if remaining > 0 and self._keepers.get(keeper.lease) is keeper:
                self.renewals += 1
                safe = self._safe_until(sent_us, keeper.ttl)
                keeper.safe_until_us = max(keeper.safe_until_us, safe)

        node.lease_query(keeper.lease, True, answered)  # noqa: FBT003 - services call it so

    def _revoke(self, keeper: Keeper) -> None:
        places = self._cluster.reachable()
        if places:
            self._given_up.add(keeper.lease)
            del self._keepers[keeper.lease]
            body = rpc_pb2.LeaseRevokeRequest(ID=keeper.lease).SerializeToString()
            place = self._cluster.world.random.choice(places)
            self._ledger.propose(place, CommandKind.LEASE_REVOKE, body)

    def _safe_until(self, sent_us: int, ttl: int) -> int:
        """Until when a lease lives that was granted or renewed after `sent_us`, by any clock."""
        tick_us = min(place.tick_us for place in self._cluster.members.values())
        return sent_us + (ttl * SECOND // TICK_US - 1) * tick_us
