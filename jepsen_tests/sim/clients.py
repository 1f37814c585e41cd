"""Clients that write, read, lease and compact at any member, and remember what they were told."""

from dataclasses import dataclass, field

from jepsen_tests.sim.cluster import SimCluster
from jepsen_tests.sim.world import MILLISECOND
from raftkv.apply.range import execute_range
from raftkv.command.types import CommandKind, Failure, Result
from raftkv.node.node import Node
from raftkv.pb import rpc_pb2

KEYS = [f"k{i}".encode() for i in range(8)]


@dataclass(slots=True)
class Promises:
    """What clients were told."""

    acknowledged: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    """Revision -> (key, value) of each acknowledged put."""
    newest_revision: int = 0
    """The highest revision anyone was told: no later linearizable read may be older."""
    reads: int = 0
    writes: int = 0
    failures: int = 0


class StaleReadError(AssertionError):
    """A linearizable read did not see a write that was acknowledged before it began."""


class Clients:
    """A stream of requests at random members."""

    def __init__(self, cluster: SimCluster, requests_per_second: int) -> None:
        self.promises = Promises()
        self._cluster = cluster
        self._interval_us = 1_000 * MILLISECOND // requests_per_second
        self._count = 0
        self.running = True

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
        places = [place for place in self._cluster.running() if not place.paused]
        if not places:
            return
        node = chance.choice(places).node
        assert node is not None
        self._count += 1
        kind = chance.choices(
            ("put", "read", "delete", "txn", "lease", "compact"), (50, 25, 8, 10, 4, 3)
        )[0]
        getattr(self, f"_{kind}")(node)

    def _put(self, node: Node) -> None:
        key, value = self._key(), b"v%d" % self._count
        body = rpc_pb2.PutRequest(key=key, value=value).SerializeToString()

        def told(result: Result) -> None:
            if isinstance(result, Failure):
                self.promises.failures += 1
                return
            self.promises.writes += 1
            revision = result[0]
            known = self.promises.acknowledged.setdefault(revision, (key, value))
            if known != (key, value):
                raise AssertionError(f"revision {revision} was promised twice")
            self._saw(revision)

        node.propose(CommandKind.PUT, body, told)

    def _delete(self, node: Node) -> None:
        body = rpc_pb2.DeleteRangeRequest(key=self._key()).SerializeToString()
        node.propose(CommandKind.DELETE_RANGE, body, self._told)

    def _txn(self, node: Node) -> None:
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
            success=[rpc_pb2.RequestOp(request_put=put)],
            failure=[rpc_pb2.RequestOp(request_delete_range=rpc_pb2.DeleteRangeRequest(key=key))],
        )
        node.propose(CommandKind.TXN, request.SerializeToString(), self._told)

    def _lease(self, node: Node) -> None:
        lease = self._cluster.world.random.randint(1, 20)
        if self._cluster.world.random.random() < 0.5:
            grant = rpc_pb2.LeaseGrantRequest(ID=lease, TTL=2)
            node.propose(CommandKind.LEASE_GRANT, grant.SerializeToString(), self._told)
        else:
            put = rpc_pb2.PutRequest(key=self._key(), value=b"leased", lease=lease)
            node.propose(CommandKind.PUT, put.SerializeToString(), self._told)

    def _compact(self, node: Node) -> None:
        revision = max(1, self.promises.newest_revision - 10)
        request = rpc_pb2.CompactionRequest(revision=revision)
        node.propose(CommandKind.COMPACT, request.SerializeToString(), self._told)

    def _read(self, node: Node) -> None:
        must_see = self.promises.newest_revision
        key = self._key()

        def ready(failure: Failure | None) -> None:
            if failure is not None:
                self.promises.failures += 1
                return
            self.promises.reads += 1
            result = execute_range(node.state.store, rpc_pb2.RangeRequest(key=key))
            assert not isinstance(result, Failure)
            if result[0] < must_see:
                raise StaleReadError(f"read at revision {result[0]}, {must_see} was acknowledged")
            self._saw(result[0])

        node.read_barrier(ready)

    def _told(self, result: Result) -> None:
        if isinstance(result, Failure):
            self.promises.failures += 1
        else:
            self._saw(result[0])

    def _saw(self, revision: int) -> None:
        self.promises.newest_revision = max(self.promises.newest_revision, revision)

    def _key(self) -> bytes:
        return self._cluster.world.random.choice(KEYS)
