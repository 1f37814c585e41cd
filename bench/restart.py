"""`python -m bench.restart`: a member with many keys stops and starts again.

Measures how long it takes from the start of the process to the answer to a linearizable read, and
then, from outside, the longest time the member let a small read wait: an upper bound of the longest
pause of its loop, which holds the machine's own hiccups too.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final

import click

from bench import processes
from bench.channel import Channel
from bench.clusters import STORES, Member, StoreName, running
from bench.figures import percentile
from bench.workloads.kv import RANGE_PATH, TXN_PATH, get_request
from raftkv.pb import rpc_pb2

PUTS_A_TXN: Final = 100
VALUE: Final = b"a small value of 32 bytes, as is"
FILL_SILENCE_SECONDS: Final = 60.0
READY_SECONDS_MAX: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """What the restart of one member took."""

    keys: int
    ready_seconds: float
    """From the start of the process to its answer to a linearizable read."""
    pause_ms_max: float
    """The longest wait of a serializable read afterwards, one every millisecond."""
    pause_ms_p99: float
    resident_mib: float
    peak_mib: float


def restart(store: StoreName, keys: int, probe_seconds: float = 10.0) -> Restart:
    """Fills a fresh cluster, restarts a follower, and watches it.

    Args:
        store: which program.
        keys: how many small keys.
        probe_seconds: how long to look for pauses.

    Raises:
        NotReadyError: the member does not come back.
    """
    with running(store) as cluster:
        leader = cluster.leader()
        with Channel(leader.endpoint, TXN_PATH) as channel:
            channel.call_many(transactions(keys), FILL_SILENCE_SECONDS)
        member = next(member for member in cluster.members if member is not leader)
        member.wait_ready()
        member.stop()
        begin = time.monotonic()
        member.start()
        member.wait_ready(READY_SECONDS_MAX)
        ready = time.monotonic() - begin
        waits = waits_of(member, probe_seconds)
        memory = processes.memory(member.pid)
    return Restart(
        keys=keys,
        ready_seconds=ready,
        pause_ms_max=waits[-1] / 1e6,
        pause_ms_p99=percentile(waits, 0.99) / 1e6,
        resident_mib=memory.resident / (1 << 20),
        peak_mib=memory.peak / (1 << 20),
    )


def transactions(keys: int) -> Iterator[bytes]:
    """Requests that put that many small keys, a hundred at a time."""
    for first in range(0, keys, PUTS_A_TXN):
        puts = [
            rpc_pb2.RequestOp(request_put=rpc_pb2.PutRequest(key=b"key/%09d" % number, value=VALUE))
            for number in range(first, min(first + PUTS_A_TXN, keys))
        ]
        yield rpc_pb2.TxnRequest(success=puts).SerializeToString()


def waits_of(member: Member, seconds: float) -> list[int]:
    """How long small reads waited, in nanoseconds, in ascending order."""
    request = get_request(b"key/%09d" % 0, serializable=True)
    waits = []
    stop = time.monotonic() + seconds
    with Channel(member.endpoint, RANGE_PATH) as channel:
        while time.monotonic() < stop:
            begin = time.perf_counter_ns()
            channel.call(request)
            waits.append(time.perf_counter_ns() - begin)
            time.sleep(0.001)
    return sorted(waits)


@click.command()
@click.option("--store", type=click.Choice(STORES), help="One store; both without it.")
@click.option("--keys", default=1_000_000, show_default=True, help="Small keys to hold.")
@click.option("--seconds", default=10.0, show_default=True, help="How long to look for pauses.")
def main(store: StoreName | None, keys: int, seconds: float) -> None:
    """Restarts a member that holds many keys; prints one JSON line a store."""
    for name in [store] if store else STORES:
        result = asdict(restart(name, keys, seconds))
        print(json.dumps({"store": name, "figure": "restart"} | result), flush=True)


if __name__ == "__main__":
    main()
