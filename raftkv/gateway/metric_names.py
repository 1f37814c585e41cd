"""The names on the metrics page: etcd's, so that its dashboards and alerts work.

What is here has a value. etcd's names that are missing are those of parts that we do not have, or
of what could be counted only with time taken from each request: the test that compares the page
with a real etcd's has the list, with the reasons.
"""

from raftkv.gateway.metrics import Metric


def _counter(text: str) -> Metric:
    return Metric("counter", text)


def _gauge(text: str) -> Metric:
    return Metric("gauge", text)


def _histogram(text: str) -> Metric:
    return Metric("histogram", text)


_SERVER = {
    "has_leader": _gauge("1 when this member knows a leader."),
    "is_leader": _gauge("1 when this member leads."),
    "is_learner": _gauge("1 when this member is a learner."),
    "leader_changes_seen_total": _counter("Leaders this member has seen come."),
    "proposals_committed_total": _gauge("The commit index."),
    "proposals_applied_total": _gauge("The applied index."),
    "proposals_pending": _gauge("Requests that wait for their outcome."),
    "proposals_failed_total": _counter("Requests given up or refused after they were queued."),
    "slow_apply_total": _counter("Times that nothing could be applied for 100 ms."),
    "slow_read_indexes_total": _counter(
        "Rounds of linearizable reads that the leader had to be asked about again."
    ),
    "read_indexes_failed_total": _counter("Linearizable reads given up."),
    "heartbeat_send_failures_total": _counter("Heartbeats that left late by an interval or more."),
    "quota_backend_bytes": _gauge("Row bytes that the store may hold."),
    "version": _gauge("1 for the etcd version whose API is served."),
    "id": _gauge("1 for this member's id, in hexadecimal."),
    "go_version": _gauge("1 for the runtime's version."),
    "health_success": _counter("Times /health said that all is well."),
    "health_failures": _counter("Times /health said that something is wrong."),
    "healthcheck": _gauge("1 when a check of /livez or /readyz passed the last time."),
    "healthchecks_total": _counter("Outcomes of the checks of /livez and /readyz."),
    "client_requests_total": _counter("Calls begun: unary ones and streams."),
    "snapshot_apply_in_progress_total": _gauge("1 while a received snapshot is installed."),
    "learner_promote_successes": _counter(
        "Promotions that this member took into the log while it led."
    ),
    "learner_promote_failures": _counter("Promotions refused while this member led."),
}

_DISK = {
    "wal_fsync_duration_seconds": _histogram("Time to append to the log, durably."),
    "wal_write_bytes_total": _gauge("Bytes appended to the log."),
    "backend_commit_duration_seconds": _histogram("Time to commit the state."),
    "defrag_inflight": _gauge("1 during defragmentation; never."),
}

_MVCC = {
    "db_total_size_in_bytes": _gauge("Bytes on disk."),
    "db_total_size_in_use_in_bytes": _gauge("Row bytes in the store."),
    "db_open_read_transactions": _gauge(
        "Read transactions that outlive a turn of the loop; none does."
    ),
    "put_total": _counter("Puts applied, alone or in a transaction."),
    "delete_total": _counter("Deletions applied, each of a range, and keys of revoked leases."),
    "range_total": _counter("Ranges read, alone or in a transaction, and conditions."),
    "txn_total": _counter("Transactions that did more than one thing."),
    "hash_duration_seconds": _histogram("Time to hash the store."),
    "hash_rev_duration_seconds": _histogram("Time to hash the store up to a revision."),
}

_NETWORK = {
    "client_grpc_received_bytes_total": _counter("Bytes received from clients."),
    "client_grpc_sent_bytes_total": _counter("Bytes sent to clients."),
    "peer_sent_bytes_total": _counter("Bytes sent to a member."),
    "peer_received_bytes_total": _counter("Bytes received from a member."),
    "peer_sent_failures_total": _counter("Messages to a member that were dropped."),
    "peer_received_failures_total": _counter("Messages from a member that could not be read."),
    "peer_round_trip_time_seconds": _histogram("Time to a member and back."),
    "active_peers": _gauge("1 while there is a connection to a member."),
    "known_peers": _gauge("1 for each other member."),
    "disconnected_peers_total": _counter("Connections to a member that were lost."),
    "snapshot_send_success": _counter("Snapshots sent."),
    "snapshot_send_failures": _counter("Snapshots whose sending failed."),
    "snapshot_send_inflights_total": _gauge("Snapshots being sent."),
    "snapshot_receive_success": _counter("Snapshots received."),
    "snapshot_receive_failures": _counter("Snapshots whose receiving failed."),
    "snapshot_receive_inflights_total": _gauge("Snapshots being received."),
}

_DEBUGGING = {
    "mvcc_keys_total": _gauge("Keys in the store."),
    "mvcc_watch_stream_total": _gauge("Watch streams."),
    "mvcc_watcher_total": _gauge("Watches."),
    "mvcc_slow_watcher_total": _gauge("Watches that catch up from history."),
    "mvcc_pending_events_total": _gauge("Events waiting to be sent."),
    "mvcc_events_total": _counter("Events sent."),
    "mvcc_current_revision": _gauge("The newest revision."),
    "mvcc_compact_revision": _gauge("The revision of the last compaction."),
    "mvcc_range_total": _counter("As etcd_mvcc_range_total."),
    "mvcc_db_compaction_total_duration_milliseconds": _histogram(
        "Time until a compaction's rows were gone."
    ),
    "mvcc_db_compaction_keys_total": _counter("Rows removed by compaction."),
    "mvcc_db_compaction_last": _gauge("When the last compaction was, in seconds since 1970."),
    "lease_granted_total": _counter("Leases granted."),
    "lease_renewed_total": _counter("Leases renewed, seen by the leader."),
    "lease_revoked_total": _counter("Leases revoked."),
    "lease_ttl_total": _histogram("Seconds for which leases were granted."),
    "server_lease_expired_total": _counter("Leases that expired."),
    "server_alarms": _gauge("1 for each alarm that is on."),
    "auth_revision": _gauge("The revision of users and roles."),
}

_OTHER = {
    "etcd_cluster_version": _gauge("1 for the version that the cluster has agreed on."),
    "grpc_server_started_total": _counter("Calls begun, by method."),
    "os_fd_used": _gauge("Open file descriptors."),
    "os_fd_limit": _gauge("File descriptors that may be open."),
    "process_cpu_seconds_total": _counter("Seconds of processor time used."),
    "process_max_fds": _gauge("File descriptors that may be open."),
    "process_open_fds": _gauge("Open file descriptors."),
    "process_resident_memory_bytes": _gauge("Bytes of memory in use."),
    "process_start_time_seconds": _gauge("When the process started, in seconds since 1970."),
    "process_virtual_memory_bytes": _gauge("Bytes of address space in use."),
    "process_virtual_memory_max_bytes": _gauge("Bytes of address space that may be in use."),
}

METRICS: dict[str, Metric] = {
    **{f"etcd_server_{name}": metric for name, metric in _SERVER.items()},
    **{f"etcd_disk_{name}": metric for name, metric in _DISK.items()},
    **{f"etcd_mvcc_{name}": metric for name, metric in _MVCC.items()},
    **{f"etcd_network_{name}": metric for name, metric in _NETWORK.items()},
    **{f"etcd_debugging_{name}": metric for name, metric in _DEBUGGING.items()},
    **_OTHER,
}
"""Every metric of the page, by full name."""
