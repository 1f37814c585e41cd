"""A real cluster as the harness' ports have it: what a run needs of the cluster that it tests."""

import random
from collections.abc import Callable, Mapping
from dataclasses import asdict

from jepsen_tests.history import Fact, MemberState
from jepsen_tests.plan import Fault, name_of
from jepsen_tests.process.admin import Status
from jepsen_tests.process.cluster import ProcessCluster
from jepsen_tests.process.grpc_client import GrpcClient
from jepsen_tests.process.nemeses.table import NEMESES, capabilities
from jepsen_tests.world.infliction import Infliction, NotNowError


class ClusterUnderTest:
    """The members of one run, the faults that are made on them, and what is seen of them."""

    def __init__(
        self, cluster: ProcessCluster, chance: random.Random, now_ns: Callable[[], int]
    ) -> None:
        self.cluster = cluster
        self._chance = chance
        self._now_ns = now_ns
        self._capabilities = capabilities(cluster)
        self._seen: list[Fact] = []
        self._known_ended: set[tuple[str, int]] = set()
        """Which start of which member ended without being told to."""

    @property
    def names(self) -> list[str]:
        """Who belongs to it now."""
        return self.cluster.names

    def client(self, member: str) -> GrpcClient:
        """A new client of a member."""
        return self.cluster.client(member)

    def capabilities(self) -> Mapping[str, str]:
        """Why each fault can't be made here; empty: it can."""
        return self._capabilities

    async def apply(self, fault: Fault) -> Infliction:
        """Makes a fault, or says why not."""
        reason = self._capabilities[name_of(fault)]
        if reason:
            return Infliction([], skipped=reason)
        try:
            return await NEMESES[type(fault)].inflict(self.cluster, fault, self._chance)
        except NotNowError as error:
            return Infliction([], skipped=str(error))

    async def heal(self) -> None:
        """Ends every fault and starts every member."""
        await self.cluster.heal()

    async def states(self) -> list[MemberState]:
        """A sample of each member that answers; what is seen besides becomes facts."""
        self._look_at_processes()
        known = await self.cluster.admin.statuses(self.cluster.running)
        names = {status.member_id: name for name, status in known.items()}
        return [
            self._state(name, status, names.get(status.leader_id, ""))
            for name, status in known.items()
        ]

    async def facts(self) -> list[Fact]:
        """What was seen of the members, and their hashes now."""
        hashes = await self.cluster.admin.hashes(self.cluster.running)
        found = [
            Fact(name="hash_kv", value={"member": name, **values}, at_ns=self._now_ns())
            for name, values in hashes.items()
        ]
        return [*self._seen, *self._disks(), *found]

    def _disks(self) -> list[Fact]:
        """How often members wrote, synced and were told that it failed, where a shim counted."""
        return [
            Fact(name="disk", value={"member": name, **asdict(counts)})
            for name, member in self.cluster.members.items()
            if (counts := self.cluster.workshop.disk_counts(member.files)) is not None
        ]

    def _state(self, name: str, status: Status, leader: str) -> MemberState:
        return MemberState(
            member=name,
            at_ns=self._now_ns(),
            role=status.role,
            term=status.term,
            commit=status.commit,
            applied=status.applied,
            leader=leader,
        )

    def _look_at_processes(self) -> None:
        """Notes how much memory members have, and who ended without being told to."""
        for name, member in self.cluster.members.items():
            if size := member.resident_bytes():
                self._see("resident_bytes", {"member": name, "bytes": size})
            code = member.ended_by_itself()
            if code is not None and (name, member.starts) not in self._known_ended:
                self._known_ended.add((name, member.starts))
                self._see("ended_by_itself", {"member": name, "exit_code": code})

    def _see(self, name: str, value: dict[str, int | str]) -> None:
        self._seen.append(Fact(name=name, value=dict(value), at_ns=self._now_ns()))
