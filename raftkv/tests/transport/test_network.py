"""Messages between members over real sockets."""

import asyncio
import logging
import socket

import pytest

from raftkv.config import TransportConfig
from raftkv.peer.messages import SnapshotChunk
from raftkv.raft.messages import AppendEntries, Heartbeat
from raftkv.raft.types import encode_entries
from raftkv.tests.transport.harness import CONFIG, Site, connect, numbered, run, until


def test_messages_arrive_in_order_both_ways() -> None:
    async def body() -> None:
        async with Site(1) as one, Site(2) as two:
            await connect(one, two)
            one.transport.send(numbered(2, 1, 100))
            two.transport.send(numbered(1, 2, 100))
            one.transport.send(numbered(2, 1, 100))
            await until(lambda: len(two.received) == 200 and len(one.received) == 100)
            assert two.received == numbered(2, 1, 100) * 2
            assert one.received == numbered(1, 2, 100)

    run(body)


def test_one_send_goes_to_several_members() -> None:
    async def body() -> None:
        async with Site(1) as one, Site(2) as two, Site(3) as three:
            await connect(one, two, three)
            entries = encode_entries(5, 8, 0, [b"a" * 300] * 50)
            first = AppendEntries(2, 1, 5, 7, 5, 7, entries)
            one.transport.send([first, first._replace(to=3), Heartbeat(3, 1, 5, 7, 0)])
            await until(lambda: two.received and len(three.received) == 2)
            assert two.received == [first]
            assert three.received == [first._replace(to=3), Heartbeat(3, 1, 5, 7, 0)]

    run(body)


def test_a_message_of_many_reads_arrives_whole_and_what_follows_too() -> None:
    async def body() -> None:
        async with Site(1) as one, Site(2) as two:
            await connect(one, two)
            rows = [(number.to_bytes(17, "big"), bytes(100_000)) for number in range(40)]
            chunk = SnapshotChunk(2, 1, 7, 1, rows)
            one.transport.send([chunk, *numbered(2, 1, 3)])
            await until(lambda: len(two.received) == 4)
            assert two.received == [chunk, *numbered(2, 1, 3)]

    run(body)


def test_what_is_sent_without_a_connection_is_dropped_and_counted() -> None:
    async def body() -> None:
        async with Site(1) as one:
            one.transport.add_peer(2, ["http://127.0.0.1:1"])
            one.transport.send(numbered(2, 1, 3))
            one.transport.send(numbered(9, 1, 3))
            assert one.transport.statistics[2].sent_failures == 3
            assert not one.transport.is_connected(2)
            assert one.transport.round_trip_seconds(2) is None

    run(body)


def test_a_member_that_does_not_read_holds_no_more_than_its_queue() -> None:
    async def body() -> None:
        small = TransportConfig(queue_bytes_max=1_000_000, silence_milliseconds_max=60_000)
        async with Site(1, config=small) as one, Site(2) as two:
            await connect(one, two)
            for connection in two.transport._listener.connections:
                assert connection._transport is not None
                connection._transport.pause_reading()
            peer = one.transport._peers[2]
            chunk = SnapshotChunk(2, 1, 7, 1, [(bytes(17), bytes(100_000))])
            for _ in range(1_000):
                one.transport.send([chunk])
                if one.transport.statistics[2].sent_failures > 20:
                    break
            assert one.transport.statistics[2].sent_failures > 20
            assert peer._transport is not None
            assert peer._transport.get_write_buffer_size() < 1_000_100
            for connection in two.transport._listener.connections:
                assert connection._transport is not None
                connection._transport.resume_reading()
            sent = one.transport.statistics[2].sent_bytes
            await until(lambda: two.transport.statistics[1].received_bytes >= sent)
            assert set(map(type, two.received)) == {SnapshotChunk}

    run(body)


def test_a_lost_member_is_told_and_dialed_again() -> None:
    async def body() -> None:
        async with Site(1) as one:
            two = Site(2)
            await two.listen()
            port = two.port
            await connect(one, two)
            one.transport.tick()
            assert one.transport.active_since_ticks(2) == 2
            await two.transport.close()
            await until(lambda: not one.transport.is_connected(2))
            await until(lambda: len(one.lost) == 2)
            assert one.lost == [2, 2], "the connection there, and the one from there"
            assert one.transport.active_since_ticks(2) == 0
            again = Site(2)
            await again.listen(port)
            await until(lambda: one.transport.is_connected(2))
            one.transport.send(numbered(2, 1, 5))
            await until(lambda: again.received == numbered(2, 1, 5))
            await again.transport.close()

    run(body)


def test_a_member_that_moved_is_dialed_where_it_is() -> None:
    async def body() -> None:
        async with Site(1) as one, Site(2) as two:
            one.transport.add_peer(2, ["http://127.0.0.1:1"])
            one.transport.add_peer(2, [two.url])
            await until(lambda: one.transport.is_connected(2))
            async with Site(2) as moved:
                one.transport.add_peer(2, ["http://127.0.0.1:1", moved.url])
                await until(lambda: one.transport.is_connected(2))
                one.transport.send(numbered(2, 1, 1))
                await until(lambda: moved.received)
                assert two.received == []
                assert one.lost == [], "we ended it ourselves"

    run(body)


def test_a_member_that_moved_and_is_removed_in_the_same_moment_is_no_error() -> None:
    async def body() -> None:
        failures: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, said: failures.append(said))
        async with Site(1) as one, Site(2) as two:
            await connect(one, two)
            one.transport.add_peer(2, ["http://127.0.0.1:1"])
            one.transport.remove_peer(2)
            await until(lambda: not one.transport._ending and two.lost)
        assert not failures

    run(body)


def test_the_last_words_to_a_removed_member_still_leave() -> None:
    async def body() -> None:
        async with Site(1) as one, Site(2) as two:
            await connect(one, two)
            one.transport.send(numbered(2, 1, 1))
            one.transport.remove_peer(2)
            await until(lambda: two.received == numbered(2, 1, 1))
            assert not one.transport.is_connected(2)
            one.transport.send(numbered(2, 1, 1))

    run(body)


def test_what_was_sent_before_the_end_still_leaves() -> None:
    async def body() -> None:
        async with Site(2) as two:
            one = Site(1)
            one.transport.add_peer(2, [two.url])
            await until(lambda: one.transport.is_connected(2))
            one.transport.send(numbered(2, 1, 3))
            await one.transport.close()
            await until(lambda: two.received == numbered(2, 1, 3))
            await until(lambda: two.lost == [1])

    run(body)


@pytest.mark.parametrize(
    ("cluster", "receiver", "reason"),
    [
        (0xC2, 2, "this is cluster c1, not c2"),
        (0xC1, 3, "this is member 2, not 3"),
    ],
)
def test_a_wrong_name_is_refused_each_time_and_said_once(
    cluster: int, receiver: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        async with Site(1, cluster=cluster) as one, Site(2) as two:
            refusals: list[int] = []
            listener = two.transport._listener
            say = listener.refused

            def refused(member: int, why: str) -> None:
                refusals.append(member)
                say(member, why)

            setattr(listener, "refused", refused)  # noqa: B010 - a method is stood in for
            one.transport.add_peer(receiver, [two.url])
            await until(lambda: len(refusals) >= 4)
            assert not one.transport.is_connected(receiver)

    with caplog.at_level(logging.WARNING):
        run(body)
    lines = [record.getMessage() for record in caplog.records]
    assert sum("no connection to member" in line and reason in line for line in lines) == 1
    assert sum(line == f"refused member 1: {reason}" for line in lines) == 1
    assert len(lines) == 2


def test_the_kernel_says_how_long_a_round_trip_takes() -> None:
    async def body() -> None:
        async with Site(1) as one, Site(2) as two:
            await connect(one, two)
            seconds = one.transport.round_trip_seconds(2)
            assert seconds is not None
            assert 0 < seconds < 1

    run(body)


def test_connections_are_closed_by_the_kernel_when_nothing_is_acknowledged() -> None:
    async def body() -> None:
        async with Site(1) as one, Site(2) as two:
            await connect(one, two)
            peer = one.transport._peers[2]
            assert peer._transport is not None
            sockets = [peer._transport.get_extra_info("socket")]
            for connection in one.transport._listener.connections:
                assert connection._transport is not None
                sockets.append(connection._transport.get_extra_info("socket"))
            assert len(sockets) == 2
            for each in sockets:
                waits = each.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                assert waits == CONFIG.silence_milliseconds_max
                assert each.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

    run(body)


def test_a_port_that_is_taken_is_an_error() -> None:
    async def body() -> None:
        async with Site(1) as one:
            with pytest.raises(OSError, match="address already in use"):
                await Site(2).listen(one.port)

    run(body)


@pytest.mark.parametrize(
    "url", ["", "localhost:2380", "http://localhost", "ftp://a:1", "http://a:x"]
)
def test_a_url_of_no_use_is_an_error(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        asyncio.run(Site(1).transport.listen([url]))


def test_a_removed_member_that_dials_is_told() -> None:
    async def body() -> None:
        async with Site(1, removed={2}) as one, Site(2) as gone:
            gone.transport.add_peer(1, [one.url])
            await until(lambda: gone.removals)
            assert not gone.transport.is_connected(1)

    run(body)


def test_a_member_that_is_removed_while_it_is_connected_is_told() -> None:
    async def body() -> None:
        async with Site(1) as one, Site(2) as gone:
            await connect(one, gone)
            one.removed.add(2)
            one.transport.remove_peer(2)
            await until(lambda: gone.removals)

    run(body)
