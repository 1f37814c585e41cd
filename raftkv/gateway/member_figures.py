"""The figures of what only a running member has: a loop, a disk, others to talk to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from raftkv.gateway.metrics import Distribution, Figure
from raftkv.histogram import Histogram
from raftkv.node.counts import TransferCounts
from raftkv.node.node import Node
from raftkv.service.status import STATUS


class LoopFigures:
    """What the loop has seen since the member started; `unix_seconds` is the time of day."""

    def __init__(self, node: Node, unix_seconds: Callable[[], float]) -> None:
        self._node = node
        self._unix_seconds = unix_seconds

    def figures(self) -> Iterator[Figure]:
        """Reads, leases, promotions, compactions and snapshots."""
        node = self._node
        counts = node.counts
        yield Figure("etcd_server_slow_read_indexes_total", node.reads.asked_again)
        yield Figure("etcd_server_learner_promote_successes", counts.learners_promoted)
        for failure, count in counts.promotions_refused.items():
            labels = (("Reason", STATUS[failure].text),)
            yield Figure("etcd_server_learner_promote_failures", count, labels)
        yield Figure("etcd_debugging_lease_renewed_total", counts.leases_renewed)
        yield Figure("etcd_debugging_server_lease_expired_total", counts.leases_expired)
        yield Figure("etcd_debugging_mvcc_db_compaction_last", self._compaction_seconds())
        yield Figure(
            "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds",
            distribution(counts.compaction_milliseconds),
        )
        installing = int(node.writes.is_installing)
        yield Figure("etcd_server_snapshot_apply_in_progress_total", installing)
        sender = node.receiving.sender
        yield from _transfers("send", "To", counts.sent, node.sending.receivers)
        yield from _transfers("receive", "From", counts.received, [sender] if sender else [])

    def _compaction_seconds(self) -> int:
        tick = self._node.counts.compaction_tick
        if tick is None:
            return 0
        ago = (self._node.tick_count - tick) / self._node.ticks_per_second
        return round(self._unix_seconds() - ago)


def _transfers(
    way: str, label: str, counts: TransferCounts, under_way: Sequence[int]
) -> Iterator[Figure]:
    name = f"etcd_network_snapshot_{way}"
    for member, count in counts.succeeded.items():
        yield Figure(f"{name}_success", count, ((label, f"{member:x}"),))
    for member, count in counts.failed.items():
        yield Figure(f"{name}_failures", count, ((label, f"{member:x}"),))
    for member in {*counts.succeeded, *counts.failed, *under_way}:
        labels = ((label, f"{member:x}"),)
        yield Figure(f"{name}_inflights_total", int(member in under_way), labels)


class DurableWrites(Protocol):
    """Writes of one kind, each counted once it was durable: `storage.WriteStatistics`."""

    @property
    def bounds(self) -> Sequence[float]:
        """Upper bounds of the buckets."""

    @property
    def buckets(self) -> Sequence[int]:
        """Writes by how long they took."""

    @property
    def seconds(self) -> float:
        """What they took together."""

    @property
    def bytes(self) -> int:
        """What was written."""


class DiskFigures:
    """What the disk costs: appends to the log, and commits of the state."""

    def __init__(
        self, log: Callable[[], DurableWrites], state: Callable[[], DurableWrites]
    ) -> None:
        self._log = log
        self._state = state

    def figures(self) -> Iterator[Figure]:
        """etcd_disk_*."""
        log, state = self._log(), self._state()
        yield Figure("etcd_disk_wal_fsync_duration_seconds", _durations(log))
        yield Figure("etcd_disk_wal_write_bytes_total", log.bytes)
        yield Figure("etcd_disk_backend_commit_duration_seconds", _durations(state))


def _durations(writes: DurableWrites) -> Distribution:
    return Distribution(writes.bounds, tuple(writes.buckets), writes.seconds)


class PeerTraffic(Protocol):
    """What went between this member and one other: `transport.PeerStatistics`."""

    @property
    def sent_bytes(self) -> int:
        """Bytes of messages to it."""

    @property
    def received_bytes(self) -> int:
        """Bytes from it."""

    @property
    def sent_failures(self) -> int:
        """Messages to it that were dropped."""

    @property
    def received_failures(self) -> int:
        """Connections of it that were closed because of what came."""

    @property
    def disconnects(self) -> int:
        """Connections to it that were lost."""

    @property
    def round_trip_seconds(self) -> Histogram:
        """How long it takes there and back."""


class Network(Protocol):
    """The members that this one talks to: `transport.TcpTransport`."""

    @property
    def peers(self) -> list[int]:
        """Those that a connection is kept to."""

    @property
    def statistics(self) -> Mapping[int, PeerTraffic]:
        """What went between this member and each other one."""

    def is_connected(self, member: int) -> bool:
        """Whether there is a connection now."""


class PeerFigures:
    """What member `me` says and hears."""

    def __init__(self, me: int, network: Network) -> None:
        self._me = f"{me:x}"
        self._network = network

    def figures(self) -> Iterator[Figure]:
        """etcd_network_*peer*."""
        network = self._network
        for peer in network.peers:
            labels = (("Local", self._me), ("Remote", f"{peer:x}"))
            yield Figure("etcd_network_known_peers", 1, labels)
            yield Figure("etcd_network_active_peers", int(network.is_connected(peer)), labels)
        for peer, traffic in network.statistics.items():
            yield from self._traffic(f"{peer:x}", traffic)

    def _traffic(self, peer: str, traffic: PeerTraffic) -> Iterator[Figure]:
        to, sender = (("To", peer),), (("From", peer),)
        yield Figure("etcd_network_peer_sent_bytes_total", traffic.sent_bytes, to)
        yield Figure("etcd_network_peer_received_bytes_total", traffic.received_bytes, sender)
        yield Figure("etcd_network_peer_sent_failures_total", traffic.sent_failures, to)
        failures = traffic.received_failures
        yield Figure("etcd_network_peer_received_failures_total", failures, sender)
        between = (("Local", self._me), ("Remote", peer))
        yield Figure("etcd_network_disconnected_peers_total", traffic.disconnects, between)
        seconds = distribution(traffic.round_trip_seconds)
        yield Figure("etcd_network_peer_round_trip_time_seconds", seconds, to)


class Late(Protocol):
    """What the member's clock has noticed: `member.Lateness`."""

    @property
    def slow_applies(self) -> int:
        """Times that the loop stood still for long."""

    @property
    def heartbeats_late(self) -> int:
        """Heartbeats that left long after they were due."""


class ClockFigures:
    """What came late."""

    def __init__(self, late: Late) -> None:
        self._late = late

    def figures(self) -> Iterator[Figure]:
        """etcd_server_slow_apply_total and the heartbeats'."""
        yield Figure("etcd_server_slow_apply_total", self._late.slow_applies)
        yield Figure("etcd_server_heartbeat_send_failures_total", self._late.heartbeats_late)


def distribution(histogram: Histogram) -> Distribution:
    """A histogram as it is shown."""
    return Distribution(histogram.bounds, tuple(histogram.counts), histogram.sum)
