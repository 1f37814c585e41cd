"""What a call costs, in instructions of the interpreter: the same on every machine, busy or not."""

import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

from raftkv.tests.wire.raw_client import ECHO, STREAM, RawClient
from raftkv.wire import ClientConnection, frames

CALLS = 40


def instructions(work: Callable[[], object]) -> int:
    """Counts the instructions that `work` executes in Python code."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:  # noqa: ANN401
        nonlocal count
        frame.f_trace_opcodes = True
        if event == "opcode":
            count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def settled(client: RawClient) -> RawClient:
    client.send(*[client.request() for _ in range(100)], frames.window_update(0, 1 << 24))
    client.frames()
    return client


def test_a_unary_call_costs_no_more_than_it_did() -> None:
    client = settled(RawClient())
    requests = b"".join([client.request(message=bytes(256)) for _ in range(CALLS)])

    def work() -> None:
        client.connection.receive(requests)
        client.connection.take_output()

    assert instructions(work) / CALLS < 340


def test_a_unary_call_with_a_changing_deadline_costs_no_more_than_it_did() -> None:
    client = settled(RawClient())
    numbers = iter(range(10_000))

    def requests() -> bytes:
        calls = [
            client.request(grpc_timeout=f"{4_900_000 + next(numbers) * 7}u") for _ in range(CALLS)
        ]
        return b"".join(calls)

    client.send(*[requests() for _ in range(4)])
    more = requests()
    assert instructions(lambda: client.connection.receive(more)) / CALLS < 1_300
    assert len(client.services.requests) == 100 + 5 * CALLS


def test_a_message_of_a_stream_costs_no_more_than_it_did() -> None:
    client = settled(RawClient())
    for _ in range(CALLS):
        client.open(STREAM)
    streams = client.services.streams
    for stream in streams:
        stream.send(b"created")

    def work() -> None:
        for stream in streams:
            stream.send(b"event")

    assert instructions(work) / CALLS < 130


def test_a_call_of_our_client_costs_no_more_than_it_did() -> None:
    client = settled(RawClient())
    caller = ClientConnection(client.connection.config, lambda: None)
    replies: list[tuple[int, str, bytes | None]] = []

    def start() -> bytes:
        for _ in range(CALLS):
            caller.start_unary(ECHO, b"hello", lambda *reply: replies.append(reply))
        return caller.take_output()

    server = RawClient(greet=False)
    for _ in range(2):
        server.send(start())
        caller.receive(server.connection.take_output())
    started = instructions(start)
    server.send(start())
    output = server.connection.take_output()
    finished = instructions(lambda: caller.receive(output))
    assert (started + finished) / CALLS < 620
    assert len(replies) == 3 * CALLS


def test_an_open_stream_weighs_little() -> None:
    client = settled(RawClient())
    tracemalloc.start()
    for _ in range(1_000):
        client.open(STREAM)
    client.services.streams.clear()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / 1_000 < 1_500
