"""A network of namespaces: exactly the links that should be are cut, lossy, late or slow."""

import asyncio
import fcntl
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jepsen_tests.process import leftovers
from jepsen_tests.process.namespaces import socket_in
from jepsen_tests.process.network import Network
from jepsen_tests.process.requirements import missing_for_networks
from jepsen_tests.world.links import (
    CLIENTS,
    Disturbance,
    Lateness,
    Link,
    both_ways,
    one_way,
)

pytestmark = pytest.mark.slow
PORT = 9_000
MEMBERS = ["m1", "m2", "m3"]
ARRIVAL_SECONDS_MAX = 0.1


@asynccontextmanager
async def network_of(members: list[str]) -> AsyncIterator[Network]:
    """A network that is gone at the end."""
    network = await Network.create(members, random.Random(1))
    try:
        yield network
    finally:
        await network.close()


def with_network(body: Callable[[Network], Awaitable[None]]) -> None:
    """Runs a test on a network of three."""
    if missing := missing_for_networks():
        pytest.skip(missing)

    async def run() -> None:
        async with network_of(MEMBERS) as network:
            await body(network)

    asyncio.run(run())


def endpoint(network: Network, name: str) -> socket.socket:
    """A socket for datagrams at a member, or at the clients."""
    if name == CLIENTS:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    else:
        opened = socket_in(network.subnet.namespace(name), socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((network.addresses[name], PORT))
    opened.settimeout(0)
    return opened


def links_that_work(network: Network, *, datagrams: int = 1) -> dict[Link, int]:
    """How many datagrams of so many arrived, on each link on which any did."""
    sockets = {name: endpoint(network, name) for name in network.addresses}
    arrived: dict[Link, int] = {}
    try:
        for sender, opened in sockets.items():
            for receiver, address in network.addresses.items():
                for _ in range(datagrams if receiver != sender else 0):
                    send(opened, sender, address)
        time.sleep(ARRIVAL_SECONDS_MAX)
        for receiver, opened in sockets.items():
            for sender in received(opened):
                link = Link(sender, receiver)
                arrived[link] = arrived.get(link, 0) + 1
    finally:
        for opened in sockets.values():
            opened.close()
    return arrived


def send(opened: socket.socket, sender: str, address: str) -> None:
    """What a filter drops where it leaves is an error for datagrams."""
    try:
        opened.sendto(sender.encode(), (address, PORT))
    except PermissionError:
        return


def received(opened: socket.socket) -> list[str]:
    """What has arrived."""
    found = []
    try:
        while True:
            found.append(opened.recv(100).decode())
    except BlockingIOError:
        return found


ALL = both_ways([*MEMBERS, CLIENTS], [*MEMBERS, CLIENTS])


@pytest.mark.parametrize(
    "cut",
    [
        frozenset[Link](),
        both_ways(["m1"], ["m2", "m3"]),
        one_way(["m1"], ["m2"]),
        one_way(["m2"], [CLIENTS]) | one_way([CLIENTS], ["m3"]),
        both_ways(MEMBERS, MEMBERS),
        ALL,
    ],
    ids=["none", "one-of-three", "one-way", "client-server", "peers-only", "all"],
)
def test_exactly_the_links_that_were_cut_are(cut: frozenset[Link]) -> None:
    async def body(network: Network) -> None:
        await network.disturb("partition", Disturbance(cut=cut))
        assert links_that_work(network).keys() == ALL - cut
        await network.restore("partition")
        assert links_that_work(network).keys() == ALL

    with_network(body)


def test_a_link_loses_its_share_of_packets() -> None:
    async def body(network: Network) -> None:
        # Everybody learns the others' hardware addresses first: few packets can wait for one.
        links_that_work(network)
        await network.disturb("loss", Disturbance(loss={Link("m1", "m2"): 0.5}))
        arrived = links_that_work(network, datagrams=40)
        assert 5 < arrived.pop(Link("m1", "m2")) < 35
        assert set(arrived.values()) == {40}

    with_network(body)


async def round_trip(network: Network, sender: str, receiver: str) -> float:
    """The seconds that a datagram to a member and one back take, at most one."""
    here, there = endpoint(network, sender), endpoint(network, receiver)
    loop = asyncio.get_running_loop()
    began = time.monotonic()
    try:
        here.sendto(b"there", (network.addresses[receiver], PORT))
        await asyncio.wait_for(loop.sock_recv(there, 100), 1)
        there.sendto(b"back", (network.addresses[sender], PORT))
        await asyncio.wait_for(loop.sock_recv(here, 100), 1)
        return time.monotonic() - began
    finally:
        here.close()
        there.close()


def test_packets_are_late_on_one_link_and_no_other() -> None:
    async def body(network: Network) -> None:
        late = Disturbance(lateness={Link("m1", "m2"): Lateness(200)})
        await network.disturb("delay", late)
        assert 0.2 <= await round_trip(network, "m1", "m2") < 0.35
        assert await round_trip(network, "m1", "m3") < 0.1
        later = Disturbance(lateness={Link(CLIENTS, "m2"): Lateness(100)})
        await network.disturb("more delay", later)
        assert 0.2 <= await round_trip(network, "m2", "m1") < 0.35
        assert 0.1 <= await round_trip(network, CLIENTS, "m2") < 0.25
        await network.heal()
        assert await round_trip(network, "m1", "m2") < 0.1

    with_network(body)


def test_a_member_that_sends_slowly_takes_its_time() -> None:
    async def body(network: Network) -> None:
        listener = socket_in(network.subnet.namespace("m2"), socket.AF_INET, socket.SOCK_STREAM)
        listener.bind((network.addresses["m2"], PORT))
        listener.listen()
        await network.disturb("rate", Disturbance(rate_kilobits={"m1": 1_000}))
        seconds = await asyncio.to_thread(seconds_to_send, network, 60_000)
        assert 0.2 < seconds < 2
        await network.heal()
        assert await asyncio.to_thread(seconds_to_send, network, 60_000) < 0.2
        listener.close()

    def seconds_to_send(network: Network, count: int) -> float:
        with socket_in(
            network.subnet.namespace("m1"), socket.AF_INET, socket.SOCK_STREAM
        ) as sender:
            began = time.monotonic()
            sender.connect((network.addresses["m2"], PORT))
            sender.sendall(bytes(count))
            sender.shutdown(socket.SHUT_WR)
            while unacknowledged(sender):
                time.sleep(0.005)
            return time.monotonic() - began

    def unacknowledged(sender: socket.socket) -> int:
        answer = fcntl.ioctl(sender, termios.TIOCOUTQ, struct.pack("i", 0))
        return int(struct.unpack("i", answer)[0])

    with_network(body)


def test_a_member_that_joins_later_shares_the_trouble() -> None:
    async def body(network: Network) -> None:
        cut = one_way(["m1"], [CLIENTS, "m2", "m3", "m4"])
        await network.disturb("partition", Disturbance(cut=cut))
        await network.add("m4")
        everybody = [*MEMBERS, "m4", CLIENTS]
        assert links_that_work(network).keys() == both_ways(everybody, everybody) - cut

    with_network(body)


def test_two_networks_do_not_meet() -> None:
    async def body(network: Network) -> None:
        async with network_of(["m1"]) as other:
            assert other.subnet != network.subnet
            assert await leftovers.clean() == [], "neither belongs to a dead harness"
            assert links_that_work(other).keys() == both_ways(["m1"], [CLIENTS])
        assert links_that_work(network).keys() == ALL

    with_network(body)


DYING_HARNESS = """
import asyncio, os, random, subprocess, sys
from jepsen_tests.process.network import Network
async def main():
    network = await Network.create(["m1", "m2"], random.Random(1))
    subprocess.Popen(network.command_in("m1", ["sleep", "1000"]), stdout=subprocess.DEVNULL)
    await asyncio.sleep(0.1)
    print(network.subnet.number, flush=True)
    os.kill(os.getpid(), 9)
asyncio.run(main())
"""


def test_what_a_dead_harness_left_is_found_and_removed() -> None:
    if missing := missing_for_networks():
        pytest.skip(missing)
    died = subprocess.run(
        [sys.executable, "-c", DYING_HARNESS], stdout=subprocess.PIPE, text=True, check=False
    )
    assert died.returncode == -signal.SIGKILL
    bridge = f"jt{died.stdout.strip()}"
    assert (leftovers.NAMESPACES / f"{bridge}-m1").exists()
    assert bridge in asyncio.run(leftovers.clean())
    assert not list(leftovers.NAMESPACES.glob(f"{bridge}-*"))
    assert not list(Path("/sys/class/net").glob(f"{bridge}*"))
    sleeping = subprocess.run(["pgrep", "-fx", "sleep 1000"], check=False, capture_output=True)
    assert os.fsdecode(sleeping.stdout) == ""
