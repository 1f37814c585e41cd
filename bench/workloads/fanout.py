"""Watch fan-out: one key, five hundred watchers, every event to each of them.

The watchers sit on a few watch streams, as those of one Go client do, a connection each, spread
over the members. A writer puts the key again as soon as all watchers have seen its last event, so
the store is driven as fast as it delivers and never further ahead. An operation is one event at one
watcher, and its latency runs from the put's send to the event's arrival.
"""

import contextlib
import select
import time
from typing import Final

from bench.figures import VALUE_BYTES, LoadResult, LoadSpec
from bench.link import Link
from bench.replies import NOT_ENDED
from bench.tally import Clock, Tally
from bench.workloads.kv import (
    DIGITS,
    FILLER,
    PUT_PATH,
    WATCH_PATH,
    put_request,
    value_of,
)
from bench.workloads.types import WrongAnswerError
from raftkv.pb import rpc_pb2

WATCHERS: Final = 500
SILENCE_SECONDS_MAX: Final = 15.0
PARSE_EVERY: Final = 64
ONE_EVENT_BYTES_MAX: Final = 2 * VALUE_BYTES
"""A longer message has more than one event."""


class Board:
    """Who still waits for what. Invariant: a put's count falls to 0 once, and never below."""

    def __init__(self, watchers: int, tally: Tally) -> None:
        self._watchers = watchers
        self._tally = tally
        self._missing: dict[int, int] = {}
        self._sent_at: dict[int, int] = {}
        self._revisions: dict[tuple[int, int], int] = {}
        self._messages = 0
        self.complete: list[int] = []
        """Puts that all watchers have seen since somebody last emptied this list."""

    def sent(self, number: int) -> None:
        """A put with that number leaves now."""
        self._missing[number] = self._watchers
        self._sent_at[number] = time.perf_counter_ns()

    @property
    def idle(self) -> bool:
        """Whether every watcher has seen every put."""
        return not self._missing

    def take(self, stream: int, message: bytes, now: int) -> None:
        """Notes the events of one WatchResponse.

        Raises:
            WrongAnswerError: an event is damaged, out of order or delivered twice.
        """
        self._messages += 1
        # In a message of one event the value comes last; anything else is parsed as a whole.
        plain = len(message) < ONE_EVENT_BYTES_MAX and message.endswith(FILLER)
        if plain and self._messages % PARSE_EVERY:
            self._delivered(int(message[-VALUE_BYTES : DIGITS - VALUE_BYTES]), now)
            return
        response = rpc_pb2.WatchResponse.FromString(message)
        if response.canceled:
            raise WrongAnswerError(f"watch cancelled: {response}")
        for event in response.events:
            watcher = stream, response.watch_id
            if event.kv.mod_revision <= self._revisions.get(watcher, 0):
                raise WrongAnswerError(f"watcher {watcher} went back to {event.kv.mod_revision}")
            self._revisions[watcher] = event.kv.mod_revision
            if event.kv.value[DIGITS:] != FILLER:
                raise WrongAnswerError(f"damaged event: {event}")
            self._delivered(int(event.kv.value[:DIGITS]), now)

    def _delivered(self, number: int, now: int) -> None:
        missing = self._missing.get(number, 0) - 1
        if missing < 0:
            raise WrongAnswerError(f"put {number} was delivered oftener than there are watchers")
        self._tally.latencies.append(now - self._sent_at[number])
        if missing:
            self._missing[number] = missing
        else:
            del self._missing[number], self._sent_at[number]
            self.complete.append(number)


class FanOut:
    """The watch streams and the writers."""

    def __init__(self, spec: LoadSpec, tally: Tally) -> None:
        self._key = f"{spec.prefix}/key".encode()
        self._board = Board(spec.keys or WATCHERS, tally)
        self._poll = select.epoll()
        self._watching = self._watch(spec)
        self._writer = Link(spec.endpoints[0], PUT_PATH)
        self._poll.register(self._writer.fileno(), select.EPOLLIN)
        self._next = 0
        self._writing = True
        for _ in range(spec.clients):
            self._put()
        self._writer.flush()

    def close(self) -> None:
        """Closes all connections."""
        self._poll.close()
        self._writer.close()
        for link in self._watching.values():
            link.close()

    def run(self, seconds: float) -> None:
        """Writes and counts for that long; raises WrongAnswerError or TimeoutError."""
        stop = time.perf_counter() + seconds
        while time.perf_counter() < stop:
            self._turn()

    def drain(self) -> int:
        """Waits until all watchers have seen all puts; returns how many puts there were."""
        self._writing = False
        while not self._board.idle:
            self._turn()
        return self._next

    def _watch(self, spec: LoadSpec) -> dict[int, Link]:
        """Opens the streams and creates the watchers; returns when all are created."""
        watchers = spec.keys or WATCHERS
        create = rpc_pb2.WatchRequest(
            create_request=rpc_pb2.WatchCreateRequest(key=self._key)
        ).SerializeToString()
        links = {}
        for number, endpoint in enumerate(spec.endpoints):
            link = Link(endpoint, WATCH_PATH, streaming=True)
            here = len(range(number, watchers, len(spec.endpoints)))
            stream_id = link.call(create, flags=0)
            for _ in range(here - 1):
                link.send_message(stream_id, create)
            links[link.fileno()] = link
            self._poll.register(link.fileno(), select.EPOLLIN)
        created = 0
        while created < watchers:
            for link in links.values():
                link.flush()
            for descriptor, _ in self._ready():
                for _, status, message in links[descriptor].receive():
                    if status != NOT_ENDED:
                        raise WrongAnswerError(f"watch ended with {status}: {message!r}")
                    created += rpc_pb2.WatchResponse.FromString(message).created
        return links

    def _put(self) -> None:
        self._next += 1
        self._board.sent(self._next)
        self._writer.call(put_request(self._key, value_of(self._next)))

    def _turn(self) -> None:
        """Takes what has arrived; one more put for each that everybody has seen."""
        for descriptor, _ in self._ready():
            link = self._watching.get(descriptor, self._writer)
            replies = link.receive()
            now = time.perf_counter_ns()
            for _, status, message in replies:
                if link is self._writer and status == 0:
                    continue
                if status != NOT_ENDED:
                    raise WrongAnswerError(f"gRPC status {status}: {message!r}")
                self._board.take(descriptor, message, now)
            link.flush()
        if self._writing:
            for _ in self._board.complete:
                self._put()
        self._board.complete.clear()
        self._writer.flush()

    def _ready(self) -> list[tuple[int, int]]:
        ready = self._poll.poll(SILENCE_SECONDS_MAX)
        if not ready:
            raise TimeoutError(f"no event in {SILENCE_SECONDS_MAX} s")
        return ready


def run(spec: LoadSpec) -> LoadResult:
    """One measurement; raises WrongAnswerError, or what `Link` raises."""
    tally = Tally()
    with contextlib.closing(FanOut(spec, tally)) as fan_out:
        fan_out.run(spec.warm_up_seconds)
        tally.latencies.clear()
        begin = Clock.now(spec.pids)
        fan_out.run(spec.seconds)
        end = Clock.now(spec.pids)
        measured = Tally()
        measured.latencies = tally.latencies.copy()
        return measured.result(begin, end, verified=fan_out.drain())
