"""A simulated cluster as the harness' ports have it: what a run needs of the cluster it tests."""

from collections.abc import Callable, Mapping

from jepsen_tests.history import Fact, Json, MemberState
from jepsen_tests.plan import Fault, name_of
from jepsen_tests.sim.client import SimClient
from jepsen_tests.sim.cluster import SimCluster
from jepsen_tests.sim.faults import Faults
from jepsen_tests.sim.harm.scene import Scene
from jepsen_tests.sim.harm.table import CAPABILITIES, HARMS
from jepsen_tests.sim.situations import situations
from jepsen_tests.sim.wiring import name_of_member
from jepsen_tests.world.infliction import Infliction, NotNowError
from jepsen_tests.world.ports import Refused, Unanswered, World
from jepsen_tests.world.requests import hash_of
from raftkv.node.node import Node

HASH_SECONDS_MAX = 5.0


class SimUnderTest:
    """The members of one run, and what is done to them."""

    def __init__(
        self,
        cluster: SimCluster,
        world: World,
        conditions: Faults,
        on_heal: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_heal` is called when every fault is over, those of the conditions too."""
        self.scene = Scene(cluster, world, conditions)
        self._on_heal = on_heal
        self._situations: dict[str, tuple[int, int]] = {}
        """How often each was met when somebody looked, and when first."""
        self._cluster = cluster
        self._world = world

    @property
    def names(self) -> list[str]:
        """Who belongs to it now."""
        return self.scene.names

    def client(self, member: str) -> SimClient:
        """A new client of a member."""
        return SimClient(self._cluster, member)

    def capabilities(self) -> Mapping[str, str]:
        """Why each fault can't be made here; empty: it can."""
        return CAPABILITIES

    async def apply(self, fault: Fault) -> Infliction:
        """Makes a fault, or says why not."""
        reason = CAPABILITIES.get(name_of(fault), "")
        if reason:
            return Infliction([], skipped=reason)
        self._look()
        try:
            return await HARMS[type(fault)](self.scene, fault)
        except NotNowError as error:
            return Infliction([], skipped=str(error))

    async def heal(self) -> None:
        """Ends every fault and starts every member."""
        self.scene.heal()
        for place in self._cluster.members.values():
            self._cluster.set_clock_rate(place.member_id, 1.0)
            if place.paused:
                self._cluster.resume(place.member_id)
            if place.node is None and place.starts and not place.removed:
                self._cluster.start(place.member_id)
        self._cluster.be_calm(Faults())
        self._on_heal()

    async def states(self) -> list[MemberState]:
        """A sample of each member that runs."""
        self._look()
        return [
            self._state(name_of_member(place.member_id), place.node)
            for place in self._cluster.reachable()
            if place.node is not None
        ]

    async def facts(self) -> list[Fact]:
        """The members' hashes, how fast their clocks were, and what was counted."""
        facts = [
            self._fact("clock_rate", {"member": name_of_member(m), "rate": place.fastest_rate})
            for m, place in self._cluster.members.items()
        ]
        facts += [
            Fact(name="situation", value={"name": name, "count": count}, at_ns=first_ns)
            for name, (count, first_ns) in self._situations.items()
        ]
        network, members = self._cluster.network, self._cluster.members.values()
        facts.append(self._fact("messages", network.messages_sent))
        facts.append(self._fact("snapshots", sum(place.image.installs for place in members)))
        leader = self._cluster.leader()
        if leader is not None:
            revision = leader.state.store.revision
            facts += [await self._hash(name, revision) for name in self.names]
        return facts

    def _look(self) -> None:
        for name in situations(self._cluster):
            count, first_ns = self._situations.get(name, (0, self._world.now_ns()))
            self._situations[name] = (count + 1, first_ns)

    async def _hash(self, name: str, revision: int) -> Fact:
        try:
            answer = await hash_of(self.client(name), revision, HASH_SECONDS_MAX)
        except (Refused, Unanswered) as error:
            return self._fact("hash_kv", {"member": name, "error": str(error)})
        return self._fact(
            "hash_kv",
            {
                "member": name,
                "revision": revision,
                "compact_revision": answer.compact_revision,
                "hash": answer.hash,
            },
        )

    def _fact(self, name: str, value: Json) -> Fact:
        return Fact(name=name, value=value, at_ns=self._world.now_ns())

    def _state(self, name: str, node: Node) -> MemberState:
        raft = node.raft
        role = "learner" if raft.member_id in raft.membership.learners else raft.status.role.name
        return MemberState(
            member=name,
            at_ns=self._world.now_ns(),
            role=role.lower(),
            term=raft.term,
            commit=raft.commit,
            applied=node.applying.index,
            leader=name_of_member(raft.leader) if raft.leader else "",
        )
