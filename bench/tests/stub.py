"""A gRPC server for the generator's tests, on the h2 library: it answers what a function says."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Iterator

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

Answer = tuple[int, bytes]
"""gRPC's status, and the message or the error's text."""
Behaviour = Callable[[str, bytes], Answer]


class StubConnection:
    """One client's connection."""

    def __init__(self, connected: socket.socket, behaviour: Behaviour) -> None:
        self._socket = connected
        self._behaviour = behaviour
        self._h2 = H2Connection(H2Configuration(client_side=False))
        self._h2.initiate_connection()
        self._paths: dict[int, str] = {}
        self._messages: dict[int, bytes] = {}
        self._socket.sendall(self._h2.data_to_send())

    def turn(self) -> bool:
        """Answers what has arrived; False when the client has gone."""
        try:
            data = self._socket.recv(1 << 16)
        except ConnectionError:
            return False
        for event in self._h2.receive_data(data):
            if isinstance(event, RequestReceived):
                self._paths[event.stream_id] = dict(event.headers)[b":path"].decode()
                self._messages[event.stream_id] = b""
            elif isinstance(event, DataReceived):
                self._messages[event.stream_id] += event.data
                self._h2.acknowledge_received_data(len(event.data), event.stream_id)
            elif isinstance(event, StreamEnded):
                self._answer(event.stream_id)
        self._socket.sendall(self._h2.data_to_send())
        return bool(data)

    def _answer(self, stream_id: int) -> None:
        status, content = self._behaviour(
            self._paths.pop(stream_id), self._messages.pop(stream_id)[5:]
        )
        headers = [(":status", "200"), ("content-type", "application/grpc")]
        trailers = [("grpc-status", str(status)), ("grpc-message", "")]
        self._h2.send_headers(stream_id, headers)
        if status:
            trailers[1] = ("grpc-message", content.decode())
        else:
            self._h2.send_data(stream_id, b"\x00" + len(content).to_bytes(4, "big") + content)
        self._h2.send_headers(stream_id, trailers, end_stream=True)


@contextlib.contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """The endpoint of a server that behaves like that inside the `with`."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, behaviour, stopping))
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopping.set()
            thread.join()


def _serve(listener: socket.socket, behaviour: Behaviour, stopping: threading.Event) -> None:
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        selector.register(listener, selectors.EVENT_READ)
        while not stopping.is_set():
            for key, _ in selector.select(0.02):
                if key.data is None:
                    connected = stack.enter_context(listener.accept()[0])
                    connection = StubConnection(connected, behaviour)
                    selector.register(connected, selectors.EVENT_READ, connection)
                elif not key.data.turn():
                    selector.unregister(key.fileobj)
