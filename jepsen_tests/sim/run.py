"""One seed: a cluster, its clients and its troubles, then peace, then the reckoning."""

from dataclasses import dataclass

from jepsen_tests.sim.clients import Clients
from jepsen_tests.sim.cluster import SimCluster
from jepsen_tests.sim.faults import Faults, draw
from jepsen_tests.sim.invariants import InvariantError, Invariants
from jepsen_tests.sim.nemesis import Nemesis
from jepsen_tests.sim.world import SECOND, World
from raftkv.apply.range import execute_range
from raftkv.command.types import Failure
from raftkv.node.node import Node
from raftkv.pb import rpc_pb2

CALM_SECONDS = 30
"""How long a healed cluster may take until all members agree and answer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did, for the reader and for the test that two runs of a seed are the same."""

    seed: int
    events: int
    messages: int
    writes: int
    reads: int
    failures: int
    commit_index: int
    term: int
    rolling_hash: int


def run_seed(seed: int, seconds: int = 20, requests_per_second: int = 50) -> Outcome:
    """Runs one seed; raises what was broken.

    Raises:
        InvariantError: Raft's or the disk's promises.
        StaleReadError: A linearizable read was not.
        AssertionError: The production code met a state it holds to be impossible.
    """
    world = World(seed)
    faults = draw(world.random)
    cluster = SimCluster(world, faults, world.random.choice((1, 3, 3, 3, 5)))
    invariants = Invariants(cluster)
    clients = Clients(cluster, requests_per_second)
    nemesis = Nemesis(cluster)
    clients.start()
    nemesis.start()
    world.run_until(seconds * SECOND, invariants.check)
    nemesis.heal()
    _set_calm(cluster)
    world.run_until((seconds + CALM_SECONDS) * SECOND // 1 - 5 * SECOND, invariants.check)
    clients.running = False
    world.run_until((seconds + CALM_SECONDS) * SECOND, invariants.check)
    _reckon(cluster, clients)
    leader = cluster.leader()
    assert leader is not None
    return Outcome(
        seed,
        world.events_run,
        cluster.network.messages_sent,
        clients.promises.writes,
        clients.promises.reads,
        clients.promises.failures,
        leader.raft.commit,
        leader.raft.term,
        leader.state.rolling_hash,
    )


def _set_calm(cluster: SimCluster) -> None:
    cluster.faults = Faults()
    for place in cluster.running():
        if place.storage is not None:
            place.storage.be_calm()


def _reckon(cluster: SimCluster, clients: Clients) -> None:
    """Once healed: one leader, all members at the same state, and every promise kept."""
    leader = cluster.leader()
    if leader is None:
        raise InvariantError("no leader long after the last fault")
    for place in cluster.running():
        node = place.node
        assert node is not None
        if place.member_id not in leader.raft.membership.members:
            continue
        if node.applying.index != leader.applying.index:
            raise InvariantError(
                f"member {place.member_id} has applied {node.applying.index}, "
                f"the leader {leader.applying.index}"
            )
        if node.state.rolling_hash != leader.state.rolling_hash:
            raise InvariantError(f"member {place.member_id} differs from the leader")
    _check_promises(leader, clients)


def _check_promises(leader: Node, clients: Clients) -> None:
    """Every acknowledged put can still be read at its revision, unless that was compacted."""
    store = leader.state.store
    for revision, (key, value) in clients.promises.acknowledged.items():
        if revision > store.revision:
            raise InvariantError(f"revision {revision} was acknowledged and is gone")
        if revision < store.compact_revision:
            continue
        result = execute_range(store, rpc_pb2.RangeRequest(key=key, revision=revision))
        if isinstance(result, Failure):
            raise InvariantError(f"revision {revision}: {result.name}")
        kvs = rpc_pb2.RangeResponse.FromString(result[1]).kvs
        if not kvs or kvs[0].value != value or kvs[0].mod_revision != revision:
            raise InvariantError(
                f"revision {revision}: {key!r}={value!r} was acknowledged, is {kvs}"
            )
