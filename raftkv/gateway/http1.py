"""HTTP/1.1 for one connection, sans-I/O: h11 does the protocol, this file the bounds and the order.

One request at a time: the next is looked at when the one before has its answer, which may come
later. Request bodies are read and thrown away, since no page here has a use for one.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qs, urlsplit

import h11

HEAD_BYTES_MAX = 16 * 1024
"""A longer request head is answered with 431 and closes the connection."""
BODY_BYTES_MAX = 2 * 1024 * 1024
"""A longer request body closes the connection."""
AHEAD_BYTES_MAX = 64 * 1024
"""Bytes of later requests while one waits for its answer; more close the connection."""
OUTPUT_PIECES_MAX = 300
"""Pieces of answers not taken yet (three an answer); beyond it the client is not read from."""
IDLE_MILLISECONDS_MAX = 60_000
"""Without a whole request for so long, the connection is closed."""


class Request(NamedTuple):
    """What was asked."""

    method: str
    path: str
    query: dict[str, list[str]]


class Response(NamedTuple):
    """What to answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


Respond: TypeAlias = Callable[[Response], None]
Pages: TypeAlias = Callable[[Request, Respond], None]
"""Answers a request, at once or later, exactly once."""


class HttpConnection:
    """One client. `on_output` is called when there is output where there was none."""

    def __init__(self, pages: Pages, on_output: Callable[[], None]) -> None:
        self._pages = pages
        self._on_output = on_output
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES_MAX)
        self._output: list[bytes] = []
        self._request: Request | None = None
        self._waiting = False
        """Whether a request waits for its answer."""
        self._body_bytes = 0
        self._idle_since_ms: int | None = None
        self._last_answer = False
        """Whether the next answer is to say that it is the last one."""
        self._closing = False
        self._lost = False

    @property
    def should_close(self) -> bool:
        """Whether the connection is to be closed once the output is written."""
        return self._closing

    @property
    def accepts_input(self) -> bool:
        """False while answers wait to be taken."""
        return len(self._output) <= OUTPUT_PIECES_MAX

    def receive(self, data: bytes) -> None:
        """Takes bytes from the client; b"" when it will send no more."""
        if self._closing:
            return
        if self._waiting and len(self._h11.trailing_data[0]) + len(data) > AHEAD_BYTES_MAX:
            self._close()
            return
        try:
            self._h11.receive_data(data)
            self._advance()
        except h11.RemoteProtocolError as error:
            self._refuse(HTTPStatus(error.error_status_hint))

    def take_output(self) -> bytes:
        """What is to be written."""
        output = b"".join(self._output)
        self._output.clear()
        return output

    def connection_lost(self) -> None:
        """The client is gone; answers that still come are dropped."""
        self._lost = True
        self._closing = True

    def tick(self, now_ms: int) -> None:
        """Closes a connection on which no request comes to its end."""
        if self._waiting or self._idle_since_ms is None:
            self._idle_since_ms = now_ms
        elif now_ms - self._idle_since_ms >= IDLE_MILLISECONDS_MAX:
            self._close()

    def shutdown(self) -> None:
        """Closes the connection when the present request has its answer."""
        self._last_answer = True
        if not self._waiting:
            self._close()

    def _advance(self) -> None:
        """Reads events until one is missing or a request waits for its answer."""
        while not self._waiting and not self._closing:
            event = self._h11.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return
            if isinstance(event, h11.Request):
                self._begin(event)
            elif isinstance(event, h11.Data):
                self._body_bytes += len(event.data)
                if self._body_bytes > BODY_BYTES_MAX:
                    self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            elif isinstance(event, h11.EndOfMessage):
                self._ask()
            elif isinstance(event, h11.ConnectionClosed):
                self._close()

    def _begin(self, event: h11.Request) -> None:
        target = urlsplit(event.target.decode("ascii", "replace"))
        query = parse_qs(target.query, keep_blank_values=True)
        self._request = Request(event.method.decode("ascii", "replace"), target.path, query)
        self._body_bytes = 0
        if self._h11.they_are_waiting_for_100_continue:
            self._write(self._h11.send(h11.InformationalResponse(status_code=100, headers=[])))

    def _ask(self) -> None:
        assert self._request is not None, "the end of a request that never began"
        request, self._request = self._request, None
        self._waiting = True
        self._idle_since_ms = None
        self._pages(request, lambda response: self._answer(request, response))

    def _answer(self, request: Request, response: Response) -> None:
        """Writes an answer and goes on with what the client sent meanwhile."""
        if self._lost:
            return
        assert self._waiting, f"{request.path} was answered twice"
        self._waiting = False
        self._send(response, with_body=request.method != "HEAD")
        if self._h11.our_state is h11.MUST_CLOSE:
            self._close()
            return
        self._h11.start_next_cycle()
        try:
            self._advance()
        except h11.RemoteProtocolError as error:
            self._refuse(HTTPStatus(error.error_status_hint))

    def _refuse(self, status: HTTPStatus) -> None:
        """Answers what is not a request one can answer, and closes."""
        if self._h11.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._send(Response(status, f"{status.phrase}\n".encode()), with_body=True)
        self._close()

    def _send(self, response: Response, *, with_body: bool) -> None:
        headers = [
            ("content-type", response.content_type),
            ("content-length", str(len(response.body))),
            *response.headers,
        ]
        if self._last_answer:
            headers.append(("connection", "close"))
        head = h11.Response(
            status_code=response.status, headers=headers, reason=response.status.phrase.encode()
        )
        self._write(self._h11.send(head))
        if with_body:
            self._write(self._h11.send(h11.Data(data=response.body)))
        self._write(self._h11.send(h11.EndOfMessage()))

    def _write(self, data: bytes | None) -> None:
        if data:
            was_empty = not self._output
            self._output.append(data)
            if was_empty:
                self._on_output()

    def _close(self) -> None:
        self._closing = True
        self._on_output()
