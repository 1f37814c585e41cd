"""What a watch is sent, case by case; the names say what etcd does."""

import pytest

from raftkv.config import WatchConfig
from raftkv.pb.rpc_pb2 import WatchResponse
from raftkv.tests.watch.worlds import Client, World, events_of
from raftkv.watch import hub as hub_module
from raftkv.watch.request import FROM_KEY, WatchRequest


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Client:
    return Client(world)


def brief(answers: list[WatchResponse]) -> list[str]:
    """Each response in a word or two."""
    words = []
    for answer in answers:
        events = [
            f"{each.kind[0]}{each.key.decode()}@{each.revision}" for each in events_of(answer)
        ]
        parts = [f"#{answer.watch_id}", f"r{answer.header.revision}"]
        parts += ["created"] * answer.created + ["canceled"] * answer.canceled
        parts += [f"compact{answer.compact_revision}"] * (answer.compact_revision != 0)
        parts += ["fragment"] * answer.fragment
        words.append(" ".join(parts + events))
    return words


# -- creating and cancelling


def test_created_comes_first_and_says_where_the_store_is(world: World, client: Client) -> None:
    world.put(b"a")
    client.watch(b"a", start=2)
    world.settle()
    assert brief(client.take()) == ["#0 r2 created", "#0 r2 Pa@2"]


def test_a_watch_from_now_on_gets_nothing_earlier(world: World, client: Client) -> None:
    world.put(b"a")
    client.watch(b"a")
    world.put(b"a")
    world.settle()
    assert brief(client.take()) == ["#0 r2 created", "#0 r3 Pa@3"]


def test_a_watch_created_between_a_change_and_its_sending_does_not_get_it(
    world: World, client: Client
) -> None:
    client.watch(b"a")
    world.put(b"a")
    client.watch(b"a")
    world.put(b"a")
    world.settle()
    assert brief(client.take())[2:] == ["#0 r3 Pa@2 Pa@3", "#1 r3 Pa@3"]


def test_events_are_pending_until_they_are_sent_and_counted_for_each_watch(
    world: World, client: Client
) -> None:
    client.watch(b"a")
    client.watch(b"a")
    world.put(b"a")
    world.put(b"a")
    assert (world.hub.pending_event_count, world.hub.events_sent) == (4, 0)
    world.settle()
    assert (world.hub.pending_event_count, world.hub.events_sent) == (0, 4)


def test_a_watch_on_the_future_gets_nothing_below_its_start(world: World, client: Client) -> None:
    client.watch(b"a", start=4)
    for _ in range(4):
        world.put(b"a")
    world.settle()
    assert brief(client.take()) == ["#0 r1 created", "#0 r5 Pa@4 Pa@5"]


def test_ids_are_the_next_free_ones_or_the_clients_own(client: Client) -> None:
    hub, stream = client.world.hub, client.stream
    for watch_id in (0, 1, 0, -7, 3, 0):
        hub.create(stream, WatchRequest(b"a", None, watch_id=watch_id))
    assert [answer.watch_id for answer in client.take()] == [0, 1, 2, -7, 3, 4]


def test_an_id_taken_twice_is_refused(client: Client) -> None:
    hub, stream = client.world.hub, client.stream
    hub.create(stream, WatchRequest(b"a", None, watch_id=5))
    hub.create(stream, WatchRequest(b"b", None, watch_id=5))
    refusal = client.take()[1]
    assert brief([refusal]) == ["#-1 r1 created canceled"]
    assert refusal.cancel_reason == "mvcc: duplicate watch ID provided on the WatchStream"


@pytest.mark.parametrize("end", [b"a", b"Z"])
def test_an_empty_range_is_refused(client: Client, end: bytes) -> None:
    client.watch(b"a", end)
    refusal = client.take()[0]
    assert brief([refusal]) == ["#-1 r1 created canceled"]
    assert refusal.cancel_reason == "mvcc: watcher range is empty"


def test_a_cancelled_watch_gets_nothing_more(world: World, client: Client) -> None:
    for start in (0, 2, 9):
        client.watch(b"a", start=start)
    client.take()
    for watch_id in (0, 1, 2):
        world.hub.cancel(client.stream, watch_id)
    for _ in range(10):
        world.put(b"a")
    world.settle()
    assert brief(client.take()) == [f"#{each} r1 canceled" for each in (0, 1, 2)]


def test_cancelling_an_unknown_id_is_answered_with_silence(client: Client) -> None:
    client.world.hub.cancel(client.stream, 3)
    assert not client.take()


def test_a_closed_stream_gets_nothing_more(world: World, client: Client) -> None:
    client.watch(b"a")
    client.watch(b"a", start=3)
    client.take()
    world.hub.close(client.stream)
    world.hub.close(client.stream)
    for _ in range(5):
        world.put(b"a")
    world.settle()
    assert not client.take()
    assert world.hub.watch_count == world.hub.stream_count == 0


# -- what it sees


@pytest.mark.parametrize(
    ("end", "seen"),
    [
        (None, [b"b"]),
        (b"d", [b"b", b"bb", b"c"]),
        (FROM_KEY, [b"b", b"bb", b"c", b"d", b"e"]),
    ],
)
def test_a_watch_sees_its_keys_live_and_from_history(
    world: World, end: bytes | None, seen: list[bytes]
) -> None:
    live, late = Client(world), Client(world)
    live.watch(b"b", end)
    for key in (b"a", b"b", b"bb", b"c", b"d", b"e"):
        world.put(key)
    late.watch(b"b", end, start=1)
    world.settle()
    assert [event.key for event in live.take_events()] == seen
    assert [event.key for event in late.take_events()] == seen


def test_filters_leave_out_puts_or_deletes(world: World) -> None:
    neither, puts, deletes, nothing = (Client(world) for _ in range(4))
    neither.watch(b"a")
    puts.watch(b"a", no_delete=True)
    deletes.watch(b"a", no_put=True)
    nothing.watch(b"a", no_put=True, no_delete=True)
    world.put(b"a")
    world.delete(b"a")
    world.settle()
    assert [event.kind for event in neither.take_events()] == ["PUT", "DELETE"]
    assert [event.kind for event in puts.take_events()] == ["PUT"]
    assert [event.kind for event in deletes.take_events()] == ["DELETE"]
    assert not nothing.take_events()


def test_a_previous_value_comes_with_all_but_creations(world: World) -> None:
    live, late = Client(world), Client(world)
    live.watch(b"a", prev_kv=True)
    world.put(b"a", b"1")
    world.put(b"a", b"2")
    world.delete(b"a")
    world.put(b"a", b"3")
    late.watch(b"a", start=1, prev_kv=True)
    world.settle()
    for client in (live, late):
        assert [event.previous for event in client.take_events()] == [None, b"1", b"2", None]


def test_a_previous_value_that_is_compacted_is_left_out(world: World, client: Client) -> None:
    world.put(b"a", b"1")
    world.put(b"a", b"2")
    world.put(b"a", b"3")
    world.compact(3)
    client.watch(b"a", start=3, prev_kv=True)
    world.settle()
    assert [event.previous for event in client.take_events()] == [None, b"2"]


def test_what_a_turn_changed_comes_in_one_response(world: World, client: Client) -> None:
    client.watch(b"a", FROM_KEY)
    client.take()
    world.commit([(b"a", b"1"), (b"b", b"1")])
    world.commit([(b"a", None), (b"c", b"1")])
    world.hub.flush()
    world.hub.flush()
    assert brief(client.take()) == ["#0 r3 Pa@2 Pb@2 Da@3 Pc@3"]


# -- compaction


def test_a_start_below_the_compact_revision_is_created_and_then_canceled(
    world: World, client: Client
) -> None:
    for _ in range(4):
        world.put(b"a")
    world.compact(4)
    client.watch(b"a", start=3)
    world.settle()
    created, canceled = client.take()
    assert brief([created, canceled]) == ["#0 r5 created", "#0 r0 canceled compact4"]
    assert not canceled.cancel_reason


def test_the_compact_revision_itself_can_be_watched(world: World, client: Client) -> None:
    world.put(b"a")
    world.delete(b"a")
    world.put(b"a")
    world.compact(3)
    client.watch(b"a", start=3)
    world.settle()
    assert brief(client.take()) == ["#0 r4 created", "#0 r4 Da@3 Pa@4"]


def test_an_id_stays_taken_after_a_compaction_until_it_is_cancelled(
    world: World, client: Client
) -> None:
    world.put(b"a")
    world.put(b"a")
    world.compact(3)
    client.watch(b"a", start=2)
    client.take()
    world.hub.create(client.stream, WatchRequest(b"a", None))
    world.hub.cancel(client.stream, 0)
    assert brief(client.take()) == ["#1 r3 created", "#0 r3 canceled"]


@pytest.mark.parametrize("compacted", [7, 8, 9])
def test_a_compaction_cancels_a_watch_that_has_not_read_so_far(compacted: int) -> None:
    world = World(WatchConfig(catch_up_rows_per_turn_max=7))
    client = Client(world)
    for _ in range(20):
        world.put(b"a")
    client.watch(b"a", start=2)
    world.hub.catch_up()  # up to revision 7: the last row read may not be the last of its revision
    world.compact(compacted)
    world.settle()
    events = [event.revision for event in client.take_events()]
    assert events == (list(range(2, 22)) if compacted <= 8 else list(range(2, 8)))


# -- progress


def test_a_progress_request_is_answered_when_all_watches_are_up_to_date(
    world: World, client: Client
) -> None:
    client.watch(b"a")
    client.watch(b"b")
    world.put(b"a")
    world.put(b"c")
    world.hub.request_progress(client.stream)
    assert brief(client.take())[2:] == ["#0 r2 Pa@2", "#-1 r3"]


def test_a_progress_request_meets_silence_without_watches_or_with_one_behind(
    world: World, client: Client
) -> None:
    world.hub.request_progress(client.stream)
    world.put(b"a")
    client.watch(b"a")
    client.watch(b"a", start=1)
    client.take()
    world.hub.request_progress(client.stream)
    assert not client.take()
    world.settle()
    world.hub.request_progress(client.stream)
    assert brief(client.take()) == ["#1 r2 Pa@2", "#-1 r2"]


def test_a_watch_on_the_future_has_no_progress_before_it_begins(
    world: World, client: Client
) -> None:
    client.watch(b"a", start=2)
    world.hub.request_progress(client.stream)
    assert brief(client.take()) == ["#0 r1 created"]
    world.put(b"b")
    world.hub.request_progress(client.stream)
    assert brief(client.take()) == ["#-1 r2"]


def test_progress_is_told_at_intervals_in_which_nothing_else_was(world: World) -> None:
    world.hub = hub = hub_module.Hub(
        world, WatchConfig(progress_notify_interval_ms=500), ticks_per_second=10
    )
    client = Client(world)
    client.watch(b"a", progress_notify=True)
    client.watch(b"a")
    client.watch(b"a", start=99, progress_notify=True)
    client.take()
    told = []
    for tick in range(1, 22):
        if tick == 7:
            world.put(b"a")
            hub.flush()
        if tick == 13:
            world.put(b"b")
        hub.tick()
        told += [f"{tick}: {words}" for words in brief(client.take())]
    assert told == ["5: #0 r1", "7: #0 r2 Pa@2", "7: #1 r2 Pa@2", "15: #0 r3", "20: #0 r3"]


def test_streams_opened_together_tell_progress_at_different_times() -> None:
    world = World(WatchConfig(progress_notify_interval_ms=60_000))
    clients = [Client(world) for _ in range(200)]
    for client in clients:
        client.watch(b"a", progress_notify=True)
        client.take()
    told: list[int] = []
    for _ in range(700):
        world.hub.tick()
        told.append(sum(len(client.take()) for client in clients))
    assert sum(told[:599]) == 0
    assert sum(told[599:661]) == 200
    assert max(told) < 20


# -- clients that do not keep up


def test_a_client_that_does_not_read_costs_bounded_memory_and_loses_nothing() -> None:
    world = World(WatchConfig(backlog_bytes_max=1_000))
    slow, quick = Client(world), Client(world)
    for client in (slow, quick):
        client.watch(b"a", prev_kv=True)
    slow.stop_reading()
    for number in range(200):
        world.put(b"a", b"%090d" % number)
        world.settle()
    assert slow.output_bytes < 1_400
    assert world.hub.slow_watch_count == 1
    assert not world.hub.is_catching_up
    events = quick.take_events()
    assert [event.revision for event in events] == list(range(2, 202))
    while len(slow.responses) < 200 and slow.output_bytes:
        slow.read()
        world.settle()
    assert slow.take_events() == events
    assert world.hub.slow_watch_count == 0


def test_a_slow_clients_watch_is_canceled_when_what_it_missed_is_compacted() -> None:
    world = World(WatchConfig(backlog_bytes_max=200))
    client = Client(world)
    client.watch(b"a")
    client.take()
    client.stop_reading()
    for _ in range(50):
        world.put(b"a", b"x" * 50)
        world.settle()
    seen = client.take_events()[-1].revision
    world.compact(seen + 2)
    client.read()
    world.settle()
    assert brief(client.take()) == [f"#0 r0 canceled compact{seen + 2}"]


def test_only_watches_that_missed_something_fall_behind() -> None:
    world = World(WatchConfig(backlog_bytes_max=10))
    client = Client(world)
    client.watch(b"a")
    client.watch(b"b")
    client.stop_reading()
    world.put(b"a")
    world.settle()
    world.put(b"a")
    world.settle()
    assert world.hub.slow_watch_count == 1


def test_streams_share_what_may_wait_in_all_of_them() -> None:
    world = World(WatchConfig(backlog_bytes_max=300_000, backlog_bytes_total_max=400_000))
    first = Client(world)
    assert world.hub._delivery.backlog_bytes_max == 300_000
    second = Client(world)
    assert world.hub._delivery.backlog_bytes_max == 200_000
    others = [Client(world) for _ in range(100)]
    assert world.hub._delivery.backlog_bytes_max == hub_module.BACKLOG_BYTES_MIN
    for client in [first, *others]:
        world.hub.close(client.stream)
    assert world.hub._delivery.backlog_bytes_max == 300_000
    assert second.stream.is_open


# -- large batches


def sizes(event_count: int, value_bytes: int) -> tuple[World, Client, Client]:
    """A change of many keys, watched with and without fragments; a response holds 1,000 bytes."""
    world = World(WatchConfig(response_bytes_max=1_000))
    plain, fragmented = Client(world), Client(world)
    plain.watch(b"a", FROM_KEY)
    fragmented.watch(b"a", FROM_KEY, fragment=True)
    plain.take()
    fragmented.take()
    world.commit([(b"k%03d" % each, b"v" * value_bytes) for each in range(event_count)])
    world.settle()
    return world, plain, fragmented


def test_a_revision_is_split_only_for_who_asked_for_fragments() -> None:
    _, plain, fragmented = sizes(10, 300)
    assert [len(answer.events) for answer in plain.take()] == [10]
    answers = fragmented.take()
    assert [len(answer.events) for answer in answers] == [3, 3, 3, 1]
    assert [answer.fragment for answer in answers] == [True] * 3 + [False]
    assert all(answer.ByteSize() < 1_000 for answer in answers)
    assert {answer.header.revision for answer in answers} == {2}


def test_an_event_too_large_for_a_response_goes_alone() -> None:
    _, _, fragmented = sizes(3, 2_000)
    assert [len(answer.events) for answer in fragmented.take()] == [1, 1, 1]
    _, _, fragmented = sizes(1, 2_000)
    assert [answer.fragment for answer in fragmented.take()] == [False]


def test_a_batch_of_many_revisions_is_split_between_them() -> None:
    world = World(WatchConfig(response_bytes_max=1_000))
    client = Client(world)
    for _ in range(5):
        world.commit([(b"a", b"v" * 200), (b"b", b"v" * 200)])
    client.watch(b"a", FROM_KEY, start=1)
    world.settle()
    assert brief(client.take())[1:] == [
        "#0 r3 Pa@2 Pb@2 Pa@3 Pb@3",
        "#0 r5 Pa@4 Pb@4 Pa@5 Pb@5",
        "#0 r6 Pa@6 Pb@6",
    ]


# -- history


def test_watches_that_start_nearby_share_the_reading() -> None:
    world = World()
    client = Client(world)
    for _ in range(300):
        world.put(b"a")
    for number in range(50):
        client.watch(b"a", start=2 + number)
    world.settle()
    assert sum(world.scans) == 300
    got = dict.fromkeys(range(50), 0)
    for answer in client.take():
        got[answer.watch_id] += len(answer.events)
    assert got == {each: 300 - each for each in range(50)}


def test_who_has_a_short_way_to_go_does_not_wait_for_who_has_a_long_one() -> None:
    world = World(WatchConfig(catch_up_rows_per_turn_max=10))
    far, near = Client(world), Client(world)
    for _ in range(1_000):
        world.put(b"a")
    far.watch(b"a", start=2)
    near.watch(b"a", start=1_000)
    far.take()
    near.take()
    world.hub.catch_up()
    world.hub.catch_up()
    assert [event.revision for event in near.take_events()] == [1_000, 1_001]
    assert len(far.take_events()) == 9


def test_newcomers_from_far_back_do_not_starve_who_reads_already() -> None:
    world = World(WatchConfig(catch_up_rows_per_turn_max=100))
    client = Client(world)
    for _ in range(1_000):
        world.put(b"a")
    client.watch(b"a", start=2)
    steps = 0
    while world.hub.slow_watch_count and steps < 200:
        Client(world).watch(b"b", start=2)
        world.hub.catch_up()
        steps += 1
        if len([0 for answer in client.responses for _ in answer.events]) == 1_000:
            break
    assert steps < 100


def test_a_revision_larger_than_a_slice_stays_whole() -> None:
    world = World(WatchConfig(catch_up_rows_per_turn_max=10))
    client = Client(world)
    world.put(b"a")
    world.commit([(b"k%03d" % each, b"") for each in range(95)])
    world.put(b"a")
    client.watch(b"a", FROM_KEY, start=1)
    world.settle()
    counts = [[event.revision for event in events_of(answer)] for answer in client.take()]
    assert next(revisions for revisions in counts if 3 in revisions).count(3) == 95


def test_the_loop_is_woken_when_there_is_history_to_read(world: World, client: Client) -> None:
    woken: list[bool] = []
    world.hub.on_work = lambda: woken.append(world.hub.is_catching_up)
    world.put(b"a")
    client.watch(b"a")
    assert woken == []
    client.watch(b"a", start=1)
    client.watch(b"a", start=1)
    assert woken == [True]


# -- a received snapshot


def grown(world: World, changes: int) -> World:
    """Another store with the same beginning and `changes` more; nobody was notified of them."""
    other = World()
    for event in world.events:
        other.commit([(event.key, event.value)])
    for _ in range(changes):
        other.put(b"a", b"n")
    return other


def test_after_a_snapshot_a_watch_goes_on_where_it_was(world: World, client: Client) -> None:
    client.watch(b"a")
    client.watch(b"a", start=6)
    client.take()
    world.put(b"a")
    other = grown(world, 5)
    world.hub.restored(other)
    while world.hub.catch_up():
        pass
    assert brief(client.take()) == [
        "#0 r2 Pa@2",
        "#0 r7 Pa@3 Pa@4 Pa@5 Pa@6 Pa@7",
        "#1 r7 Pa@6 Pa@7",
    ]
    world.hub.notify(8, [(b"a", b"", _row(8), None)])
    world.hub.flush()
    assert brief(client.take()) == ["#0 r8 Pa@8", "#1 r8 Pa@8"]


def _row(revision: int) -> bytes:
    other = World()
    for _ in range(revision - 1):
        other.put(b"a")
    return other.rows[-1][1]


def test_after_a_snapshot_a_watch_whose_history_it_lacks_is_canceled(
    world: World, client: Client
) -> None:
    client.watch(b"a")
    world.put(b"a")
    other = grown(world, 5)
    other.compact(5)
    world.hub.restored(other)
    while world.hub.catch_up():
        pass
    assert brief(client.take())[1:] == ["#0 r2 Pa@2", "#0 r0 canceled compact5"]


def test_a_revision_half_read_is_read_anew_from_the_received_store() -> None:
    world = World(WatchConfig(catch_up_rows_per_turn_max=10))
    client = Client(world)
    for _ in range(20):
        world.put(b"a")
    client.watch(b"a", start=2)
    world.hub.catch_up()
    other = grown(world, 0)
    world.hub.restored(other)
    assert not any(cohort.carry for cohort in world.hub._catch_up._queue)
    while world.hub.catch_up():
        pass
    assert [event.revision for event in client.take_events()] == list(range(2, 22))
