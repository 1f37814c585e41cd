"""Against real members: each metric moves when what it counts happens."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from raftkv.config import MemberConfig, NodeConfig
from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.member.given import SECONDS_MAX, Hosted, ask, configs, free_ports, hosted, put
from raftkv.tests.metrics_page import MetricsPage, scrape

pytestmark = pytest.mark.slow


async def page(config: MemberConfig) -> MetricsPage:
    return await asyncio.to_thread(scrape, config.listen_client_urls[0])


async def moves(config: MemberConfig, name: str, *labels: str, by: float = 1) -> None:
    """Returns when a metric has risen to `by`, which may take some ticks."""
    async with asyncio.timeout(SECONDS_MAX):
        # A scraper is told of nothing: it asks again.
        while (await page(config)).value(name, *labels) < by:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running(*given: MemberConfig) -> AsyncIterator[list[Hosted]]:
    members = await hosted(given)
    try:
        yield members
    finally:
        for member in members:
            await member.stop()


def test_what_a_single_member_does(tmp_path: Path) -> None:
    async def story() -> None:
        (config,) = configs(tmp_path)
        async with running(config):
            await put(config, b"k", b"v")
            await put(config, b"k", b"w")
            before = await page(config)
            assert before.value("etcd_mvcc_put_total") == 2
            assert before.value("etcd_debugging_mvcc_db_compaction_last") == 0

            await ask(config, "KV/Compact", pb.CompactionRequest(revision=3), pb.CompactionResponse)
            await moves(config, "etcd_debugging_mvcc_db_compaction_keys_total")
            name = "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds_count"
            await moves(config, name)
            last = (await page(config)).value("etcd_debugging_mvcc_db_compaction_last")
            assert abs(last - time.time()) < 60

            await ask(config, "Maintenance/Hash", pb.HashRequest(), pb.HashResponse)
            await moves(config, "etcd_mvcc_hash_duration_seconds_count")
            await ask(config, "Maintenance/HashKV", pb.HashKVRequest(), pb.HashKVResponse)
            await moves(config, "etcd_mvcc_hash_rev_duration_seconds_count")

            after = await page(config)
            assert after.value("etcd_disk_wal_write_bytes_total") > before.value(
                "etcd_disk_wal_write_bytes_total"
            )
            assert after.value("etcd_disk_wal_fsync_duration_seconds_count") > before.value(
                "etcd_disk_wal_fsync_duration_seconds_count"
            )
            await moves(config, "etcd_disk_backend_commit_duration_seconds_count")
            assert after.value("etcd_server_client_requests_total", 'type="unary"') == 5
            assert after.value("etcd_server_go_version") == 1
            assert after.value("process_start_time_seconds") < time.time()
            assert after.value("process_virtual_memory_bytes") > after.value(
                "process_resident_memory_bytes"
            )

    asyncio.run(story())


def test_leases(tmp_path: Path) -> None:
    async def story() -> None:
        (config,) = configs(tmp_path)
        async with running(config):
            for lease, ttl in ((1, 1), (2, 700)):
                grant = pb.LeaseGrantRequest(ID=lease, TTL=ttl)
                await ask(config, "Lease/LeaseGrant", grant, pb.LeaseGrantResponse)
            seen = await page(config)
            assert seen.value("etcd_debugging_lease_granted_total") == 2
            assert seen.value("etcd_debugging_lease_ttl_total_sum") == 701
            assert seen.value("etcd_debugging_lease_ttl_total_bucket", 'le="512"') == 1

            await asyncio.to_thread(keep_alive, config, 2)
            assert (await page(config)).value("etcd_debugging_lease_renewed_total") == 1
            assert (await page(config)).value(
                "etcd_server_client_requests_total", 'type="stream"'
            ) == 1
            await moves(config, "etcd_debugging_server_lease_expired_total")
            await moves(config, "etcd_debugging_lease_revoked_total")

    asyncio.run(story())


def keep_alive(config: MemberConfig, lease: int) -> None:
    target = config.listen_client_urls[0].removeprefix("http://")
    request = pb.LeaseKeepAliveRequest(ID=lease).SerializeToString()
    with grpc.insecure_channel(target) as channel:
        call = channel.stream_stream("/etcdserverpb.Lease/LeaseKeepAlive")
        next(iter(call(iter([request]), timeout=SECONDS_MAX)))


def test_events(tmp_path: Path) -> None:
    async def story() -> None:
        (config,) = configs(tmp_path)
        async with running(config):
            await put(config, b"k", b"v")
            await asyncio.to_thread(watch, config, events=1)
            seen = await page(config)
            assert seen.value("etcd_debugging_mvcc_events_total") == 1
            assert seen.value("etcd_debugging_mvcc_pending_events_total") == 0

    asyncio.run(story())


def watch(config: MemberConfig, events: int) -> None:
    """Watches everything from the first revision, until so many events have come."""
    target = config.listen_client_urls[0].removeprefix("http://")
    create = pb.WatchCreateRequest(key=b"\0", range_end=b"\0", start_revision=1)
    request = pb.WatchRequest(create_request=create).SerializeToString()
    with grpc.insecure_channel(target) as channel:
        call = channel.stream_stream("/etcdserverpb.Watch/Watch")
        answers = call(iter([request]), timeout=SECONDS_MAX)
        for answer in answers:
            events -= len(pb.WatchResponse.FromString(answer).events)
            if events <= 0:
                answers.cancel()
                return


def test_a_loop_that_stands_still_and_a_peer_that_goes(tmp_path: Path) -> None:
    async def story() -> None:
        given = configs(tmp_path, 3)
        async with running(*given) as members:
            await put(given[0], b"k", b"v")
            leader = next(m for m in members if m.member.node.status.is_leader)
            config = leader.config
            other = next(m for m in members if m is not leader)
            remote = f'"{other.member.node.raft.member_id:x}"'
            seen = await page(config)
            assert seen.value("etcd_network_known_peers") == 2
            assert seen.value("etcd_network_active_peers") == 2
            assert seen.value("etcd_network_peer_sent_bytes_total", f"To={remote}") > 0
            assert seen.value("etcd_network_peer_received_bytes_total", f"From={remote}") > 0
            await moves(config, "etcd_network_peer_round_trip_time_seconds_count", f"To={remote}")

            late = seen.value("etcd_server_heartbeat_send_failures_total")
            slow = seen.value("etcd_server_slow_apply_total")
            time.sleep(0.12)  # noqa: ASYNC251 - the loop is to stand still
            await moves(config, "etcd_server_slow_apply_total", by=slow + 1)
            await moves(config, "etcd_server_heartbeat_send_failures_total", by=late + 2)

            await other.stop()
            members.remove(other)
            lost = "etcd_network_disconnected_peers_total"
            await moves(config, lost, f"Remote={remote}")
            await moves(config, "etcd_network_peer_sent_failures_total", f"To={remote}")
            seen = await page(config)
            assert seen.value("etcd_network_active_peers", f"Remote={remote}") == 0

    asyncio.run(story())


def test_a_snapshot_is_counted_by_who_sends_and_who_receives_it(tmp_path: Path) -> None:
    async def story() -> None:
        short = NodeConfig(snapshot_count_entries=20, snapshot_catchup_entries=5)
        given = [replace(config, node=short) for config in configs(tmp_path, 3)]
        async with running(*given) as members:
            leader = next(m for m in members if m.member.node.status.is_leader)
            behind = next(m for m in members if m is not leader)
            await behind.stop()
            members.remove(behind)
            for number in range(60):
                await put(leader.config, b"k", b"%d" % number)
            async with asyncio.timeout(SECONDS_MAX):
                while leader.member.node.raft.first_index < 40:
                    await put(leader.config, b"k", b"v")
            members.extend(await hosted([behind.config]))
            await moves(leader.config, "etcd_network_snapshot_send_success")
            await moves(behind.config, "etcd_network_snapshot_receive_success")
            for config, way in ((leader.config, "send"), (behind.config, "receive")):
                seen = await page(config)
                assert seen.value(f"etcd_network_snapshot_{way}_inflights_total") == 0
                assert seen.value(f"etcd_network_snapshot_{way}_failures") == 0
                assert seen.value("etcd_server_snapshot_apply_in_progress_total") == 0

    asyncio.run(story())


def test_a_promotion_that_comes_too_early(tmp_path: Path) -> None:
    async def story() -> None:
        (first,) = configs(tmp_path)
        async with running(first):
            peer = f"http://127.0.0.1:{free_ports(1)[0]}"
            add = pb.MemberAddRequest(peerURLs=[peer], isLearner=True)
            added = await ask(first, "Cluster/MemberAdd", add, pb.MemberAddResponse)
            promote = pb.MemberPromoteRequest(ID=added.member.ID)
            with pytest.raises(grpc.RpcError, match="in sync with leader"):
                await ask(first, "Cluster/MemberPromote", promote, pb.MemberPromoteResponse)
            reason = 'Reason="etcdserver: can only promote a learner member which is in sync with'
            await moves(first, "etcd_server_learner_promote_failures", reason)
            assert (await page(first)).value("etcd_server_learner_promote_successes") == 0

    asyncio.run(story())
