"""A cluster of real members: what can be done to it, and what it tells of itself.

The nemeses (`nemeses/`) do their work through this class; none of them knows which kind of server
it is, but for what `ServerKind` says.
"""

import asyncio
import random
import secrets
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any, Self, TypeVar
from weakref import WeakSet

from jepsen_tests.process.admin import Admin, ClusterStuckError
from jepsen_tests.process.equipment import Equipment, Workshop
from jepsen_tests.process.grpc_client import GrpcClient
from jepsen_tests.process.members import Condition, Files, Member
from jepsen_tests.process.network import Network
from jepsen_tests.process.servers.kind import Launch, ServerKind, peer_url

START_SECONDS_MAX = 30.0
DAMAGED_START_SECONDS_MAX = 10.0
CHANGE_SECONDS_MAX = 30.0
"""How long a change of membership may take while a majority is well."""

T = TypeVar("T")


class ProcessCluster:
    """Members of one kind of server, in a network of their own, files in the run's folder."""

    def __init__(
        self, kind: ServerKind, directory: Path, network: Network, workshop: Workshop
    ) -> None:
        self.kind = kind
        self.directory = directory
        self.network = network
        self.workshop = workshop
        self.admin = Admin()
        self.members: dict[str, Member] = {}
        """Those that belong to the cluster."""
        self.damaged: set[str] = set()
        """Whose files were damaged: if they refuse to start, that is as it should be."""
        self._retired: list[Member] = []
        self._changes: dict[asyncio.Task[Any], str] = {}
        """Changes of membership under way, and which member each has taken out, if any."""
        self._token = secrets.token_hex(4)
        self._clients: WeakSet[GrpcClient] = WeakSet()
        """Those that somebody still has; the others have closed their connections."""
        self._names = 0

    @classmethod
    async def start(
        cls,
        kind: ServerKind,
        directory: Path,
        size: int,
        equipment: Equipment,
        chance: random.Random,
    ) -> Self:
        """Starts a cluster and waits until all of it serves.

        Raises:
            ProgramError: The machine lacks something.
            ClusterStuckError: It does not serve in time.
        """
        directory = directory.absolute()
        directory.mkdir(parents=True, exist_ok=True)
        network = await Network.create([], chance)
        cluster = cls(kind, directory, network, Workshop(equipment, directory))
        try:
            await cluster.workshop.prepare()
            for _ in range(size):
                await cluster._new_member()
            for name in cluster.members:
                cluster.start_member(name)
            await cluster.wait_until_serving(cluster.members)
        except BaseException:
            await cluster.close()
            raise
        return cluster

    @property
    def names(self) -> list[str]:
        """Who belongs to the cluster."""
        return list(self.members)

    @property
    def running(self) -> list[str]:
        """Who runs and is not paused, as far as the harness has seen to it."""
        return [
            name
            for name, member in self.members.items()
            if member.condition is Condition.RUNNING and member.pid is not None
        ]

    def client(self, member: str) -> GrpcClient:
        """A client of one member, with a connection of its own."""
        client = GrpcClient(member, self.network.addresses[member])
        self._clients.add(client)
        return client

    async def leader(self) -> str:
        """Who leads; empty: nobody that is known."""
        return await self.admin.leader(self.running)

    # Members.

    async def _new_member(self) -> Member:
        self._names += 1
        name = f"m{self._names}"
        await self.network.add(name)
        address = self.network.addresses[name]
        member = Member(name, address, Files(self.directory / name))
        await self.workshop.equip(member.files, self.network.subnet.namespace(name))
        self.admin.add(name, address)
        self.members[name] = member
        return member

    def start_member(self, name: str, *, is_new_cluster: bool = True) -> None:
        """Starts a member that does not run, with the data that it has; does not wait."""
        member = self.members[name]
        launch = Launch(
            name=name,
            address=member.address,
            data=member.files.data,
            peers=tuple((each.name, each.address) for each in self.members.values()),
            token=self._token,
            is_new_cluster=is_new_cluster,
        )
        command = self.network.command_in(name, self.kind.command(launch))
        member.start(command, self.workshop.environment(member.files))

    async def revive(self, name: str) -> None:
        """Makes a member run, however it is; does not wait until it serves."""
        member = self.members.get(name)
        if member is None or name in self._changes.values():
            return  # It was taken out of the cluster meanwhile.
        if member.condition is Condition.PAUSED:
            member.resume()
        if member.pid is None:
            self.start_member(name)

    async def wait_until_serving(
        self, names: Iterable[str], seconds_max: float = START_SECONDS_MAX
    ) -> None:
        """Waits until these members answer linearizable reads.

        Raises:
            ClusterStuckError: One does not; the text has the end of its log.
        """

        async def one(name: str) -> None:
            try:
                await self.admin.wait_until_serving(name, seconds_max)
            except ClusterStuckError as error:
                log = self.members[name].log_tail()
                raise ClusterStuckError(f"{error}; its log ends:\n{log}") from error

        await asyncio.gather(*(one(name) for name in list(names)))

    async def add_member(self, *, learner: bool = False) -> str:
        """Adds a member with a new name, and starts it; raises ClusterStuckError."""
        return await self.change(self._add_member(learner=learner))

    async def _add_member(self, *, learner: bool) -> str:
        ask = self.running
        member = await self._new_member()
        await self._admit(member, ask, learner=learner)
        self.start_member(member.name, is_new_cluster=False)
        return member.name

    async def remove_member(self, name: str) -> None:
        """Takes a member out of the cluster, then ends it; raises ClusterStuckError."""
        await self.change(self._remove_member(name))

    async def _remove_member(self, name: str) -> None:
        member = self.members[name]
        ask = [other for other in self.running if other != name]
        await self.admin.remove_member(ask, member.address, CHANGE_SECONDS_MAX)
        del self.members[name]
        self._retired.append(member)
        await member.kill()

    async def replace_member(self, name: str) -> None:
        """Takes a member out, empties it, adds it again under its name; raises ClusterStuckError.

        It does not wait until the member has caught up.
        """
        await self.change(self._replace_member(name), without=name)

    async def _replace_member(self, name: str) -> None:
        member = self.members[name]
        ask = [other for other in self.running if other != name]
        await self.admin.remove_member(ask, member.address, CHANGE_SECONDS_MAX)
        await member.kill()
        member.wipe()
        await self._admit(member, ask, learner=False)
        self.start_member(name, is_new_cluster=False)

    async def _admit(self, member: Member, ask: list[str], *, learner: bool) -> None:
        """Asks for a member to be added; who was not, is none of the cluster's."""
        url = peer_url(member.address)
        try:
            await self.admin.add_member(ask, url, learner=learner, seconds_max=CHANGE_SECONDS_MAX)
        except ClusterStuckError:
            del self.members[member.name]
            self._retired.append(member)
            raise

    async def promote_member(self, name: str) -> None:
        """Makes a voter of a learner; raises ClusterStuckError."""
        ask = [other for other in self.running if other != name]
        await self.admin.promote(ask, self.members[name].address, CHANGE_SECONDS_MAX)

    async def change(self, coroutine: Coroutine[Any, Any, T], without: str = "") -> T:
        """Carries out a change of membership to its end, also when the caller is cancelled.

        Half of one can be worse than any fault: a member that was emptied before it was added again
        must not start as if it had been there from the first.
        """
        task = asyncio.ensure_future(coroutine)
        self._changes[task] = without
        task.add_done_callback(self._forget_change)
        return await asyncio.shield(task)

    def _forget_change(self, task: asyncio.Task[Any]) -> None:
        del self._changes[task]
        if not task.cancelled():
            task.exception()  # Whoever asked was told, if anybody still waits.

    async def heal(self) -> None:
        """Ends all trouble: no fault of the network, every member runs, on time and with room."""
        await self.network.heal()
        for _ in range(2):
            for name, member in list(self.members.items()):
                self.workshop.heal(member.files)
                await self.revive(name)
            await asyncio.gather(*self._changes, return_exceptions=True)
        for name in self.damaged & self.members.keys():
            await self.bring_back(name)

    async def bring_back(self, name: str) -> None:
        """Makes a member serve whose files were damaged: with nothing, if it refuses to start."""
        try:
            await self.wait_until_serving([name], DAMAGED_START_SECONDS_MAX)
        except ClusterStuckError:
            await self.replace_member(name)
        self.damaged.discard(name)

    async def close(self) -> None:
        """Ends all members and removes the network; the files stay."""
        for client in list(self._clients):
            await client.close()
        await self.admin.close()
        everyone = [*self.members.values(), *self._retired]
        await asyncio.gather(*(member.kill() for member in everyone))
        for member in everyone:
            await self.workshop.pack(member.files)
        await self.network.close()
