"""Clients that write, read and compact, at any member."""

from typing import TYPE_CHECKING

from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.ledger import Ledger
from jepsen_tests.sim.world import MILLISECOND
from raftkv.command.types import CommandKind
from raftkv.pb import rpc_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = [f"k{i}".encode() for i in range(8)]
REVISIONS_KEPT = 10
"""A compaction leaves about so many."""
LARGE_BYTES = 5_000
"""More than a message of entries, or a chunk of a snapshot, is meant to carry."""
LARGE_CHANCE = 0.02


class Clients:
    """A stream of requests at random members."""

    def __init__(self, cluster: SimCluster, ledger: Ledger, requests_per_second: int) -> None:
        self.running = True
        self._cluster = cluster
        self._ledger = ledger
        self._interval_us = 1_000 * MILLISECOND // requests_per_second
        self._count = 0
        self._kinds: dict[Callable[[SimMember], None], int] = {
            self._put: 50,
            self._read: 25,
            self._delete: 8,
            self._txn: 10,
            self._compact: 3,
        }
        """How often each kind of request is made, relative to the others."""

    def start(self) -> None:
        """Begins to send."""
        self._next()

    def _next(self) -> None:
        if self.running:
            self._request()
            chance = self._cluster.world.random
            self._cluster.world.after(chance.randint(0, 2 * self._interval_us), self._next)

    def _request(self) -> None:
        chance = self._cluster.world.random
        places = self._cluster.reachable()
        if not places:
            return
        place = chance.choice(places)
        self._count += 1
        chance.choices(list(self._kinds), list(self._kinds.values()))[0](place)

    def _put(self, place: SimMember) -> None:
        chance = self._cluster.world.random
        padding = bytes(LARGE_BYTES if chance.random() < LARGE_CHANCE else 0)
        request = rpc_pb2.PutRequest(key=self._key(), value=b"v%d" % self._count + padding)
        self._ledger.propose(place, CommandKind.PUT, request.SerializeToString())

    def _read(self, place: SimMember) -> None:
        self._ledger.read(place, self._key())

    def _delete(self, place: SimMember) -> None:
        request = rpc_pb2.DeleteRangeRequest(key=self._key(), prev_kv=True)
        self._ledger.propose(place, CommandKind.DELETE_RANGE, request.SerializeToString())

    def _txn(self, place: SimMember) -> None:
        key = self._key()
        put = rpc_pb2.PutRequest(key=key, value=b"t%d" % self._count)
        request = rpc_pb2.TxnRequest(
            compare=[
                rpc_pb2.Compare(
                    key=key,
                    target=rpc_pb2.Compare.VERSION,
                    result=rpc_pb2.Compare.GREATER,
                    version=self._cluster.world.random.randint(0, 3),
                )
            ],
            success=[
                rpc_pb2.RequestOp(request_put=put),
                rpc_pb2.RequestOp(request_range=rpc_pb2.RangeRequest(key=b"k", range_end=b"l")),
            ],
            failure=[
                rpc_pb2.RequestOp(request_delete_range=rpc_pb2.DeleteRangeRequest(key=key)),
                rpc_pb2.RequestOp(
                    request_put=rpc_pb2.PutRequest(key=b"k", value=b"f%d" % self._count)
                ),
            ],
        )
        self._ledger.propose(place, CommandKind.TXN, request.SerializeToString())

    def _compact(self, place: SimMember) -> None:
        revision = max(1, self._ledger.newest_revision - REVISIONS_KEPT)
        request = rpc_pb2.CompactionRequest(revision=revision)
        self._ledger.propose(place, CommandKind.COMPACT, request.SerializeToString())

    def _key(self) -> bytes:
        return self._cluster.world.random.choice(KEYS)
