"""A client that says anything, and reads what the server says frame by frame."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import hpack

from raftkv.config import WireConfig
from raftkv.wire import Method, ServerConnection, ServerStream, UnaryCall, frames

ECHO = "/test.Test/Echo"
LATER = "/test.Test/Later"
FAIL = "/test.Test/Fail"
STREAM = "/test.Test/Stream"
HEADERS = (
    (":method", "POST"),
    (":scheme", "http"),
    (":path", ECHO),
    (":authority", "localhost"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
)
PREFACE = frames.PREFACE + frames.settings(())


class Frame(NamedTuple):
    kind: int
    flags: int
    stream_id: int
    payload: bytes

    @property
    def error_code(self) -> int:
        """Of RST_STREAM or GOAWAY."""
        start = 0 if self.kind == frames.RST_STREAM else 4
        return int.from_bytes(self.payload[start : start + 4], "big")


def split_frames(data: bytes) -> list[Frame]:
    found = []
    while data:
        size = int.from_bytes(data[:3], "big")
        stream_id = int.from_bytes(data[5:9], "big")
        found.append(Frame(data[3], data[4], stream_id, data[9 : 9 + size]))
        assert len(found[-1].payload) == size, data
        data = data[9 + size :]
    return found


def grpc_message(message: bytes, compressed: int = 0) -> bytes:
    return bytes((compressed,)) + len(message).to_bytes(4, "big") + message


class Services:
    """Handlers that remember what they were given."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.calls: list[UnaryCall] = []
        self.streams: list[ServerStream] = []
        self.log: list[str | bytes] = []
        self.routes = {
            ECHO: Method.unary(self._echo),
            LATER: Method.unary(self._later),
            FAIL: Method.unary(lambda call, _: call.fail(9, "not now: 100%\n")),
            STREAM: Method.stream(self._stream),
        }

    def _echo(self, call: UnaryCall, message: bytes) -> None:
        self.requests.append(message)
        self.calls.append(call)
        call.reply(message)

    def _later(self, call: UnaryCall, message: bytes) -> None:
        self.requests.append(message)
        self.calls.append(call)

    def _stream(self, stream: ServerStream) -> None:
        self.streams.append(stream)
        stream.on_message = self.log.append
        stream.on_half_close = lambda: self.log.append("half close")
        stream.on_close = lambda: self.log.append("close")
        stream.on_drained = lambda: self.log.append("drained")


class RawClient:
    """Talks to a `ServerConnection` in memory."""

    def __init__(self, config: WireConfig | None = None, *, greet: bool = True) -> None:
        self.services = Services()
        self.outputs_announced = 0
        self.connection = ServerConnection(
            self.services.routes, config or WireConfig(), self._note_output
        )
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.next_id = 1
        if greet:
            self.send(PREFACE)
            self.frames()

    def _note_output(self) -> None:
        assert not self.connection.output
        self.outputs_announced += 1

    def send(self, *pieces: bytes) -> None:
        self.connection.receive(b"".join(pieces))

    def frames(self) -> list[Frame]:
        return split_frames(self.connection.take_output())

    def block(self, changed: Mapping[str, str | None] | None = None, **more: str) -> bytes:
        """Returns a request's header block; `changed` replaces, adds or (None) removes fields."""
        fields = {**dict(HEADERS), **(changed or {}), **more}
        return self.encoder.encode([(k, v) for k, v in fields.items() if v is not None])

    def request(
        self, path: str = ECHO, message: bytes = b"hello", stream_id: int | None = None, **more: str
    ) -> bytes:
        """Returns the frames of a unary call."""
        if stream_id is None:
            stream_id = self.next_id
            self.next_id += 2
        block = self.block({":path": path}, **{k.replace("_", "-"): v for k, v in more.items()})
        return frames.frame(frames.HEADERS, frames.END_HEADERS, stream_id, block) + data(
            stream_id, grpc_message(message), end=True
        )

    def open(self, path: str = STREAM, changed: Mapping[str, str | None] | None = None) -> int:
        """Sends a request's headers; returns the stream's id."""
        stream_id = self.next_id
        self.next_id += 2
        block = self.block({":path": path, **(changed or {})})
        self.send(frames.frame(frames.HEADERS, frames.END_HEADERS, stream_id, block))
        return stream_id

    def headers(self, frame: Frame) -> dict[str, str]:
        assert frame.kind == frames.HEADERS, frame
        return {str(k): str(v) for k, v in self.decoder.decode(frame.payload)}

    def reply(self) -> tuple[dict[str, str], bytes, dict[str, str]]:
        """Reads exactly one complete reply: headers, DATA payloads, trailers."""
        received = self.frames()
        head = self.headers(received[0])
        body = b"".join([f.payload for f in received if f.kind == frames.DATA])
        return head, body, self.headers(received[-1])

    def trailers(self) -> dict[str, str]:
        """Reads a reply that is trailers only."""
        found = [f for f in self.frames() if f.kind == frames.HEADERS]
        assert len(found) == 1, found
        assert found[0].flags & frames.END_STREAM
        return self.headers(found[0])


def data(stream_id: int, payload: bytes, *, end: bool = False) -> bytes:
    return frames.frame(frames.DATA, frames.END_STREAM if end else 0, stream_id, payload)


Action = Callable[[RawClient], None]
