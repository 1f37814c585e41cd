"""Every watch gets exactly the history that it asked for, whatever happens meanwhile."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftkv.config import WatchConfig
from raftkv.pb.rpc_pb2 import WatchResponse
from raftkv.tests.watch.worlds import Client, Event, World, events_of
from raftkv.watch import history, range_index
from raftkv.watch.request import FROM_KEY, WatchRequest

TINY = WatchConfig(
    backlog_bytes_max=200,
    catch_up_rows_per_turn_max=3,
    catch_up_bytes_per_turn_max=50,
    response_bytes_max=90,
    progress_notify_interval_ms=300,
)
CLIENTS = 2


@dataclass
class Watched:
    """What one watch must get, and has got."""

    request: WatchRequest
    created_at: int
    is_canceled: bool = False
    compacted_at: int = 0
    got: list[Event] = field(default_factory=list)
    fragments: list[Event] = field(default_factory=list)
    """Of a batch whose last part has not come yet."""

    def wants(self, event: Event) -> bool:
        request = self.request
        if event.revision < (request.start_revision or self.created_at + 1):
            return False
        if request.no_delete if event.kind == "DELETE" else request.no_put:
            return False
        if request.end is None:
            return event.key == request.key
        return request.key <= event.key and (request.end == FROM_KEY or event.key < request.end)

    def take(self, answer: WatchResponse, world: World) -> None:
        """Looks at one response to it."""
        assert not self.is_canceled
        if answer.canceled:
            self.is_canceled = not answer.compact_revision
            self.compacted_at = self.compacted_at or answer.compact_revision
            return
        assert not self.compacted_at
        self.fragments += events_of(answer)
        if answer.fragment:
            assert self.request.fragment
            return
        assert self.fragments or self.request.progress_notify
        self.got += self.fragments
        self.fragments = []
        assert answer.header.revision >= self.request.start_revision
        self.check(world, answer.header.revision)

    def check(self, world: World, revision: int) -> None:
        """It has got everything up to `revision`, in order, and nothing beyond."""
        expected = [each for each in world.events if self.wants(each) and each.revision <= revision]
        assert [each[:4] for each in self.got] == [each[:4] for each in expected]
        for got, wanted in zip(self.got, expected, strict=True):
            may_miss = wanted.revision - 1 < world.compact_revision and got.previous is None
            if self.request.prev_kv:
                assert got.previous == wanted.previous or may_miss
            else:
                assert got.previous is None


class Run:
    """A world, its clients, and every watch that has not ended. Each method is a step."""

    def __init__(self) -> None:
        self.world = World(TINY)
        self.hub = self.world.hub
        self.clients = [Client(self.world) for _ in range(CLIENTS)]
        self.watches: list[dict[int, Watched]] = [{} for _ in self.clients]
        self.events_received = 0

    def commit(self, rounds: list[list[tuple[bytes, bytes | None]]]) -> None:
        for changes in rounds:
            self.world.commit(dict(changes).items())

    def create(self, who: int, request: WatchRequest, back: int | None) -> None:
        if back is not None:
            request = request._replace(start_revision=max(1, self.world.revision - back))
        self.check(who)
        client, watches = self.clients[who], self.watches[who]
        self.hub.create(client.stream, request)
        answer = client.responses.pop(0)
        assert answer.created
        assert answer.header.revision == self.world.revision
        assert answer.canceled == (request.watch_id in watches and request.watch_id != 0)
        if not answer.canceled:
            assert answer.watch_id not in watches
            watches[answer.watch_id] = Watched(request, self.world.revision)

    def cancel(self, who: int, choice: int) -> None:
        ids = sorted(self.watches[who])
        if ids:
            watch_id = ids[choice % len(ids)]
            self.hub.cancel(self.clients[who].stream, watch_id)
            self.check(who)
            assert self.watches[who].pop(watch_id).is_canceled

    def compact(self, back: int) -> None:
        revision = self.world.revision - back
        if revision > max(self.world.compact_revision, 1):
            self.world.compact(revision)

    def turn(self) -> None:
        self.hub.catch_up()
        self.hub.flush()

    def catch_up(self) -> None:
        self.hub.catch_up()

    def flush(self) -> None:
        self.hub.flush()

    def tick(self) -> None:
        self.hub.tick()

    def restore(self) -> None:
        self.hub.restored(self.world)

    def stop_reading(self, who: int) -> None:
        self.clients[who].stop_reading()

    def read(self, who: int) -> None:
        self.clients[who].read()

    def request_progress(self, who: int) -> None:
        self.hub.request_progress(self.clients[who].stream)
        self.check(who)

    def check(self, who: int) -> None:
        """Looks at every new response of a client."""
        for answer in self.clients[who].take():
            self.events_received += len(answer.events)
            if answer.watch_id == -1:
                for watched in self.watches[who].values():
                    if not watched.compacted_at:
                        watched.check(self.world, answer.header.revision)
            else:
                self.watches[who][answer.watch_id].take(answer, self.world)

    def finish(self) -> None:
        for client in self.clients:
            client.read()
        self.world.settle()
        for who in range(CLIENTS):
            self.check(who)
            for watched in self.watches[who].values():
                seen = watched.got[-1].revision if watched.got else 0
                if watched.compacted_at:
                    # It was really behind: it had not been told that it had seen all below.
                    assert max(seen + 1, watched.request.start_revision) < watched.compacted_at
                    watched.check(self.world, seen)
                else:
                    watched.check(self.world, self.world.revision)

    def end(self) -> None:
        assert self.hub.events_sent == self.events_received
        assert self.hub.pending_event_count == 0
        for client in self.clients:
            self.hub.close(client.stream)
        hub = self.hub
        assert (hub.watch_count, hub.slow_watch_count, hub.stream_count) == (0, 0, 0)
        assert not hub._synced._audiences
        assert not hub._future


keys = st.sampled_from([b"a", b"ab", b"b", b"c"])
changes = st.tuples(keys, st.none() | st.binary(max_size=20))
rounds = st.lists(st.lists(changes, min_size=1, max_size=4), min_size=1, max_size=6)
who = st.integers(0, CLIENTS - 1)
backs = st.none() | st.integers(-3, 3) | st.integers(0, 40)
"""Where a watch starts: at the present, or so many revisions before it."""
seldom = st.sampled_from([False] * 4 + [True])
requests = st.builds(
    WatchRequest,
    key=st.sampled_from([b"a", b"a", b"a", b"ab", b"b"]),
    end=st.sampled_from([None, FROM_KEY, FROM_KEY, b"b~", b"d"]),
    start_revision=st.just(0),
    watch_id=st.sampled_from([0, 0, 1, -5]),
    no_put=seldom,
    no_delete=seldom,
    prev_kv=seldom,
    progress_notify=st.booleans(),
    fragment=st.booleans(),
).filter(lambda request: request.end in (None, FROM_KEY) or request.key < request.end)

ARGUMENTS: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    "commit": (rounds,),
    "create": (who, requests, backs),
    "cancel": (who, st.integers(0, 9)),
    "compact": (st.integers(5, 40),),
    "stop_reading": (who,),
    "read": (who,),
    "request_progress": (who,),
}
OFTEN = ["commit"] * 8 + ["create"] * 8 + ["turn"] * 6 + ["catch_up", "flush", "tick", "cancel"] * 2
SELDOM = ["restore", "compact"]
CLIENT = ["stop_reading", "stop_reading", "read", "request_progress", "request_progress"]


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """What happens, in order: the name of a method of `Run`, and its arguments."""
    names = draw(st.lists(st.sampled_from(OFTEN + SELDOM + CLIENT), min_size=30, max_size=60))
    return [(name, *map(draw, ARGUMENTS.get(name, ()))) for name in names]


@pytest.mark.slow
@settings(max_examples=150)
@given(rounds, steps())
def test_every_watch_gets_exactly_its_history(
    earlier: list[list[tuple[bytes, bytes | None]]], steps: list[tuple[Any, ...]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "COHORT_WATCHERS_MAX", 3)
        patch.setattr(history, "SCAN_ROWS", 2)
        patch.setattr(history, "SLICE_BYTES_MIN", 30)
        patch.setattr(range_index, "FORGOTTEN_ONE_BY_ONE_MAX", 1)
        run = Run()
        run.commit(earlier * 4)
        for name, *arguments in steps:
            getattr(run, name)(*arguments)
        run.finish()
        run.end()
