"""Conversations in memory with the `h2` library, in either role."""

import gzip

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
from hypothesis import given
from hypothesis import strategies as st

from raftkv.config import WireConfig
from raftkv.tests.wire.raw_client import ECHO, FAIL, HEADERS, STREAM, Services, grpc_message
from raftkv.wire import ClientConnection, ServerConnection

OK = {"grpc-status": "0"}


class H2Client:
    """An `h2` client in front of our server."""

    def __init__(self, config: WireConfig | None = None) -> None:
        self.services = Services()
        self.ours = ServerConnection(self.services.routes, config or WireConfig(), lambda: None)
        self.theirs = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        )
        self.events: list[h2.events.Event] = []
        self.theirs.initiate_connection()
        self.pump()

    def pump(self) -> None:
        """Carries bytes both ways until nobody has any more to say."""
        while True:
            sent = self.theirs.data_to_send()
            self.ours.receive(sent)
            answered = self.ours.take_output()
            for event in self.theirs.receive_data(answered) if answered else ():
                self.events.append(event)
                if isinstance(event, h2.events.DataReceived):
                    size = event.flow_controlled_length or 0
                    self.theirs.acknowledge_received_data(size, event.stream_id or 0)
            if not sent and not answered:
                return

    def open(self, path: str, *more: tuple[str, str]) -> int:
        stream_id = self.theirs.get_next_available_stream_id()
        fields = [(k, path if k == ":path" else v) for k, v in HEADERS]
        self.theirs.send_headers(stream_id, [*fields, *more])
        return stream_id

    def send(self, stream_id: int, payload: bytes, *, end: bool = True) -> None:
        """Sends as the windows allow."""
        while len(payload) > 0:
            self.pump()
            room = self.theirs.local_flow_control_window(stream_id)
            size = min(room, self.theirs.max_outbound_frame_size, len(payload))
            assert size, "no window is granted"
            self.theirs.send_data(stream_id, payload[:size])
            payload = payload[size:]
        if end:
            self.theirs.end_stream(stream_id)

    def call(self, path: str, message: bytes, *more: tuple[str, str]) -> int:
        stream_id = self.open(path, *more)
        self.send(stream_id, grpc_message(message))
        self.pump()
        return stream_id

    def reply(self, stream_id: int) -> tuple[dict[str, str], bytes, dict[str, str]]:
        head: dict[str, str] = {}
        trailers: dict[str, str] = {}
        body = b""
        for event in self.events:
            if getattr(event, "stream_id", None) != stream_id:
                continue
            if isinstance(event, h2.events.ResponseReceived):
                head = {str(k): str(v) for k, v in event.headers or ()}
            elif isinstance(event, h2.events.TrailersReceived):
                trailers = {str(k): str(v) for k, v in event.headers or ()}
            elif isinstance(event, h2.events.DataReceived):
                body += event.data or b""
        return head, body, trailers


@given(st.lists(st.tuples(st.sampled_from((0, 1, 20, 5_000, 70_000)), st.booleans()), max_size=6))
def test_unary_calls_of_any_size(calls: list[tuple[int, bool]]) -> None:
    client = H2Client()
    for size, has_deadline in calls:
        message = bytes(size)
        more = (("grpc-timeout", f"{size + 9_000}m"),) if has_deadline else ()
        head, body, trailers = client.reply(client.call(ECHO, message, *more))
        assert head == {":status": "200", "content-type": "application/grpc"}
        assert (body, trailers) == (grpc_message(message), OK)


def test_a_failure_is_a_response_that_ends_at_once() -> None:
    client = H2Client()
    head, body, trailers = client.reply(client.call(FAIL, b""))
    assert (head["grpc-status"], body, trailers) == ("9", b"", {})


def test_a_large_message_both_ways_with_the_smallest_windows() -> None:
    client = H2Client(WireConfig(receive_window_bytes=65_535))
    client.theirs.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1_000})
    client.pump()
    message = bytes(range(256)) * 4_000
    _, body, trailers = client.reply(client.call(ECHO, message))
    assert (body, trailers) == (grpc_message(message), OK)


def test_a_stream_with_messages_that_cross_frames() -> None:
    client = H2Client()
    stream_id = client.open(STREAM)
    client.pump()
    stream = client.services.streams[0]
    stream.on_message = lambda message: stream.send(message[::-1])
    stream.on_half_close = lambda: stream.finish(0, "all well")
    payload = grpc_message(b"abc") + grpc_message(bytes(20_000)) + grpc_message(b"xyz")
    client.send(stream_id, payload)
    client.pump()
    _, body, trailers = client.reply(stream_id)
    assert body == grpc_message(b"cba") + grpc_message(bytes(20_000)) + grpc_message(b"zyx")
    assert trailers == {**OK, "grpc-message": "all well"}


def test_padding_and_priority() -> None:
    client = H2Client()
    stream_id = client.theirs.get_next_available_stream_id()
    client.theirs.send_headers(
        stream_id, HEADERS, priority_weight=7, priority_depends_on=0, priority_exclusive=False
    )
    client.theirs.send_data(stream_id, grpc_message(b"hello"), pad_length=99, end_stream=True)
    client.pump()
    assert client.reply(stream_id)[1] == grpc_message(b"hello")


def test_headers_that_need_continuation() -> None:
    client = H2Client(WireConfig(header_block_bytes_max=60_000))
    client.call(ECHO, b"hello", *[(f"x-{number}", "\u00ff" * 500) for number in range(10)])
    assert client.reply(1)[1] == grpc_message(b"hello")


def test_a_smaller_header_table_is_respected() -> None:
    client = H2Client()
    client.call(ECHO, b"1")
    for table_bytes in (0, 50, 4_096):
        client.theirs.update_settings({h2.settings.SettingCodes.HEADER_TABLE_SIZE: table_bytes})
        client.pump()
        for _ in range(2):
            assert client.reply(client.call(ECHO, b"2"))[2] == OK


def test_ping_and_reset() -> None:
    client = H2Client()
    client.theirs.ping(b"12345678")
    stream_id = client.open(STREAM)
    client.pump()
    client.theirs.reset_stream(stream_id, h2.errors.ErrorCodes.CANCEL)
    client.pump()
    assert client.services.log == ["close"]
    assert "PingAckReceived" in [type(event).__name__ for event in client.events]


class H2Server:
    """Our client in front of an `h2` server that answers by the path."""

    def __init__(self) -> None:
        self.log: list[object] = []
        self.ours = ClientConnection(WireConfig(), lambda: None, "localhost:2379")
        self.theirs = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        self.theirs.initiate_connection()
        self.requests: dict[int, tuple[dict[str, str], bytearray]] = {}

    def pump(self) -> None:
        while True:
            sent = self.ours.take_output()
            for event in self.theirs.receive_data(sent) if sent else ():
                self._take(event)
            answered = self.theirs.data_to_send()
            self.ours.receive(answered)
            if not sent and not answered:
                return

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            fields = {str(k): str(v) for k, v in event.headers or ()}
            self.requests[event.stream_id or 0] = (fields, bytearray())
        elif isinstance(event, h2.events.DataReceived):
            self.requests[event.stream_id or 0][1].extend(event.data or b"")
            size = event.flow_controlled_length or 0
            self.theirs.acknowledge_received_data(size, event.stream_id or 0)
        elif isinstance(event, h2.events.StreamEnded):
            self._answer(event.stream_id or 0)

    def _answer(self, stream_id: int) -> None:
        fields, body = self.requests[stream_id]
        head = [(":status", "200"), ("content-type", "application/grpc")]
        send_headers = self.theirs.send_headers
        match fields[":path"]:
            case "/echo":
                send_headers(stream_id, head)
                for start in range(0, len(body), 16_384):
                    self.theirs.send_data(stream_id, bytes(body[start : start + 16_384]))
                send_headers(stream_id, [("grpc-status", "0")], end_stream=True)
            case "/gzip":
                send_headers(stream_id, [*head, ("grpc-encoding", "gzip")])
                self.theirs.send_data(stream_id, grpc_message(gzip.compress(bytes(body[5:])), 1))
                send_headers(stream_id, [("grpc-status", "0")], end_stream=True)
            case "/early":
                self.theirs.send_headers(stream_id, [(":status", "103")])
                send_headers(stream_id, head)
                self.theirs.send_data(stream_id, bytes(body))
                trailers = [("grpc-status", "0"), ("grpc-message", "%C3%A9")]
                send_headers(stream_id, trailers, end_stream=True)
            case "/fail":
                fail = [("grpc-status", "5"), ("grpc-message", "not%20there")]
                send_headers(stream_id, [*head, *fail], end_stream=True)
            case "/html":
                send_headers(stream_id, [(":status", "503"), ("content-type", "text/html")])
                self.theirs.send_data(stream_id, b"<html>", end_stream=True)
            case "/nostatus":
                send_headers(stream_id, head)
                self.theirs.send_data(stream_id, bytes(body), end_stream=True)
            case "/nomessage":
                send_headers(stream_id, [*head, ("grpc-status", "0")], end_stream=True)
            case "/reset":
                self.theirs.reset_stream(stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
            case path:
                assert path == "/never", path

    def call(self, path: str, message: bytes = b"hello") -> tuple[int, str, bytes | None]:
        replies: list[tuple[int, str, bytes | None]] = []
        self.ours.start_unary(path, message, lambda *reply: replies.append(reply))
        self.pump()
        assert len(replies) == 1, replies
        return replies[0]


def test_our_client_understands_every_kind_of_answer() -> None:
    server = H2Server()
    for _ in range(3):
        assert server.call("/echo") == (0, "", b"hello")
        assert server.call("/gzip") == (0, "", b"hello")
        assert server.call("/early") == (0, "\u00e9", b"hello")
        assert server.call("/fail") == (5, "not there", None)
        assert server.call("/reset")[0] == 14
        assert server.call("/html")[:2] == (
            14,
            "unexpected HTTP status code received from server: 503",
        )
        assert server.call("/nostatus")[0] == 13
        assert server.call("/nomessage")[0] == 13
    fields = server.requests[1][0]
    assert fields["te"] == "trailers"
    assert fields[":authority"] == "localhost:2379"
    assert not server.ours.streams


def test_our_client_sends_and_receives_large_messages() -> None:
    server = H2Server()
    message = bytes(range(256)) * 200
    assert server.call("/echo", message) == (0, "", message)


def test_our_client_sends_deadlines_and_metadata() -> None:
    server = H2Server()
    for timeout_ms in (5_000, 4_000, 3_000):
        server.ours.start_unary(
            "/echo", b"", lambda *reply: server.log.append(reply), (("token", "t"),), timeout_ms
        )
    server.pump()
    assert server.log == [(0, "", b"")] * 3
    fields = [request[0] for request in server.requests.values()]
    assert [field["grpc-timeout"] for field in fields] == ["5000m", "4000m", "3000m"]
    assert {field["token"] for field in fields} == {"t"}


def test_our_client_gives_up_when_the_time_is_over() -> None:
    server = H2Server()
    server.ours.tick(1_000)
    server.ours.start_unary("/never", b"", lambda *reply: server.log.append(reply), (), 100)
    server.pump()
    server.ours.tick(1_100)
    server.pump()
    assert server.log == [(4, "context deadline exceeded", None)]


def test_our_client_keeps_to_the_servers_limit_of_streams() -> None:
    server = H2Server()
    server.theirs.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 2})
    server.ours.receive(server.theirs.data_to_send())
    calls = [
        server.ours.start_unary("/never", b"", lambda *reply: server.log.append(reply))
        for _ in range(5)
    ]
    server.pump()
    assert len(server.ours.streams) == 2
    calls[4].cancel()
    calls[0].cancel()
    server.pump()
    assert [reply[0] for reply in server.log if isinstance(reply, tuple)] == [1, 1]
    assert len(server.requests) == 3
    server.ours.connection_lost()
    assert len(server.log) == 5


def test_our_client_leaves_when_the_server_says_so() -> None:
    server = H2Server()
    server.ours.start_unary("/never", b"", lambda *reply: server.log.append(reply))
    server.pump()
    server.theirs.close_connection(last_stream_id=0)
    server.pump()
    server.ours.start_unary("/echo", b"", lambda *reply: server.log.append(reply))
    assert [reply[0] for reply in server.log if isinstance(reply, tuple)] == [14, 14]
    assert server.ours.should_close


def test_our_client_streams() -> None:
    server = H2Server()
    stream = server.ours.start_stream(
        "/echo", server.log.append, lambda code, text: server.log.append((code, text))
    )
    stream.send(b"one")
    stream.send(b"two")
    server.pump()
    assert server.log == []
    stream.half_close()
    server.pump()
    assert server.log == [b"one", b"two", (0, "")]
