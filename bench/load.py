"""The load generator: a closed loop over a few connections, in a process of its own.

`python -m bench.load` reads a `LoadSpec` from its input and writes a `LoadResult` to its output,
one JSON line each. Every client has one request in flight and sends the next when its answer came;
all that a read brings is answered with one send. The generator shares the machine with the members
it measures, so what it spends on an operation is kept small and reported.
"""

import contextlib
import gc
import select
import sys
import time
from collections.abc import Callable
from typing import Final

from bench.figures import LoadResult, LoadSpec
from bench.link import Link
from bench.tally import Clock, Tally
from bench.workloads import fanout, get, put, scan, txn
from bench.workloads.types import Client, Workload, WrongAnswerError

SILENCE_SECONDS_MAX: Final = 15.0
"""Without any answer for so long the measurement fails."""

WORKLOADS: Final[dict[str, Callable[[LoadSpec], Workload]]] = {
    "put": put.PutWorkload,
    "fill": put.FillWorkload,
    "get": get.GetWorkload,
    "get-serializable": get.GetWorkload,
    "txn": txn.TxnWorkload,
    "range": scan.ScanWorkload,
}


class Connection:
    """The clients of one connection. Invariant: each is in `_calls` once, or has stopped."""

    __slots__ = ("_calls", "_link", "_tally", "stopping")

    def __init__(self, link: Link, clients: list[Client], tally: Tally) -> None:
        self._link = link
        self._tally = tally
        self.stopping = False
        self._calls: dict[int, tuple[Client, int]] = {}
        now = time.perf_counter_ns()
        for client in clients:
            self._next(client, now)

    @property
    def idle(self) -> bool:
        """Whether no call is in flight."""
        return not self._calls

    def close(self) -> None:
        """Closes the connection."""
        self._link.close()

    def turn(self) -> bool:
        """Takes all answers that have arrived and sends their clients' next requests.

        Returns False if the socket did not take everything, so that it must be polled for room.
        """
        replies = self._link.receive()
        now = time.perf_counter_ns()
        calls, call, stopping = self._calls, self._link.call, self.stopping
        record = self._tally.latencies.append
        for stream_id, status, message in replies:
            client, sent_at = calls.pop(stream_id)
            if status or not message:
                self._tally.fail(f"gRPC status {status}: {message.decode(errors='replace')}")
            else:
                try:
                    client.accept(message)
                    record(now - sent_at)
                except WrongAnswerError as error:
                    self._tally.fail(str(error))
            if not stopping:
                request = client.request()
                if request is not None:
                    calls[call(request)] = (client, now)
        return self._link.flush()

    def _next(self, client: Client, now: int) -> None:
        request = client.request()
        if request is not None:
            self._calls[self._link.call(request)] = (client, now)


class ClosedLoop:
    """All connections of a measurement."""

    def __init__(self, spec: LoadSpec, workload: Workload) -> None:
        self._spec = spec
        self.tally = Tally()
        self._poll = select.epoll()
        self._connections: dict[int, Connection] = {}
        count = len(spec.endpoints)
        for number, endpoint in enumerate(spec.endpoints):
            link = Link(endpoint, workload.path, deadlines=spec.deadlines)
            clients = [workload.client(n) for n in range(number, spec.clients, count)]
            connection = Connection(link, clients, self.tally)
            link.flush()
            self._connections[link.fileno()] = connection
            self._poll.register(link.fileno(), select.EPOLLIN)

    def close(self) -> None:
        """Closes all connections."""
        self._poll.close()
        for connection in self._connections.values():
            connection.close()

    def run(self, seconds: float) -> None:
        """Keeps all clients busy for that long, or until none has anything left to do.

        Raises:
            TimeoutError: the store stopped answering.
        """
        stop = time.perf_counter() + seconds
        while time.perf_counter() < stop and not self._idle():
            self._turn()

    def drain(self) -> None:
        """Waits for the calls in flight and starts no others; raises as `run`."""
        for connection in self._connections.values():
            connection.stopping = True
        while not self._idle():
            self._turn()

    def _idle(self) -> bool:
        return all(connection.idle for connection in self._connections.values())

    def _turn(self) -> None:
        ready = self._poll.poll(SILENCE_SECONDS_MAX)
        if not ready:
            raise TimeoutError(f"no answer in {SILENCE_SECONDS_MAX} s")
        for descriptor, events in ready:
            everything_sent = self._connections[descriptor].turn()
            if not everything_sent:
                self._poll.modify(descriptor, select.EPOLLIN | select.EPOLLOUT)
            elif events & select.EPOLLOUT:
                self._poll.modify(descriptor, select.EPOLLIN)


def run(spec: LoadSpec) -> LoadResult:
    """One measurement: prepare, warm up, measure, drain, verify.

    Raises:
        WrongAnswerError: what was acknowledged is not there.
        TimeoutError, ConnectionError, ProtocolError: the store stopped answering.
    """
    if spec.workload == "fan-out":
        return fanout.run(spec)
    workload = WORKLOADS[spec.workload](spec)
    workload.prepare()
    with contextlib.closing(ClosedLoop(spec, workload)) as loop:
        loop.run(spec.warm_up_seconds)
        loop.tally.latencies.clear()
        begin = Clock.now(spec.pids)
        loop.run(spec.seconds)
        end = Clock.now(spec.pids)
        measured = Tally()
        measured.latencies = loop.tally.latencies.copy()
        loop.drain()
        measured.errors, measured.first_error = loop.tally.errors, loop.tally.first_error
    return measured.result(begin, end, workload.verify())


def main() -> None:
    """Reads a specification, writes the result."""
    gc.disable()  # A collection in the middle would be counted as the store's latency.
    print(run(LoadSpec.from_json(sys.stdin.readline())).to_json(), flush=True)


if __name__ == "__main__":
    main()
