"""The figures behind the metrics page: of the node, the watches, the port and the process."""

import os
import resource
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from raftkv.config import ETCD_VERSION
from raftkv.gateway.listener import Listener
from raftkv.gateway.metrics import Figure
from raftkv.gateway.pages import CLUSTER_VERSION, Pages
from raftkv.service.guard import MethodCount
from raftkv.service.maintenance import alarm_name
from raftkv.service.ports import Node


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
        for member_id, kind in state.alarms.active():
            labels = (("server_id", f"{member_id:x}"), ("alarm_type", alarm_name(kind)))
            yield Figure("etcd_debugging_server_alarms", 1, labels)


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


class WatchFigures:
    """What the watch hub says."""

    def __init__(self, hub: WatchCounts) -> None:
        self._hub = hub

    def figures(self) -> Iterator[Figure]:
        """etcd_debugging_mvcc_*watch*."""
        yield Figure("etcd_debugging_mvcc_watch_stream_total", self._hub.stream_count)
        yield Figure("etcd_debugging_mvcc_watcher_total", self._hub.watch_count)
        yield Figure("etcd_debugging_mvcc_slow_watcher_total", self._hub.slow_watch_count)


class PortFigures:
    """What the client port counts: bytes, calls, health checks."""

    def __init__(self, listener: Listener, pages: Pages, calls: Mapping[str, MethodCount]) -> None:
        self._listener = listener
        self._pages = pages
        self._calls = calls

    def figures(self) -> Iterator[Figure]:
        """etcd_network_client_*, etcd_server_health* and grpc_server_*."""
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
        for path, method in self._calls.items():
            service, name = path.strip("/").split("/")
            labels = (("grpc_service", service), ("grpc_method", name))
            yield Figure("grpc_server_started_total", method.started, labels)


class ProcessFigures:
    """What the operating system says about this process."""

    def figures(self) -> Iterator[Figure]:
        """process_* and os_fd_*."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        open_files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a Path each is not needed
        files_max = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
        yield Figure("process_cpu_seconds_total", used.ru_utime + used.ru_stime)
        yield Figure("process_resident_memory_bytes", resident_pages * resource.getpagesize())
        for name in ("process_open_fds", "os_fd_used"):
            yield Figure(name, open_files)
        for name in ("process_max_fds", "os_fd_limit"):
            yield Figure(name, files_max)
