"""What every harm needs: the cluster, whom a target means, and what is disturbed at the moment."""

import random
from dataclasses import dataclass, field, replace
from typing import Any

from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.faults import Faults
from jepsen_tests.sim.wiring import member_id_of, name_of_member
from jepsen_tests.world.infliction import Infliction, NotNowError
from jepsen_tests.world.ports import World
from jepsen_tests.world.targets import chosen
from raftkv.node.node import Node


@dataclass(slots=True)
class Scene:
    """A simulated cluster under a plan."""

    cluster: SimCluster
    world: World
    conditions: Faults
    """How unkind disk and network are besides the plan."""
    cuts: list[frozenset[tuple[int, int]]] = field(default_factory=list)
    """(sender, receiver) pairs, a set for each partition."""
    disturbances: list[tuple[frozenset[int], dict[str, Any]]] = field(default_factory=list)
    """Members, and what is different on their links."""
    _names: list[str] = field(default_factory=list)

    @property
    def chance(self) -> random.Random:
        """The run's."""
        return self.world.random

    @property
    def names(self) -> list[str]:
        """The voters, as the last leader had them."""
        leader = self.cluster.leader()
        if leader is not None:
            voters = sorted(leader.raft.membership.voters)
            self._names = [name_of_member(member) for member in voters]
        if not self._names:
            self._names = [name_of_member(member) for member in sorted(self.cluster.members)]
        return self._names

    @property
    def leader_name(self) -> str:
        """Who leads; empty: nobody."""
        leader = self.cluster.leader()
        return "" if leader is None else name_of_member(leader.raft.member_id)

    def leader(self) -> Node:
        """The leader's node.

        Raises:
            NotNowError: There is none.
        """
        leader = self.cluster.leader()
        if leader is None:
            raise NotNowError("nobody leads")
        return leader

    def targets(self, target: str) -> list[str]:
        """Whom a target means now.

        Raises:
            NotNowError: The member that is named does not belong to the cluster.
        """
        try:
            return chosen(target, self.names, self.leader_name, self.chance)
        except ValueError as error:
            raise NotNowError(str(error)) from error

    def place(self, name: str) -> SimMember:
        """A member's place."""
        return self.cluster.members[member_id_of(name)]

    def running(self, target: str) -> list[str]:
        """Those of the targets whose process lives and is not paused.

        Raises:
            NotNowError: None of them.
        """
        names = self.targets(target)
        alive = [
            name
            for name in names
            if self.place(name).node is not None and not self.place(name).paused
        ]
        if not alive:
            raise NotNowError(f"{', '.join(names)} did not run")
        return alive

    def cut(self, pairs: frozenset[tuple[int, int]], targets: list[str]) -> Infliction:
        """Cuts links until the end."""
        self.cuts.append(pairs)
        self.cluster.network.cut |= pairs

        async def undo() -> None:
            if pairs in self.cuts:
                self.cuts.remove(pairs)
                still: set[tuple[int, int]] = set().union(*self.cuts)
                self.cluster.network.cut -= pairs - still

        return Infliction(targets, undo=undo)

    def disturb(self, names: list[str], **changes: Any) -> Infliction:  # noqa: ANN401 - of Faults
        """Makes the links of members worse until the end."""
        entry = (frozenset(map(member_id_of, names)), changes)
        self.disturbances.append(entry)
        self._disturb()

        async def undo() -> None:
            if entry in self.disturbances:
                self.disturbances.remove(entry)
                self._disturb()

        return Infliction(names, undo=undo)

    def heal(self) -> None:
        """Nothing is cut or disturbed any more."""
        self.cuts.clear()
        self.disturbances.clear()
        self.cluster.network.cut.clear()
        self.cluster.network.disturbed.clear()

    def _disturb(self) -> None:
        disturbed: dict[int, Faults] = {}
        for members, changes in self.disturbances:
            for member in sorted(members):
                disturbed[member] = replace(disturbed.get(member, self.conditions), **changes)
        network = self.cluster.network
        network.disturbed.clear()
        network.disturbed.update(disturbed)
