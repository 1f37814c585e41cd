"""The figures behind the metrics page: of state, watches, services, the port and the process."""

import os
import platform
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from raftkv.config import ETCD_VERSION
from raftkv.gateway.listener import Listener
from raftkv.gateway.member_figures import distribution
from raftkv.gateway.metrics import Figure
from raftkv.gateway.pages import CLUSTER_VERSION, Pages
from raftkv.service.auth import AUTH_REVISION
from raftkv.service.maintenance import alarm_name
from raftkv.service.ports import Node
from raftkv.service.routes import Services

_CLIENT_VERSION = ("client_api_version", "unknown")
"""What clients say of themselves is not looked at: it would have to be with each call."""
_RUNTIME = f"{platform.python_implementation().lower()}{platform.python_version()}"


class NodeFigures:
    """What the node and its state say; `quota_bytes` negative means none."""

    def __init__(self, node: Node, disk_bytes: Callable[[], int], quota_bytes: int) -> None:
        self._node = node
        self._disk_bytes = disk_bytes
        self._quota_bytes = quota_bytes

    def figures(self) -> Iterator[Figure]:
        """etcd_server_*, etcd_mvcc_* and their likes."""
        yield from self._of_node()
        yield from self._of_state()
        yield from self._of_operations()

    def _of_node(self) -> Iterator[Figure]:
        status = self._node.status
        member = f"{status.member_id:x}"
        yield Figure("etcd_server_has_leader", int(status.leader != 0))
        yield Figure("etcd_server_is_leader", int(status.is_leader))
        yield Figure("etcd_server_is_learner", int(status.is_learner))
        yield Figure("etcd_server_leader_changes_seen_total", status.leader_changes)
        yield Figure("etcd_server_proposals_committed_total", status.commit_index)
        yield Figure("etcd_server_proposals_applied_total", status.applied_index)
        yield Figure("etcd_server_proposals_pending", status.proposals_waiting)
        yield Figure("etcd_server_proposals_failed_total", status.proposals_failed)
        yield Figure("etcd_server_read_indexes_failed_total", status.reads_failed)
        yield Figure("etcd_server_quota_backend_bytes", max(self._quota_bytes, 0))
        yield Figure("etcd_server_version", 1, (("server_version", ETCD_VERSION),))
        yield Figure("etcd_server_id", 1, (("server_id", member),))
        yield Figure("etcd_server_go_version", 1, (("server_go_version", _RUNTIME),))
        yield Figure("etcd_disk_defrag_inflight", 0)
        yield Figure("etcd_cluster_version", 1, (("cluster_version", CLUSTER_VERSION),))

    def _of_state(self) -> Iterator[Figure]:
        state = self._node.state
        store = state.store
        yield Figure("etcd_mvcc_db_total_size_in_bytes", self._disk_bytes())
        yield Figure("etcd_mvcc_db_total_size_in_use_in_bytes", store.row_bytes)
        yield Figure("etcd_debugging_mvcc_keys_total", store.key_count)
        yield Figure("etcd_debugging_mvcc_current_revision", store.revision)
        yield Figure("etcd_debugging_mvcc_compact_revision", max(store.compact_revision, 0))
        yield Figure("etcd_debugging_auth_revision", AUTH_REVISION)
        # Each read ends within a turn of the loop, and this page is made between two.
        yield Figure("etcd_mvcc_db_open_read_transactions", 0)
        for member_id, kind in state.alarms.active():
            labels = (("server_id", f"{member_id:x}"), ("alarm_type", alarm_name(kind)))
            yield Figure("etcd_debugging_server_alarms", 1, labels)

    def _of_operations(self) -> Iterator[Figure]:
        counts, leases = self._node.state.store.counts, self._node.state.lessor.counts
        yield Figure("etcd_mvcc_put_total", counts.puts)
        yield Figure("etcd_mvcc_delete_total", counts.deletes)
        yield Figure("etcd_mvcc_range_total", counts.ranges)
        yield Figure("etcd_debugging_mvcc_range_total", counts.ranges)
        yield Figure("etcd_mvcc_txn_total", counts.txns)
        yield Figure("etcd_debugging_mvcc_db_compaction_keys_total", counts.rows_removed)
        yield Figure("etcd_debugging_lease_granted_total", leases.granted)
        yield Figure("etcd_debugging_lease_revoked_total", leases.revoked)
        yield Figure("etcd_debugging_lease_ttl_total", distribution(leases.ttl_seconds))


class WatchCounts(Protocol):
    """What is counted of the watches: `watch.Hub`."""

    @property
    def stream_count(self) -> int:
        """Watch streams."""

    @property
    def watch_count(self) -> int:
        """Watches on them."""

    @property
    def slow_watch_count(self) -> int:
        """Watches that read history."""

    @property
    def pending_event_count(self) -> int:
        """Events that are sent next."""

    @property
    def events_sent(self) -> int:
        """Events sent so far."""


class WatchFigures:
    """What the watch hub says."""

    def __init__(self, hub: WatchCounts) -> None:
        self._hub = hub

    def figures(self) -> Iterator[Figure]:
        """etcd_debugging_mvcc_*watch* and the events'."""
        yield Figure("etcd_debugging_mvcc_watch_stream_total", self._hub.stream_count)
        yield Figure("etcd_debugging_mvcc_watcher_total", self._hub.watch_count)
        yield Figure("etcd_debugging_mvcc_slow_watcher_total", self._hub.slow_watch_count)
        yield Figure("etcd_debugging_mvcc_pending_events_total", self._hub.pending_event_count)
        yield Figure("etcd_debugging_mvcc_events_total", self._hub.events_sent)


class ServiceFigures:
    """What the services count: calls, and what takes long."""

    def __init__(self, services: Services) -> None:
        self._calls = services.guard.counts
        self._maintenance = services.maintenance

    def figures(self) -> Iterator[Figure]:
        """grpc_server_*, and the durations of hashes."""
        requests = {"unary": 0, "stream": 0}
        for path, method in self._calls.items():
            service, name = path.strip("/").split("/")
            labels = (
                ("grpc_method", name),
                ("grpc_service", service),
                ("grpc_type", method.kind),
            )
            yield Figure("grpc_server_started_total", method.started, labels)
            requests["unary" if method.kind == "unary" else "stream"] += method.started
        for kind, count in requests.items():
            by_kind = (_CLIENT_VERSION, ("type", kind))
            yield Figure("etcd_server_client_requests_total", count, by_kind)
        hashes = self._maintenance
        yield Figure("etcd_mvcc_hash_duration_seconds", distribution(hashes.hash_seconds))
        yield Figure("etcd_mvcc_hash_rev_duration_seconds", distribution(hashes.hash_rev_seconds))


class PortFigures:
    """What the client port counts: bytes and health checks."""

    def __init__(self, listener: Listener, pages: Pages) -> None:
        self._listener = listener
        self._pages = pages

    def figures(self) -> Iterator[Figure]:
        """etcd_network_client_* and etcd_server_health*."""
        received, sent = self._listener.received_bytes, self._listener.sent_bytes
        yield Figure("etcd_network_client_grpc_received_bytes_total", received)
        yield Figure("etcd_network_client_grpc_sent_bytes_total", sent)
        yield Figure("etcd_server_health_success", self._pages.health_outcomes[True])
        yield Figure("etcd_server_health_failures", self._pages.health_outcomes[False])
        for (page, name), outcomes in self._pages.check_outcomes.items():
            labels = (("type", page), ("name", name))
            last = self._pages.last_outcomes[page, name]
            yield Figure("etcd_server_healthcheck", int(last), labels)
            for well, count in outcomes.items():
                status = ("status", "success" if well else "error")
                yield Figure("etcd_server_healthchecks_total", count, (*labels, status))


class ProcessFigures:
    """What the operating system says about this process."""

    def __init__(self) -> None:
        self._started = _start_seconds()

    def figures(self) -> Iterator[Figure]:
        """process_* and os_fd_*."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        open_files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a Path each is not needed
        files_max = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        pages, resident_pages, *_ = map(int, Path("/proc/self/statm").read_text().split())
        page_bytes = resource.getpagesize()
        virtual_bytes_max = resource.getrlimit(resource.RLIMIT_AS)[0]
        yield Figure("process_cpu_seconds_total", used.ru_utime + used.ru_stime)
        yield Figure("process_resident_memory_bytes", resident_pages * page_bytes)
        yield Figure("process_virtual_memory_bytes", pages * page_bytes)
        # Without a limit (-1 here) the Go library shows the largest number, and dashboards know it.
        yield Figure("process_virtual_memory_max_bytes", virtual_bytes_max % (1 << 64))
        yield Figure("process_start_time_seconds", self._started)
        for name in ("process_open_fds", "os_fd_used"):
            yield Figure(name, open_files)
        for name in ("process_max_fds", "os_fd_limit"):
            yield Figure(name, files_max)


def _start_seconds() -> float:
    """When this process started, in seconds since 1970: proc(5), field 22 of its stat."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[19])
    boot = next(
        int(line.split()[1])
        for line in Path("/proc/stat").read_text().splitlines()
        if line.startswith("btime ")
    )
    return boot + ticks / os.sysconf("SC_CLK_TCK")
