"""aetcd, a Python client that is not ours, sees the same on a real etcd and on ours."""

import asyncio
from typing import Any

import aetcd
import pytest

from raftkv.tests.conformance.servers import Cluster

SECONDS_MAX = 10


async def story(cluster: Cluster) -> list[Any]:
    """What a program sees that keeps values, compares and swaps, watches and leases."""
    host, port = cluster.members[0].endpoint.split(":")
    async with aetcd.Client(host=host, port=int(port), timeout=SECONDS_MAX) as client:
        return [
            *await key_values(client),
            *await transactions(client),
            *await watches(client),
            *await leases(client),
        ]


async def key_values(client: aetcd.Client) -> list[Any]:
    said: list[Any] = []
    await client.delete_prefix(b"aetcd/")
    for number in range(3):
        await client.put(b"aetcd/%d" % number, b"v%d" % number)
    got = await client.get(b"aetcd/1")
    said.append((got.key, got.value, got.version))
    said.append(await client.get(b"aetcd/none"))
    said.append([(each.key, each.value) for each in await client.get_prefix(b"aetcd/")])
    said.append([each.key for each in await client.get_range(b"aetcd/1", b"aetcd/3")])
    previous = await client.put(b"aetcd/1", b"new", prev_kv=True)
    said.append(previous.prev_kv.value)
    said.append(await client.replace(b"aetcd/1", b"new", b"newer"))
    said.append(await client.replace(b"aetcd/1", b"new", b"newest"))
    deleted = await client.delete(b"aetcd/1", prev_kv=True)
    said.append((deleted.deleted, deleted.prev_kv.value))
    return said


async def transactions(client: aetcd.Client) -> list[Any]:
    tx = client.transactions
    said: list[Any] = []
    for _ in range(2):
        succeeded, answers = await client.transaction(
            compare=[tx.version(b"aetcd/t") == 0],
            success=[tx.put(b"aetcd/t", b"1"), tx.get(b"aetcd/t")],
            failure=[tx.get(b"aetcd/t"), tx.delete(b"aetcd/t", prev_kv=True)],
        )
        said.append((succeeded, len(answers)))
    said.append(await client.get(b"aetcd/t"))
    return said


async def watches(client: aetcd.Client) -> list[Any]:
    first = await client.put(b"aetcd/w/0", b"before")
    start = first.header.revision
    watch = await client.watch_prefix(b"aetcd/w/", start_revision=start, prev_kv=True)
    await client.put(b"aetcd/w/1", b"a")
    await client.put(b"aetcd/w/1", b"b")
    await client.delete(b"aetcd/w/1")
    said = []
    async for event in watch:
        previous = event.prev_kv.value if event.prev_kv else None
        said.append((event.kind, event.kv.key, event.kv.value, previous))
        if len(said) == 4:
            break
    await watch.cancel()
    return said


async def leases(client: aetcd.Client) -> list[Any]:
    lease = await client.lease(100)
    await client.put(b"aetcd/l", b"leased", lease=lease)
    renewed = await lease.refresh()
    granted, keys = await lease.granted_ttl(), await lease.keys()
    said: list[Any] = [renewed.TTL, granted, list(keys)]
    await lease.revoke()
    said.append(await client.get(b"aetcd/l"))
    with pytest.raises(aetcd.ClientError) as failure:
        await client.put(b"aetcd/l", b"leased", lease=lease)
    return [*said, str(failure.value)]


@pytest.mark.slow
def test_aetcd_sees_no_difference(etcd: Cluster, raftkv: Cluster) -> None:
    theirs = asyncio.run(story(etcd))
    ours = asyncio.run(story(raftkv))
    assert ours == theirs
    assert len(ours) > 15
