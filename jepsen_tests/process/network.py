"""A cluster's network: a bridge, a namespace for each member, and what is wrong between them.

The clients are in this process's own namespace, at the bridge. Everything is named after the
subnet's number, so that what a dead harness left can be found and removed (`leftovers`).
"""

import asyncio
import random
from collections.abc import Iterable

from jepsen_tests.process.delays import PacketDelays
from jepsen_tests.process.leftovers import claim_a_subnet, remove_everything_of
from jepsen_tests.process.rules import INTERFACE, filter_script, queue_script, rate_command
from jepsen_tests.process.shell import into_namespace, run, run_in_namespace
from jepsen_tests.process.subnets import Claim
from jepsen_tests.world.links import CLIENTS, Disturbance, total


class Network:
    """The network of one cluster."""

    def __init__(self, claim: Claim, chance: random.Random) -> None:
        self.subnet = claim.subnet
        self.addresses: dict[str, str] = {CLIENTS: claim.subnet.client_address}
        self._claim = claim
        self._chance = chance
        self._disturbances: dict[object, Disturbance] = {}
        self._delays: dict[str, PacketDelays] = {}
        self._limited: set[str] = set()
        """Members that send, or once sent, at a limited rate."""
        self._changing = asyncio.Lock()

    @classmethod
    async def create(cls, members: Iterable[str], chance: random.Random) -> "Network":
        """Makes a network on a subnet that is free; removes what dead harnesses left first.

        Raises:
            ProgramError: `ip` is missing or was not allowed to.
        """
        network = cls(await claim_a_subnet(), chance)
        try:
            await network._make_bridge()
            for member in members:
                await network.add(member)
        except BaseException:
            await network.close()
            raise
        return network

    async def _make_bridge(self) -> None:
        bridge = self.subnet.bridge
        await _ip(
            f"link add {bridge} type bridge",
            f"addr add {self.subnet.client_address}/24 dev {bridge}",
            f"link set {bridge} up",
        )

    async def add(self, member: str) -> None:
        """Gives a member a namespace with a cable to the bridge."""
        index = len(self.addresses) - 1
        address = self.subnet.member_address(index)
        namespace, port = self.subnet.namespace(member), self.subnet.port_of_bridge(index)
        await _ip(f"netns add {namespace}")
        await _ip(
            f"link add {port} type veth peer name {INTERFACE} netns {namespace}",
            f"link set {port} master {self.subnet.bridge} up",
        )
        await _ip(
            f"addr add {address}/24 dev {INTERFACE}",
            f"link set {INTERFACE} up",
            "link set lo up",
            namespace=namespace,
        )
        self.addresses[member] = address
        if self._disturbances:
            await self._show()

    def command_in(self, member: str, command: list[str]) -> list[str]:
        """The command that runs this command in a member's namespace."""
        return [*into_namespace(self.subnet.namespace(member)), *command]

    @property
    def members(self) -> list[str]:
        """Who has a namespace."""
        return [name for name in self.addresses if name != CLIENTS]

    async def disturb(self, fault: object, disturbance: Disturbance) -> None:
        """Adds a fault to what is wrong, or changes it; raises ProgramError."""
        self._disturbances[fault] = disturbance
        await self._show()

    async def restore(self, fault: object) -> None:
        """Takes a fault away; raises ProgramError."""
        if self._disturbances.pop(fault, None) is not None:
            await self._show()

    async def heal(self) -> None:
        """Takes all faults away; raises ProgramError."""
        self._disturbances.clear()
        await self._show()

    async def _show(self) -> None:
        """Makes every namespace as the faults say, all at about the same time."""
        async with self._changing:
            wrong = total(self._disturbances.values())
            await asyncio.gather(*(self._show_in(member, wrong) for member in self.members))

    async def _show_in(self, member: str, wrong: Disturbance) -> None:
        namespace = self.subnet.namespace(member)
        await run_in_namespace(
            namespace, "nft", "-f", "-", stdin=filter_script(member, self.addresses, wrong)
        )
        if member in wrong.rate_kilobits or member in self._limited:
            await run_in_namespace(namespace, *rate_command(member, wrong))
            self._limited.add(member)
        await self._delay_in(member, wrong)

    async def _delay_in(self, member: str, wrong: Disturbance) -> None:
        """Sends late links through queues; a queue is numbered as its sender in `addresses`."""
        late = {
            number: (address, wrong.lateness[link])
            for number, (sender, address) in enumerate(self.addresses.items())
            for link in wrong.lateness
            if link == (sender, member)
        }
        if not late and member not in self._delays:
            return
        namespace = self.subnet.namespace(member)
        if member not in self._delays:
            self._delays[member] = PacketDelays(namespace, self._chance)
        self._delays[member].set({number: lateness for number, (_, lateness) in late.items()})
        queues = {address: number for number, (address, _) in late.items()}
        await run_in_namespace(namespace, "iptables-restore", stdin=queue_script(queues))

    async def close(self) -> None:
        """Removes all of it, with whatever still runs in the namespaces."""
        for delays in self._delays.values():
            delays.close()
        self._delays.clear()
        try:
            await remove_everything_of(self.subnet)
        finally:
            self._claim.release()


async def _ip(*commands: str, namespace: str = "") -> None:
    """Runs `ip` commands, in a namespace or here, up to the first that fails."""
    where = ["-netns", namespace] if namespace else []
    await run("ip", *where, "-batch", "-", stdin="\n".join(commands) + "\n")
