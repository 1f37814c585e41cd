"""Watches: each sees every change of its keys once, in order, whatever happens to its member.

A client whose member dies, or whose stream ends, begins again elsewhere with the revision after the
last it has seen. Only a compaction may take history away from it, and then it is told from where on
it can go on.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.faults import ELECTION_TICKS
from jepsen_tests.sim.reference import Event, Reference
from jepsen_tests.sim.world import MILLISECOND
from raftkv.node.node import Node
from raftkv.pb import kv_pb2, rpc_pb2
from raftkv.watch.request import FROM_KEY, WatchRequest
from raftkv.watch.watcher import Stream, WatchState

if TYPE_CHECKING:
    from collections.abc import Callable

RANGES: tuple[tuple[bytes, bytes | None], ...] = (
    (b"\0", FROM_KEY),
    (b"k0", b"k4"),
    (b"k3", None),
    (b"lease", b"leasf"),
)
"""(key, end) of each watch."""
READ_DELAY_US_MAX = 2 * MILLISECOND
SLOW_READ_DELAY_US_MAX = 300 * MILLISECOND
"""A client that is slow makes its stream fall back to reading history."""
CHECK_INTERVAL_US = 500 * MILLISECOND
RESTART_CHANCE = 0.05
"""How likely a client begins anew at a check."""


class _Sink:
    """The stream's output as the hub sees it; the client takes a message at a time."""

    def __init__(self) -> None:
        self.drained_below_bytes = 0
        self.messages: deque[bytes] = deque()
        self.output_bytes = 0
        self.on_first: Callable[[], None] = lambda: None
        """Called when there is something to read again."""

    def send(self, message: bytes) -> None:
        if not self.messages:
            self.on_first()
        self.messages.append(message)
        self.output_bytes += len(message)

    def take(self) -> bytes:
        message = self.messages.popleft()
        self.output_bytes -= len(message)
        return message


@dataclass(slots=True)
class _Connection:
    """A client's stream at one member."""

    place: SimMember
    node: Node
    stream: Stream
    sink: _Sink


@dataclass(slots=True)
class WatchClient:
    """One client, with one watch at a time."""

    key: bytes
    end: bytes | None
    is_slow: bool
    next_revision: int = 1
    seen: list[Event] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)
    """(from, to) revisions, both included, that were compacted before they were seen."""
    connection: _Connection | None = None

    def covers(self, key: bytes) -> bool:
        """Whether the watch is about this key."""
        if self.end is None:
            return key == self.key
        return key >= self.key and (self.end == FROM_KEY or key < self.end)


class Watches:
    """The watch clients of a run."""

    def __init__(self, cluster: SimCluster, reference: Reference) -> None:
        self.cancellations = 0
        self._cluster = cluster
        self._reference = reference
        chance = cluster.world.random
        self.clients = [WatchClient(key, end, chance.random() < 0.3) for key, end in RANGES]

    def start(self) -> None:
        """Begins to watch."""
        for client in self.clients:
            self._check(client)

    def acknowledged(self, place: SimMember, key: bytes, revision: int) -> None:
        """A writer is being told of its write: who watches at the same member was told before.

        Raises:
            BrokenPromiseError: It was not.
        """
        for client in self.clients:
            connection = client.connection
            if connection is None or connection.node is not place.node or not client.covers(key):
                continue
            watcher = connection.stream.watchers.get(0)
            if watcher is None or watcher.state is not WatchState.SYNCED:
                continue
            if client.next_revision <= revision and not _is_sent(connection.sink, revision):
                raise BrokenPromiseError(
                    f"member {place.member_id} acknowledged revision {revision} of {key!r} "
                    "before it told a watch"
                )

    def reckon(self) -> None:
        """Long after the last change: every watch has seen exactly what happened."""
        for client in self.clients:
            due = [event for event in self._reference.events if _is_due(client, event)]
            if client.seen != due:
                at = next(
                    (
                        i
                        for i, pair in enumerate(zip(client.seen, due, strict=False))
                        if len({*pair}) > 1
                    ),
                    min(len(client.seen), len(due)),
                )
                raise BrokenPromiseError(
                    f"the watch of {client.key!r} saw {len(client.seen)} events, {len(due)} "
                    f"happened; the {at}th: {client.seen[at : at + 1]}, happened {due[at : at + 1]}"
                )

    def _connect(self, client: WatchClient) -> None:
        """Begins the watch at some member that can be reached and knows a leader."""
        world = self._cluster.world
        client.connection = None
        places = [place for place in self._cluster.reachable() if _has_leader(place)]
        if not places:
            return
        place = world.random.choice(places)
        node = place.node
        assert node is not None, "who is reachable runs"
        sink = _Sink()
        stream = node.watch_hub.open(sink)
        connection = client.connection = _Connection(place, node, stream, sink)
        sink.on_first = lambda: self._read_later(client, connection)
        node.watch_hub.create(stream, WatchRequest(client.key, client.end, client.next_revision))

    def _read_later(self, client: WatchClient, connection: _Connection) -> None:
        world = self._cluster.world
        slow = client.is_slow and world.random.random() < 0.2
        delay = world.random.randint(1, SLOW_READ_DELAY_US_MAX if slow else READ_DELAY_US_MAX)
        world.after(delay, lambda: self._read(client, connection))

    def _read(self, client: WatchClient, connection: _Connection) -> None:
        """Takes one message from the stream, if its member is still there."""
        if client.connection is not connection or connection.place.node is not connection.node:
            return
        if connection.place.paused:
            self._read_later(client, connection)
            return
        sink = connection.sink
        was_full = sink.output_bytes > sink.drained_below_bytes
        response = rpc_pb2.WatchResponse.FromString(sink.take())
        if was_full and sink.output_bytes <= sink.drained_below_bytes:
            connection.node.watch_hub.drained(connection.stream)
        self._receive(client, response)
        if sink.messages and client.connection is connection:
            self._read_later(client, connection)

    def _check(self, client: WatchClient) -> None:
        """Begins elsewhere when the member is gone or cut off; now and then without a reason."""
        world, connection = self._cluster.world, client.connection
        world.after(CHECK_INTERVAL_US, lambda: self._check(client))
        if connection is not None and connection.place.node is connection.node:
            stays = _has_leader(connection.place) and world.random.random() >= RESTART_CHANCE
            if connection.place.paused or stays:
                return
            connection.node.watch_hub.close(connection.stream)
        self._connect(client)

    def _receive(self, client: WatchClient, response: rpc_pb2.WatchResponse) -> None:
        for event in response.events:
            kv = event.kv
            if kv.mod_revision < client.next_revision:
                raise BrokenPromiseError(
                    f"the watch of {client.key!r} was told of revision {kv.mod_revision}, "
                    f"it asked for {client.next_revision} and later"
                )
            is_delete = event.type == kv_pb2.Event.DELETE
            client.seen.append(Event(kv.mod_revision, kv.key, None if is_delete else kv.value))
        if response.events:
            client.next_revision = response.events[-1].kv.mod_revision + 1
        if response.canceled:
            self._cancelled(client, response)

    def _cancelled(self, client: WatchClient, response: rpc_pb2.WatchResponse) -> None:
        self.cancellations += 1
        connection = client.connection
        assert connection is not None, "only a connection brings responses"
        connection.node.watch_hub.close(connection.stream)
        compacted = response.compact_revision
        if not client.next_revision < compacted <= self._reference.state.store.compact_revision:
            raise BrokenPromiseError(
                f"the watch of {client.key!r} from {client.next_revision} on was cancelled: "
                f"{response.cancel_reason!r}, compacted {compacted}"
            )
        client.lost.append((client.next_revision, compacted - 1))
        client.next_revision = compacted
        self._connect(client)


def _has_leader(place: SimMember) -> bool:
    """Whether a watch that asks for a leader, as all of these do, would be served."""
    return place.node is not None and place.node.leaderless_ticks < 3 * ELECTION_TICKS


def _is_sent(sink: _Sink, revision: int) -> bool:
    """Whether an event of the revision waits for the client."""
    responses = map(rpc_pb2.WatchResponse.FromString, sink.messages)
    return any(e.kv.mod_revision >= revision for response in responses for e in response.events)


def _is_due(client: WatchClient, event: Event) -> bool:
    """Whether the client should have seen an event."""
    if not client.covers(event.key):
        return False
    return not any(first <= event.revision <= last for first, last in client.lost)
