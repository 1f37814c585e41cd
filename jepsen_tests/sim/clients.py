"""Clients that write, read and compact, at any member."""

from typing import TYPE_CHECKING

from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.ledger import Ledger
from jepsen_tests.sim.reads import Reads
from jepsen_tests.sim.requests import Requests
from jepsen_tests.sim.world import SECOND
from raftkv.command.types import CommandKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message


class Clients:
    """A stream of requests at random members."""

    def __init__(self, cluster: SimCluster, ledger: Ledger, reads: Reads) -> None:
        self.running = True
        self._cluster = cluster
        self._ledger = ledger
        self._reads = reads
        self._requests = Requests(cluster.world.random)
        self._kinds: dict[Callable[[SimMember], None], int] = {
            self._put: 45,
            self._read: 30,
            self._delete: 8,
            self._txn: 12,
            self._compact: 3,
        }
        """How often each kind of request is made, relative to the others."""

    def start(self) -> None:
        """Begins to send."""
        self._next()

    def _next(self) -> None:
        if self.running:
            self._request()
            world = self._cluster.world
            interval_us = SECOND // self._cluster.faults.requests_per_second
            world.after(world.random.randint(0, 2 * interval_us), self._next)

    def _request(self) -> None:
        chance = self._cluster.world.random
        places = self._cluster.reachable()
        if places:
            place = chance.choice(places)
            chance.choices(list(self._kinds), list(self._kinds.values()))[0](place)

    def _put(self, place: SimMember) -> None:
        self._propose(place, CommandKind.PUT, self._requests.put(self._ledger.last_lease))

    def _delete(self, place: SimMember) -> None:
        self._propose(place, CommandKind.DELETE_RANGE, self._requests.delete())

    def _txn(self, place: SimMember) -> None:
        self._propose(place, CommandKind.TXN, self._requests.txn(self._ledger.newest_revision))

    def _compact(self, place: SimMember) -> None:
        request = self._requests.compaction(self._ledger.newest_revision)
        self._propose(place, CommandKind.COMPACT, request)

    def _read(self, place: SimMember) -> None:
        self._reads.read(place, self._requests.ranges(self._ledger.newest_revision))

    def _propose(self, place: SimMember, kind: CommandKind, request: "Message") -> None:
        self._ledger.propose(place, kind, request.SerializeToString())
