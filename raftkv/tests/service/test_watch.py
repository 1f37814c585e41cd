"""Watch requests as they come from clients, over the real state machine."""

import pytest

from raftkv.config import WatchConfig
from raftkv.pb import rpc_pb2 as pb
from raftkv.pb.kv_pb2 import Event
from raftkv.service.watch import PATH, WatchService
from raftkv.tests.service.fakes import CLUSTER_ID, ME, FakeStream, World
from raftkv.watch.hub import Hub
from raftkv.wire import Code


class Watching:
    """A world with its watch service, and one stream."""

    def __init__(self, metadata: dict[str, str] | None = None, **config: int) -> None:
        self.world = World()
        state = self.world.node.state
        self.hub = Hub(state.store, WatchConfig(**config))
        state.on_changes = self.hub.notify
        self.world.services.add_stream(PATH, WatchService(self.world.node, self.hub).watch)
        self.stream: FakeStream = self.world.open(PATH, metadata)

    def create(self, **asked: object) -> None:
        request = pb.WatchCreateRequest(**asked)  # type: ignore[arg-type]
        self.stream.take(pb.WatchRequest(create_request=request))

    def cancel(self, watch_id: int) -> None:
        request = pb.WatchCancelRequest(watch_id=watch_id)
        self.stream.take(pb.WatchRequest(cancel_request=request))

    def take(self) -> list[pb.WatchResponse]:
        """What was sent since the last call."""
        self.hub.flush()
        while self.hub.catch_up():
            pass
        sent, self.stream.sent[:] = list(self.stream.sent), []
        return [pb.WatchResponse.FromString(message) for message in sent]

    def keys(self) -> list[bytes]:
        return [event.kv.key for answer in self.take() for event in answer.events]


def test_a_watch_is_created_with_this_members_header_and_told_of_a_put() -> None:
    watching = Watching()
    watching.create(key=b"k", watch_id=7)
    watching.world.put(b"k", b"v")
    created, told = watching.take()
    assert created == pb.WatchResponse(
        header=pb.ResponseHeader(cluster_id=CLUSTER_ID, member_id=ME, revision=1, raft_term=5),
        watch_id=7,
        created=True,
    )
    [event] = told.events
    assert (told.header.revision, told.header.member_id, told.watch_id) == (2, ME, 7)
    assert (event.kv.key, event.kv.value, event.kv.mod_revision) == (b"k", b"v", 2)
    assert not event.HasField("prev_kv")


@pytest.mark.parametrize(
    ("key", "end", "seen"),
    [
        (b"b", b"", [b"b"]),
        (b"b", b"c", [b"b", b"bb"]),
        (b"b", b"\0", [b"b", b"bb", b"c"]),
        (b"", b"\0", [b"a", b"b", b"bb", b"c"]),
        (b"", b"b", [b"a"]),
        (b"", b"", []),
    ],
)
def test_ranges_mean_what_they_mean_in_a_range_request(
    key: bytes, end: bytes, seen: list[bytes]
) -> None:
    watching = Watching()
    watching.create(key=key, range_end=end)
    for each in (b"a", b"b", b"bb", b"c"):
        watching.world.put(each)
    assert watching.keys() == seen


def test_all_options_reach_the_hub() -> None:
    watching = Watching()
    watching.world.put(b"k", b"1")
    watching.world.put(b"k", b"2")
    watching.create(key=b"k", start_revision=3, prev_kv=True, filters=["NODELETE"])
    watching.create(key=b"k", start_revision=2, filters=["NOPUT"], fragment=True)
    watching.world.start("KV/DeleteRange", pb.DeleteRangeRequest(key=b"k"))
    told = [answer for answer in watching.take() if answer.events]
    assert [(each.watch_id, len(each.events)) for each in told] == [(0, 1), (1, 1)]
    assert told[0].events[0].prev_kv.value == b"1"
    assert told[1].events[0].type == Event.DELETE


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"key": b"b", "range_end": b"a"}, "mvcc: watcher range is empty"),
        (
            {"key": b"b", "start_revision": -1},
            "etcdserver: mvcc: required revision has been compacted",
        ),
    ],
)
def test_what_cannot_be_watched_is_created_and_canceled(
    asked: dict[str, object], reason: str
) -> None:
    watching = Watching()
    watching.create(**asked)
    [refusal] = watching.take()
    assert refusal == pb.WatchResponse(
        header=pb.ResponseHeader(cluster_id=CLUSTER_ID, member_id=ME, revision=1, raft_term=5),
        watch_id=-1,
        created=True,
        canceled=True,
        cancel_reason=reason,
    )


def test_more_watches_than_a_member_holds_are_refused() -> None:
    watching = Watching(watches_max=2)
    for _ in range(3):
        watching.create(key=b"k")
    assert [answer.watch_id for answer in watching.take()] == [0, 1, -1]
    watching.cancel(0)
    watching.create(key=b"k")
    assert [answer.watch_id for answer in watching.take()] == [0, 2]


def test_a_watch_is_cancelled() -> None:
    watching = Watching()
    watching.create(key=b"k")
    watching.cancel(0)
    watching.cancel(0)
    assert [answer.canceled for answer in watching.take()] == [False, True]


def test_progress_is_told_on_request() -> None:
    watching = Watching()
    watching.create(key=b"k")
    watching.world.put(b"other")
    watching.stream.take(pb.WatchRequest(progress_request=pb.WatchProgressRequest()))
    progress = watching.take()[1]
    assert (progress.watch_id, progress.header.revision) == (-1, 2)


def test_a_request_without_content_is_ignored() -> None:
    watching = Watching()
    watching.stream.take(pb.WatchRequest())
    watching.create(key=b"k")
    assert len(watching.take()) == 1


def test_a_message_that_is_none_ends_the_stream() -> None:
    watching = Watching()
    assert watching.stream.on_message is not None
    watching.stream.on_message(b"\xff\xff\xff")
    assert watching.stream.ends[0][0] == Code.INTERNAL
    assert watching.hub.stream_count == 0


def test_a_client_with_no_more_requests_goes_on_being_told() -> None:
    watching = Watching()
    watching.create(key=b"k")
    if watching.stream.on_half_close is not None:
        watching.stream.on_half_close()
    watching.world.put(b"k")
    assert watching.keys() == [b"k"]
    assert not watching.stream.ends


def test_the_end_of_a_stream_ends_its_watches() -> None:
    watching = Watching()
    watching.create(key=b"k")
    assert watching.stream.on_close is not None
    watching.stream.on_close()
    assert watching.hub.watch_count == watching.hub.stream_count == 0


def test_a_slow_client_goes_on_from_history_once_it_has_read() -> None:
    watching = Watching(backlog_bytes_max=100)
    watching.create(key=b"k")
    watching.stream.output_bytes = 1_000
    for _ in range(4):
        watching.world.put(b"k")
        watching.hub.flush()
    told = len(watching.keys())
    assert told < 4
    watching.stream.output_bytes = 0
    assert watching.stream.on_drained is not None
    watching.stream.on_drained()
    assert len(watching.keys()) == 4 - told


def test_a_stream_that_wants_a_leader_is_refused_without_one() -> None:
    watching = Watching()
    watching.world.node.raft.leader = 0
    stream = watching.world.open(PATH, {"hasleader": "true"})
    assert stream.ends == [(Code.UNAVAILABLE, "etcdserver: no leader")]


def test_a_stream_that_wants_a_leader_ends_when_there_is_none_for_long() -> None:
    watching = Watching({"hasleader": "true"})
    watching.create(key=b"k")
    watching.world.node.raft.leader = 0
    watching.world.node.leaderless_ticks = 30
    watching.world.services.tick()
    assert watching.stream.ends == [(Code.UNAVAILABLE, "etcdserver: no leader")]
    assert watching.hub.watch_count == 0
