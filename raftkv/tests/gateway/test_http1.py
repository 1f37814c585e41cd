"""HTTP/1.1 for one connection, byte by byte."""

from http import HTTPStatus

import pytest

from raftkv.gateway import http1
from raftkv.gateway.http1 import HttpConnection, Request, Respond, Response


class Client:
    """A connection whose pages echo the path, or wait when the path says so."""

    def __init__(self) -> None:
        self.waiting: list[Respond] = []
        self.asked: list[Request] = []
        self.connection = HttpConnection(self.page, lambda: None)

    def page(self, request: Request, respond: Respond) -> None:
        self.asked.append(request)
        if request.path == "/later":
            self.waiting.append(respond)
        else:
            respond(Response(HTTPStatus.OK, request.path.encode()))

    def send(self, data: bytes) -> bytes:
        self.connection.receive(data)
        return self.connection.take_output()


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: x", *headers, "", ""]).encode()


def test_a_request_is_answered_however_its_bytes_are_split() -> None:
    client = Client()
    answer = b"".join(client.send(bytes([byte])) for byte in get("/a?x=1&y"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"content-length: 2\r\n\r\n/a")
    assert client.asked == [Request("GET", "/a", {"x": ["1"], "y": [""]})]
    assert not client.connection.should_close


def test_requests_sent_ahead_are_answered_in_order() -> None:
    client = Client()
    assert client.send(get("/later") + get("/b") + get("/c")) == b""
    client.waiting[0](Response(HTTPStatus.OK, b"first"))
    answer = client.connection.take_output()
    assert answer.index(b"first") < answer.index(b"/b") < answer.index(b"/c")


def test_a_client_that_sends_too_much_ahead_is_cut_off() -> None:
    client = Client()
    client.send(get("/later"))
    for _ in range(http1.AHEAD_BYTES_MAX // 1_000 + 1):
        client.send(b"x" * 1_000)
    assert client.connection.should_close


def test_connection_close_is_honoured() -> None:
    client = Client()
    assert b"/a" in client.send(get("/a", "connection: close"))
    assert client.connection.should_close


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01 what is this\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 4_000, b"431"),
        (b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", b"400"),
    ],
    ids=["not HTTP", "a head that never ends", "a bad length"],
)
def test_what_is_not_a_request_is_refused_and_closed(data: bytes, status: bytes) -> None:
    client = Client()
    assert client.send(data).startswith(b"HTTP/1.1 " + status)
    assert client.connection.should_close


def test_a_body_is_read_and_thrown_away() -> None:
    client = Client()
    head = b"POST /v3/kv/put HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n"
    assert client.send(head + b"12") == b""
    assert b"/v3/kv/put" in client.send(b"345")


def test_a_body_without_end_is_refused() -> None:
    client = Client()
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n"
    answer = client.send(head)
    for _ in range(http1.BODY_BYTES_MAX // 65_536 + 1):
        answer += client.send(b"x" * 65_536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert client.connection.should_close


def test_expect_100_continue_is_answered() -> None:
    client = Client()
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
    assert client.send(head).startswith(b"HTTP/1.1 100")
    assert client.send(b"ok").startswith(b"HTTP/1.1 200")


def test_head_has_no_body() -> None:
    client = Client()
    answer = client.send(b"HEAD /a HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.endswith(b"content-length: 2\r\n\r\n")


def test_an_idle_connection_is_closed_and_a_busy_one_is_not() -> None:
    client = Client()
    client.connection.tick(0)
    client.send(b"GET /sl")
    client.connection.tick(http1.IDLE_MILLISECONDS_MAX - 1)
    assert not client.connection.should_close
    client.connection.tick(http1.IDLE_MILLISECONDS_MAX)
    assert client.connection.should_close

    client = Client()
    client.connection.tick(0)
    client.send(get("/later"))
    client.connection.tick(10 * http1.IDLE_MILLISECONDS_MAX)
    assert not client.connection.should_close


def test_shutdown_waits_for_the_answer_under_way() -> None:
    client = Client()
    client.send(get("/later"))
    client.connection.shutdown()
    assert not client.connection.should_close
    client.waiting[0](Response(HTTPStatus.OK, b"bye"))
    assert b"connection: close" in client.connection.take_output()
    assert client.connection.should_close


def test_an_answer_after_the_client_has_gone_is_dropped() -> None:
    client = Client()
    client.send(get("/later"))
    client.connection.connection_lost()
    client.waiting[0](Response(HTTPStatus.OK, b"anybody?"))
    assert client.connection.take_output() == b""


def test_a_client_that_closes_its_side_is_closed() -> None:
    client = Client()
    client.send(get("/a"))
    client.send(b"")
    assert client.connection.should_close
