"""Bytes from anybody: the connection ends with one line, nothing grows, nobody else notices."""

import asyncio
import logging
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raftkv.config import TransportConfig
from raftkv.peer.codec import encode
from raftkv.peer.framing import frame_head
from raftkv.peer.handshake import PREAMBLE, AskClusterInfo, Hello, encode_handshake
from raftkv.raft.messages import TimeoutNow
from raftkv.tests.transport.harness import CLUSTER, Site, connect, run, until


def framed(payload: bytes) -> bytes:
    return frame_head(payload) + payload


HELLO = PREAMBLE + framed(encode_handshake(Hello(CLUSTER, 2, 1)))


async def talk(site: Site, data: bytes) -> bytes:
    """Sends bytes and returns what comes back until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(data)
    answer = b""
    with suppress(ConnectionResetError):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "the first bytes are not those of a member"),
        (b"raftkv\x00\x63" + bytes(20), "the first bytes are not those of a member"),
        (PREAMBLE + b"\x7f" + bytes(20), "a frame of 2130706432 bytes; 4096 are allowed"),
        (PREAMBLE + b"\x00\x00\x00\x01" + bytes(5), "checksum"),
        (PREAMBLE + framed(b"\xc1"), "not msgpack"),
        (PREAMBLE + framed(encode(TimeoutNow(1, 2, 3))), "unknown code 8"),
        (HELLO + framed(b"garbage"), "not msgpack"),
        (HELLO + framed(encode(TimeoutNow(1, 3, 5))), "a message from 3 to 1"),
        (HELLO + framed(encode(TimeoutNow(4, 2, 5))), "a message from 2 to 4"),
        (HELLO + b"\xff" * 8, "a frame of 4294967295 bytes"),
    ],
)
def test_bytes_that_are_not_a_members_end_the_connection(
    data: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        async with Site(1) as site:
            await asyncio.wait_for(talk(site, data), 10)
            assert site.received == []
            await until(lambda: not site.transport._listener.connections)

    with caplog.at_level(logging.WARNING):
        run(body)
    assert [record.getMessage() for record in caplog.records if reason in record.getMessage()]
    assert len(caplog.records) == 1


def test_another_protocol_version_is_told_which_one_we_speak() -> None:
    async def body() -> None:
        async with Site(1) as site:
            assert b"protocol version 1" in await talk(site, b"raftkv\x00\x02" + bytes(10))

    run(body)


def test_who_says_nothing_is_not_waited_for() -> None:
    async def body() -> None:
        impatient = TransportConfig(handshake_milliseconds_max=20)
        async with Site(1, config=impatient) as site:
            for beginning in (b"", b"raf", PREAMBLE, PREAMBLE + b"\x00\x00"):
                await asyncio.wait_for(talk(site, beginning), 10)

    run(body)


def test_more_connections_than_allowed_are_closed_at_once() -> None:
    async def body() -> None:
        async with Site(1, config=TransportConfig(connections_max=3)) as site:
            writers = []
            for _ in range(3):
                _, writer = await asyncio.open_connection("127.0.0.1", site.port)
                writers.append(writer)
            await until(lambda: len(site.transport._listener.connections) == 3)
            await asyncio.wait_for(talk(site, b""), 10)
            for writer in writers:
                writer.close()
            await until(lambda: not site.transport._listener.connections)

    run(body)


def test_a_member_that_calls_again_replaces_its_older_connection() -> None:
    async def body() -> None:
        async with Site(1) as site:
            reader, first = await asyncio.open_connection("127.0.0.1", site.port)
            first.write(HELLO)
            await reader.read(1)
            answers, second = await asyncio.open_connection("127.0.0.1", site.port)
            second.write(HELLO + framed(encode(TimeoutNow(1, 2, 5))))
            await answers.read(1)
            await until(lambda: site.received == [TimeoutNow(1, 2, 5)])
            await until(lambda: len(site.transport._listener.connections) == 1)
            assert site.lost == []
            first.close()
            second.close()
            await until(lambda: site.lost == [2])

    run(body)


def test_the_cluster_info_needs_no_name_and_ends_the_connection() -> None:
    async def body() -> None:
        async with Site(1) as site:
            question = framed(encode_handshake(AskClusterInfo()))
            answer = await talk(site, PREAMBLE + question + question)
            assert answer == framed(encode_handshake(site.info()))

    run(body)


@given(st.binary(max_size=60), st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_members_do_not_notice_what_a_stranger_says(noise: bytes, after_hello: bool) -> None:  # noqa: FBT001
    async def body() -> None:
        async with Site(1) as one, Site(3) as three:
            await connect(one, three)
            _, writer = await asyncio.open_connection("127.0.0.1", one.port)
            writer.write((HELLO if after_hello else b"") + noise)
            three.transport.send([TimeoutNow(1, 3, 5)])
            await until(lambda: one.received)
            assert one.received == [TimeoutNow(1, 3, 5)]
            writer.close()

    run(body)


class Impostor(asyncio.Protocol):
    """Listens, and answers every question with the same bytes."""

    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # type: ignore[explicit-override]
        assert isinstance(transport, asyncio.Transport)
        transport.write(self.answer)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers is not a member: a frame of"),
        (framed(b"\xc1"), "what answers is not a member: not msgpack"),
        (framed(encode_handshake(AskClusterInfo())), "what answers is not a member: code 2"),
    ],
)
def test_a_stranger_that_is_dialed_is_no_member(
    answer: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        Impostor.answer = answer
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Impostor, "127.0.0.1", 0)
        async with Site(1) as site:
            port = server.sockets[0].getsockname()[1]
            site.transport.add_peer(2, [f"http://127.0.0.1:{port}"])
            await until(lambda: site.transport._peers[2]._complaint)
            assert not site.transport.is_connected(2)
        server.close()

    with caplog.at_level(logging.WARNING):
        run(body)
    assert reason in caplog.records[0].getMessage()
