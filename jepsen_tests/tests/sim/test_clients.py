"""Clients of simulated members: what they are told when members die, stand still or are cut off."""

import random
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import pytest

from jepsen_tests.plan import Kill, Partition, Pause
from jepsen_tests.sim.client import SimClient
from jepsen_tests.sim.cluster import SimCluster
from jepsen_tests.sim.faults import Faults
from jepsen_tests.sim.under_test import SimUnderTest
from jepsen_tests.sim.world import SECOND, World
from jepsen_tests.world.ports import KEEP_ALIVE_PATH, Refused, Unanswered
from jepsen_tests.world.virtual import VirtualWorld
from raftkv.pb import rpc_pb2

PUT, RANGE = "/etcdserverpb.KV/Put", "/etcdserverpb.KV/Range"


class Bench:
    """Three members that serve, in virtual time."""

    def __init__(self) -> None:
        self.clock = World(7)
        self.cluster = SimCluster(self.clock, Faults(), 3, serves_clients=True)
        self.world = VirtualWorld(self.clock, random.Random(7))
        self.under_test = SimUnderTest(self.cluster, self.world, Faults())
        self.clock.run_until(5 * SECOND, lambda: None)

    def client(self, member: str = "m1") -> SimClient:
        return self.under_test.client(member)

    @property
    def leader(self) -> str:
        return self.under_test.scene.leader_name

    @property
    def follower(self) -> str:
        return next(name for name in self.under_test.names if name != self.leader)

    def run(self, coroutine: Coroutine[Any, Any, Any], seconds: int = 60) -> Any:  # noqa: ANN401
        task = self.world.spawn(coroutine)
        self.clock.run_until(self.clock.now_us + seconds * SECOND, lambda: None)
        assert task.done(), "it did not end"
        self.world.close()
        return task._end.result()


async def put(client: SimClient, value: bytes, timeout_seconds: float = 8.0) -> int:
    request = rpc_pb2.PutRequest(key=b"k", value=value)
    answer = await client.call(PUT, request, rpc_pb2.PutResponse, timeout_seconds)
    return answer.header.revision


async def get(client: SimClient) -> bytes:
    answer = await client.call(RANGE, rpc_pb2.RangeRequest(key=b"k"), rpc_pb2.RangeResponse, 8.0)
    return answer.kvs[0].value if answer.kvs else b""


def test_what_one_member_was_told_another_knows() -> None:
    bench = Bench()

    async def main() -> None:
        assert await put(bench.client("m1"), b"v") == 2
        assert await get(bench.client("m2")) == b"v"

    bench.run(main())


def test_the_services_refuse_as_they_do_in_production() -> None:
    bench = Bench()

    async def main() -> None:
        request = rpc_pb2.PutRequest(key=b"k", lease=42)
        with pytest.raises(Refused) as refusal:
            await bench.client().call(PUT, request, rpc_pb2.PutResponse, 8.0)
        assert refusal.value.code == "NOT_FOUND"
        assert "requested lease not found" in refusal.value.text

    bench.run(main())


def test_a_member_that_is_down_certainly_does_nothing() -> None:
    bench = Bench()

    async def main() -> None:
        await bench.under_test.apply(Kill("m1"))
        with pytest.raises(Refused, match="connection refused"):
            await put(bench.client("m1"), b"v")

    bench.run(main())


def test_a_member_that_dies_leaves_open_what_it_did() -> None:
    bench = Bench()
    name = bench.follower

    async def main() -> None:
        await bench.under_test.apply(Partition("groups", ((name,), tuple(others(bench, name)))))
        task = bench.world.spawn(put(bench.client(name), b"v"))
        await bench.world.sleep(1)
        await bench.under_test.apply(Kill(name))
        with pytest.raises(Unanswered, match="connection reset"):
            await task

    bench.run(main())


def test_what_a_paused_member_was_sent_happens_after_its_client_gave_up() -> None:
    bench = Bench()
    name = bench.follower

    async def main() -> None:
        paused = await bench.under_test.apply(Pause(name))
        with pytest.raises(Unanswered, match="DEADLINE_EXCEEDED"):
            await put(bench.client(name), b"late", timeout_seconds=1.0)
        other = others(bench, name)[0]
        assert await get(bench.client(other)) == b""
        await paused.end()
        await bench.world.sleep(2)
        assert await get(bench.client(other)) == b"late"

    bench.run(main())


def test_a_restarted_member_serves_when_it_has_caught_up() -> None:
    bench = Bench()
    name = bench.follower

    async def main() -> bytes:
        killed = await bench.under_test.apply(Kill(name))
        await put(bench.client(others(bench, name)[0]), b"meanwhile")
        await killed.end()
        for _ in range(100):
            with suppress(Refused):
                return await get(bench.client(name))
            await bench.world.sleep(0.1)
        raise AssertionError("it never served")

    assert bench.run(main()) == b"meanwhile"


def test_a_watch_tells_what_happens_and_breaks_when_its_member_dies() -> None:
    bench = Bench()
    seen: list[bytes] = []

    async def watch() -> None:
        request = rpc_pb2.WatchCreateRequest(key=b"k")
        async for response in bench.client("m2").watch(request):
            seen.extend(event.kv.value for event in response.events)

    async def main() -> None:
        task = bench.world.spawn(watch())
        await bench.world.sleep(1)
        await put(bench.client("m1"), b"1")
        await put(bench.client("m3"), b"2")
        await bench.world.sleep(1)
        await bench.under_test.apply(Kill("m2"))
        with pytest.raises(Unanswered, match="connection reset"):
            await task

    bench.run(main())
    assert seen == [b"1", b"2"]


def test_a_watch_behind_a_partition_is_given_up_after_a_while() -> None:
    bench = Bench()

    async def watch(name: str) -> None:
        async for _ in bench.client(name).watch(rpc_pb2.WatchCreateRequest(key=b"k")):
            pass

    async def main() -> None:
        name = bench.leader
        task = bench.world.spawn(watch(name))
        await bench.world.sleep(1)
        await bench.under_test.apply(Partition("clients"))
        await put(bench.client(bench.follower), b"unseen")
        with pytest.raises(Unanswered, match="keepalive"):
            await task

    bench.run(main())


def test_a_closed_watch_ends_its_iteration_and_leaves_the_member() -> None:
    bench = Bench()
    stream = bench.client("m1").watch(rpc_pb2.WatchCreateRequest(key=b"k"))
    counted: list[int] = []

    async def watch() -> None:
        async for _ in stream:
            node = bench.cluster.members[1].node
            assert node is not None
            counted.append(node.watch_hub.watch_count)

    async def main() -> None:
        task = bench.world.spawn(watch())
        await bench.world.sleep(1)
        stream.close()
        await task
        await bench.world.sleep(1)
        node = bench.cluster.members[1].node
        assert node is not None
        counted.append(node.watch_hub.watch_count)

    bench.run(main())
    assert counted == [1, 0]


def test_a_lease_is_renewed_by_a_stream_of_one_request() -> None:
    bench = Bench()

    async def main() -> tuple[int, int]:
        client = bench.client(bench.follower)
        grant = rpc_pb2.LeaseGrantRequest(ID=5, TTL=3)
        path = "/etcdserverpb.Lease/LeaseGrant"
        await client.call(path, grant, rpc_pb2.LeaseGrantResponse, 8.0)
        lives = await renew(client, 5)
        await bench.world.sleep(10)
        return lives, await renew(client, 5)

    assert bench.run(main()) == (3, 0)


async def renew(client: SimClient, lease: int) -> int:
    request = rpc_pb2.LeaseKeepAliveRequest(ID=lease)
    answer = await client.call(KEEP_ALIVE_PATH, request, rpc_pb2.LeaseKeepAliveResponse, 8.0)
    return answer.TTL


def others(bench: Bench, name: str) -> list[str]:
    return [other for other in bench.under_test.names if other != name]
