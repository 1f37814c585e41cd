"""The sockets of the client port, with engines that only echo."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from typing_extensions import override

from raftkv.gateway import listener as module
from raftkv.gateway.listener import PREFACE, Connection, Listener, Speaks, parse_listen_url


class Echo:
    """Says everything back, in capitals when it is HTTP/1.1."""

    def __init__(self, name: str, on_output: Callable[[], None]) -> None:
        self.name = name
        self.on_output = on_output
        self.output = b""
        self.taken = 0
        self.lost = 0
        self.ticks = 0
        self.should_close = False
        self.output_bytes_max = 100

    @property
    def accepts_input(self) -> bool:
        return len(self.output) <= self.output_bytes_max

    def receive(self, data: bytes) -> None:
        was_empty = not self.output
        self.output += self.name.encode() + b":" + data
        if was_empty:
            self.on_output()

    def take_output(self) -> bytes:
        self.taken += 1
        output, self.output = self.output, b""
        return output

    def connection_lost(self) -> None:
        self.lost += 1

    def tick(self, now_ms: int) -> None:
        self.ticks += 1
        assert now_ms > 0

    def shutdown(self) -> None:
        self.output += b"bye"
        self.should_close = True
        self.on_output()


class Port:
    """A listener on a free port, and the engines it made."""

    def __init__(self) -> None:
        self.engines: list[Echo] = []
        self.listener = Listener(
            lambda on_output: self.made("h2", on_output),
            lambda on_output: self.made("h1", on_output),
        )

    def made(self, name: str, on_output: Callable[[], None]) -> Echo:
        self.engines.append(Echo(name, on_output))
        return self.engines[-1]

    async def open(self, *, only: str = "") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = await self.listener.listen(
            "http://127.0.0.1:0", http1_only=only == "HTTP/1.1", http2_only=only == "HTTP/2"
        )
        return await asyncio.open_connection(host, port)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 10))


@pytest.mark.parametrize(
    ("first", "chosen"),
    [
        ([PREFACE + b"x"], "h2"),
        ([PREFACE[:1], PREFACE[1:10], PREFACE[10:] + b"x"], "h2"),
        ([b"GET / HTTP/1.1\r\n"], "h1"),
        ([b"P", b"OST / HTTP/1.1\r\n"], "h1"),
        ([b"PRI * HTTP/1.1\r\n"], "h1"),
    ],
    ids=["preface", "preface in pieces", "GET", "POST in pieces", "nearly a preface"],
)
def test_the_first_bytes_choose_the_protocol(first: list[bytes], chosen: str) -> None:
    async def test() -> None:
        port = Port()
        reader, writer = await port.open()
        for piece in first:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)
        said = b"".join(first)
        expected = chosen.encode() + b":" + said
        assert await reader.readexactly(len(expected)) == expected
        writer.close()
        await port.listener.close(0)

    run(test)


@pytest.mark.parametrize(
    ("only", "said", "chosen"),
    [("HTTP/1.1", PREFACE, b"h1:"), ("HTTP/2", b"GET / HTTP/1.1", b"h2:")],
)
def test_a_port_may_speak_one_protocol_alone(only: str, said: bytes, chosen: bytes) -> None:
    async def test() -> None:
        port = Port()
        reader, writer = await port.open(only=only)
        writer.write(said)
        assert (await reader.readexactly(3)) == chosen
        writer.close()
        await port.listener.close(0)

    run(test)


class Wire(asyncio.Transport):
    """A transport that notes what happens to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.reading = True
        self.closed = False

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == module.WRITE_BUFFER_BYTES_MAX
        assert low is None

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    @override
    def pause_reading(self) -> None:
        self.reading = False

    @override
    def resume_reading(self) -> None:
        self.reading = True

    @override
    def is_closing(self) -> bool:
        return self.closed

    @override
    def close(self) -> None:
        self.closed = True

    @override
    def abort(self) -> None:
        self.closed = True


def connected(port: Port) -> tuple[Connection, Wire]:
    connection, wire = Connection(port.listener, Speaks.BOTH), Wire()
    connection.connection_made(wire)
    return connection, wire


def test_everything_a_turn_has_to_say_goes_out_in_one_write_a_connection() -> None:
    async def test() -> None:
        port = Port()
        first, second = connected(port), connected(port)
        for connection, _ in (first, second):
            connection.data_received(b"a")
            connection.data_received(b"b")
        assert first[1].written == second[1].written == []
        await asyncio.sleep(0)
        assert first[1].written == second[1].written == [b"h1:ah1:b"]
        assert port.listener.received_bytes == 4
        assert port.listener.sent_bytes == 16
        await port.listener.close(0)

    run(test)


def test_a_client_that_does_not_read_is_not_written_to_and_in_the_end_not_read_from() -> None:
    async def test() -> None:
        port = Port()
        connection, wire = connected(port)
        connection.data_received(b"a")
        connection.pause_writing()
        port.listener.flush()
        assert wire.written == []
        assert wire.reading
        connection.data_received(b"b" * 100)
        assert not wire.reading
        connection.resume_writing()
        port.listener.flush()
        assert wire.reading
        assert wire.written == [b"h1:ah1:" + b"b" * 100]
        await port.listener.close(0)

    run(test)


def test_a_connection_is_closed_after_its_last_output() -> None:
    async def test() -> None:
        port = Port()
        connection, wire = connected(port)
        connection.data_received(b"a")
        port.engines[0].should_close = True
        port.listener.flush()
        assert wire.written == [b"h1:a"]
        assert wire.closed
        connection.connection_lost(None)
        assert port.engines[0].lost == 1
        connection.flush()
        assert not port.listener.connections
        await port.listener.close(0)

    run(test)


def test_a_connection_that_never_shows_its_protocol_is_closed() -> None:
    async def test() -> None:
        port = Port()
        connection, wire = connected(port)
        connection.data_received(PREFACE[:5])
        for now_ms in range(module.UNDECIDED_TICKS_MAX):
            connection.tick(now_ms)
        assert not wire.closed
        connection.tick(0)
        assert wire.closed
        await port.listener.close(0)

    run(test)


def test_closing_lets_connections_say_goodbye() -> None:
    async def test() -> None:
        port = Port()
        reader, writer = await port.open()
        writer.write(b"x")
        assert await reader.readexactly(4) == b"h1:x"
        await port.listener.close(5)
        assert await reader.read() == b"bye"
        assert not port.listener.connections
        writer.close()

    run(test)


def test_closing_does_not_wait_for_ever() -> None:
    async def test() -> None:
        port = Port()
        connected(port)[0].data_received(b"x")
        port.engines[0].shutdown = lambda: None  # type: ignore[method-assign]
        await port.listener.close(0.02)

    run(test)


def test_an_address_in_use_is_an_os_error() -> None:
    async def test() -> None:
        port = Port()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(OSError, match="in use"):
                await port.listener.listen(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ValueError, match="certificate"):
            await port.listener.listen("https://127.0.0.1:0")
        await port.listener.close(0)

    run(test)


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("http://localhost:2379", ("localhost", 2379, False)),
        ("https://10.0.0.1:0", ("10.0.0.1", 0, True)),
        ("http://[::1]:1/", ("::1", 1, False)),
        ("http://:2379", ("", 2379, False)),
    ],
)
def test_listen_urls(url: str, parsed: tuple[str, int, bool]) -> None:
    assert parse_listen_url(url) == parsed


@pytest.mark.parametrize(
    "url", ["localhost:2379", "http://localhost", "ftp://a:1", "http://a:1/path", "http://a:x"]
)
def test_listen_urls_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|Port"):
        parse_listen_url(url)
