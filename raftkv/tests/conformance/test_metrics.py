"""The metrics page beside a real etcd's: the same names, types and counts."""

import grpc
import pytest

from raftkv.gateway.metric_names import METRICS
from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.conformance.servers import Cluster
from raftkv.tests.metrics_page import MetricsPage, scrape

pytestmark = pytest.mark.slow

_V2 = "etcd's v2 store, which no client of v3 sees"
_PROXY = "etcd's gRPC proxy, a program of its own"
_BBOLT = "a phase of a commit of bbolt's, which LMDB has not"
_SNAPSHOT_FILE = "etcd's v2 snapshot files: here the stored state is the snapshot"
_GRPC = "told apart only with work for each message or answer"

LACKING = {
    "etcd_debugging_disk_backend_commit_rebalance_duration_seconds": _BBOLT,
    "etcd_debugging_disk_backend_commit_spill_duration_seconds": _BBOLT,
    "etcd_debugging_disk_backend_commit_write_duration_seconds": _BBOLT,
    "etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds": (
        "a slice of removing rows takes less than a turn of the loop, which has no clock"
    ),
    "etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds": (
        "the index is trimmed with the rows, in the same slices"
    ),
    "etcd_debugging_mvcc_total_put_size_in_bytes": "two lengths more to be added up for each put",
    "etcd_debugging_snap_save_marshalling_duration_seconds": _SNAPSHOT_FILE,
    "etcd_debugging_snap_save_total_duration_seconds": _SNAPSHOT_FILE,
    "etcd_debugging_store_expires_total": _V2,
    "etcd_debugging_store_reads_total": _V2,
    "etcd_debugging_store_watch_requests_total": _V2,
    "etcd_debugging_store_watchers": _V2,
    "etcd_debugging_store_writes_total": _V2,
    "etcd_disk_backend_defrag_duration_seconds": "there is nothing to be defragmented",
    "etcd_disk_backend_snapshot_duration_seconds": "Maintenance.Snapshot is not supported yet",
    "etcd_grpc_proxy_cache_hits_total": _PROXY,
    "etcd_grpc_proxy_cache_keys_total": _PROXY,
    "etcd_grpc_proxy_cache_misses_total": _PROXY,
    "etcd_grpc_proxy_events_coalescing_total": _PROXY,
    "etcd_grpc_proxy_watchers_coalescing_total": _PROXY,
    "etcd_server_apply_duration_seconds": "two looks at the clock for each command",
    "etcd_snap_db_fsync_duration_seconds": _SNAPSHOT_FILE,
    "etcd_snap_db_save_total_duration_seconds": _SNAPSHOT_FILE,
    "etcd_snap_fsync_duration_seconds": _SNAPSHOT_FILE,
    "grpc_server_handled_total": _GRPC,
    "grpc_server_msg_received_total": _GRPC,
    "grpc_server_msg_sent_total": _GRPC,
    "promhttp_metric_handler_requests_in_flight": "of Go's library for this page",
    "promhttp_metric_handler_requests_total": "of Go's library for this page",
}
"""What a real etcd 3.5 shows and we do not, and why."""

SAME_COUNTS = (
    "etcd_mvcc_put_total",
    "etcd_mvcc_delete_total",
    "etcd_mvcc_range_total",
    "etcd_debugging_mvcc_range_total",
    "etcd_mvcc_txn_total",
    "etcd_debugging_lease_granted_total",
    "etcd_debugging_lease_revoked_total",
    "etcd_debugging_lease_ttl_total_count",
    "etcd_debugging_lease_ttl_total_sum",
    "etcd_mvcc_hash_rev_duration_seconds_count",
)


def pages(cluster: Cluster) -> list[MetricsPage]:
    return [scrape(f"http://{member.endpoint}") for member in cluster.members]


def test_every_name_of_etcd_s_is_there_with_its_type_or_is_known_to_lack(
    etcd: Cluster, raftkv: Cluster
) -> None:
    theirs = {name: kind for page in pages(etcd) for name, kind in page.kinds.items()}
    theirs = {name: kind for name, kind in theirs.items() if not name.startswith("go_")}
    ours = {name: kind for page in pages(raftkv) for name, kind in page.kinds.items()}

    assert {name for name in theirs if name not in ours and name not in METRICS} == set(LACKING)
    assert {name: METRICS[name].kind for name in theirs if name in METRICS} == {
        name: kind for name, kind in theirs.items() if name in METRICS
    }
    assert ours == {name: METRICS[name].kind for name in ours}


def test_the_same_operations_count_the_same(etcd: Cluster, raftkv: Cluster) -> None:
    counted = []
    for cluster in (etcd, raftkv):
        member = cluster.members[0]
        url = f"http://{member.endpoint}"
        before = scrape(url)
        with grpc.insecure_channel(member.endpoint) as channel:
            operate(channel)
        after = scrape(url)
        counted.append({name: after.value(name) - before.value(name) for name in SAME_COUNTS})
    assert counted[0] == counted[1]


def operate(channel: grpc.Channel) -> None:
    """A few of everything. Puts of 100 ms ago may still be counted by neither: reads come last."""

    def ask(path: str, request: bytes) -> None:
        channel.unary_unary(f"/etcdserverpb.{path}")(request, timeout=10)

    put = pb.PutRequest(key=b"metrics/a", value=b"v")
    other = pb.PutRequest(key=b"metrics/b", value=b"v")
    delete = pb.DeleteRangeRequest(key=b"metrics/", range_end=b"metrics0")
    read = pb.RangeRequest(key=b"metrics/a")
    there = pb.Compare(key=b"metrics/a", target=pb.Compare.VERSION, result=pb.Compare.GREATER)
    ask("KV/Put", put.SerializeToString())
    ask("KV/Put", other.SerializeToString())
    ask("KV/Range", read.SerializeToString())
    ask(
        "KV/Txn",
        pb.TxnRequest(
            compare=[there],
            success=[
                pb.RequestOp(request_put=put),
                pb.RequestOp(request_range=read),
                pb.RequestOp(request_txn=pb.TxnRequest(success=[pb.RequestOp(request_put=other)])),
            ],
        ).SerializeToString(),
    )
    ask("KV/Txn", pb.TxnRequest(success=[pb.RequestOp(request_put=put)]).SerializeToString())
    ask("KV/DeleteRange", delete.SerializeToString())
    ask("KV/DeleteRange", delete.SerializeToString())
    ask("Lease/LeaseGrant", pb.LeaseGrantRequest(TTL=700, ID=4711).SerializeToString())
    leased = pb.PutRequest(key=b"metrics/leased", lease=4711)
    ask("KV/Put", leased.SerializeToString())
    ask("Lease/LeaseRevoke", pb.LeaseRevokeRequest(ID=4711).SerializeToString())
    ask("Maintenance/HashKV", pb.HashKVRequest().SerializeToString())
    ask("KV/Range", read.SerializeToString())
