"""Watches: each sees every change of its keys once, in order, whatever happens to its member.

A client whose member dies, or whose stream ends, begins again elsewhere with the revision after the
last it has seen. Only a compaction may take history away from it, and then it is told from where on
it can go on. What each is told is judged in `watch_client.py`.
"""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.cluster import SimCluster, SimMember
from jepsen_tests.sim.faults import ELECTION_TICKS
from jepsen_tests.sim.reference import Reference
from jepsen_tests.sim.watch_client import WISHES, WatchClient
from jepsen_tests.sim.world import MILLISECOND
from raftkv.node.node import Node
from raftkv.pb import rpc_pb2
from raftkv.watch.watcher import Stream, WatchState

if TYPE_CHECKING:
    from collections.abc import Callable

READ_DELAY_US_MAX = 2 * MILLISECOND
SLOW_READ_DELAY_US_MAX = 300 * MILLISECOND
"""A client that is slow makes its stream fall back to reading history."""
CHECK_INTERVAL_US = 500 * MILLISECOND
SLOW_CHANCE = 0.4
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
class _Session:
    """A client and the stream it has at the moment, if any."""

    client: WatchClient
    is_slow: bool
    connection: _Connection | None = None


class Watches:
    """The watch clients of a run."""

    def __init__(self, cluster: SimCluster, reference: Reference) -> None:
        self.cancellations = 0
        self._cluster = cluster
        self._reference = reference
        chance = cluster.world.random
        self.sessions = [
            _Session(WatchClient(wish, reference.plain, 1 + wish.revisions_ahead), is_slow)
            for wish in WISHES
            for is_slow in [chance.random() < SLOW_CHANCE]
        ]

    @property
    def events_seen(self) -> int:
        """How many events all clients were told of."""
        return sum(len(session.client.seen) for session in self.sessions)

    def start(self) -> None:
        """Begins to watch."""
        for session in self.sessions:
            self._check(session)

    def acknowledged(self, place: SimMember, key: bytes, revision: int) -> None:
        """A writer is being told of its write: who watches at the same member was told before.

        Raises:
            BrokenPromiseError: It was not.
        """
        for session in self.sessions:
            client, connection = session.client, session.connection
            if connection is None or connection.node is not place.node:
                continue
            if not client.wish.covers(key) or client.wish.no_put:
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
        """Long after the last change: all was seen, and nothing is kept for who has gone."""
        for session in self.sessions:
            session.client.reckon()
        for place in self._cluster.running():
            node = place.node
            mine = [s for s in self.sessions if s.connection and s.connection.node is node]
            known = 0 if node is None else node.watch_hub.watch_count
            if known != len(mine):
                raise BrokenPromiseError(
                    f"member {place.member_id} keeps {known} watches, its clients {len(mine)}"
                )

    def _connect(self, session: _Session) -> None:
        """Begins the watch at some member that can be reached and knows a leader."""
        world = self._cluster.world
        session.connection = None
        places = [place for place in self._cluster.reachable() if _has_leader(place)]
        if not places:
            return
        place = world.random.choice(places)
        node = place.node
        assert node is not None, "who is reachable runs"
        sink = _Sink()
        stream = node.watch_hub.open(sink)
        connection = session.connection = _Connection(place, node, stream, sink)
        sink.on_first = lambda: self._read_later(session, connection)
        node.watch_hub.create(stream, session.client.begin())

    def _read_later(self, session: _Session, connection: _Connection) -> None:
        world = self._cluster.world
        slow = session.is_slow and world.random.random() < 0.2
        delay = world.random.randint(1, SLOW_READ_DELAY_US_MAX if slow else READ_DELAY_US_MAX)
        world.after(delay, lambda: self._read(session, connection))

    def _read(self, session: _Session, connection: _Connection) -> None:
        """Takes one message from the stream, if its member is still there."""
        if session.connection is not connection or connection.place.node is not connection.node:
            return
        if connection.place.paused:
            self._read_later(session, connection)
            return
        sink = connection.sink
        was_full = sink.output_bytes > sink.drained_below_bytes
        response = rpc_pb2.WatchResponse.FromString(sink.take())
        if was_full and sink.output_bytes <= sink.drained_below_bytes:
            connection.node.watch_hub.drained(connection.stream)
        self._receive(session, response)
        if sink.messages and session.connection is connection:
            self._read_later(session, connection)

    def _check(self, session: _Session) -> None:
        """Begins elsewhere when the member is gone or cut off; now and then without a reason."""
        world, connection = self._cluster.world, session.connection
        world.after(CHECK_INTERVAL_US, lambda: self._check(session))
        if connection is not None and connection.place.node is connection.node:
            stays = _has_leader(connection.place) and world.random.random() >= RESTART_CHANCE
            if connection.place.paused or stays:
                return
            connection.node.watch_hub.close(connection.stream)
        self._connect(session)

    def _receive(self, session: _Session, response: rpc_pb2.WatchResponse) -> None:
        if response.canceled:
            self._cancelled(session, response)
        else:
            session.client.receive(response)

    def _cancelled(self, session: _Session, response: rpc_pb2.WatchResponse) -> None:
        self.cancellations += 1
        client, connection = session.client, session.connection
        assert connection is not None, "only a connection brings responses"
        connection.node.watch_hub.close(connection.stream)
        compacted = response.compact_revision
        if not client.next_revision < compacted <= self._reference.plain.compact_revision:
            raise BrokenPromiseError(
                f"the watch of {client.wish.key!r} from {client.next_revision} on was cancelled: "
                f"{response.cancel_reason!r}, compacted {compacted}"
            )
        client.lost.append((client.next_revision, compacted - 1))
        client.next_revision = compacted
        self._connect(session)


def _has_leader(place: SimMember) -> bool:
    """Whether a watch that asks for a leader, as all of these do, would be served."""
    return place.node is not None and place.node.leaderless_ticks < 3 * ELECTION_TICKS


def _is_sent(sink: _Sink, revision: int) -> bool:
    """Whether an event of the revision waits for the client."""
    responses = map(rpc_pb2.WatchResponse.FromString, sink.messages)
    return any(e.kv.mod_revision >= revision for response in responses for e in response.events)
