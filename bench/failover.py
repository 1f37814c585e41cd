"""`python -m bench.failover`: members killed with SIGKILL, and what that costs.

Two questions, asked of etcd and raftkv alike. How long is a cluster without a leader when its
leader dies? And, when random members die under load and come back: is every acknowledged write
still there, and how soon does the member answer a linearizable read again?

The second is decided by counting. Each writer has keys of its own and puts rising numbers; it knows
which of its puts were acknowledged and which have an unknown outcome (the connection broke, or an
error came back). The store counts the puts of a key in `version`, so a lost one shows even if later
ones hide it, and one that was done twice shows too.
"""

import contextlib
import json
import random
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Final

import click

from bench.channel import Channel, call
from bench.clusters import (
    NOT_ANSWERING,
    STATUS_PATH,
    STORES,
    Cluster,
    Member,
    StoreName,
    running,
    status_of,
)
from bench.figures import percentile
from bench.workloads.kv import (
    DIGITS,
    PUT_PATH,
    RANGE_PATH,
    prefix_end,
    put_request,
    settle,
    value_of,
)
from raftkv.pb import rpc_pb2

HASH_PATH: Final = "/etcdserverpb.Maintenance/HashKV"
COMPACT_PATH: Final = "/etcdserverpb.KV/Compact"
KILLS_A_COMPACTION: Final = 10
"""History is compacted so often, as a cluster's owner does: a start reads all of it."""
KEYS_A_WRITER: Final = 20
CALL_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.005
LEADER_SECONDS_MAX: Final = 20.0


@dataclass(frozen=True, slots=True)
class LeaderLoss:
    """Seconds from the leader's death until another member said that it leads, a kill each."""

    seconds: list[float]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    @property
    def p99(self) -> float:
        """The 99th percentile; with few kills the longest."""
        return percentile_of(self.seconds, 0.99)


@dataclass(slots=True)
class KillsUnderLoad:
    """What random kills did to the writes and to the members."""

    acknowledged: int = 0
    unknown: int = 0
    """Puts whose outcome the client never learnt; they may be there or not."""
    lost: list[str] = field(default_factory=list)
    """A sentence for each key that lacks an acknowledged write; must be empty."""
    back_seconds: list[float] = field(default_factory=list)
    """From a member's start until it answered a linearizable read, a kill each."""
    hashes_agree: bool = True
    """Whether all members have the same HashKV in the end."""


def leader_loss(store: StoreName, kills: int) -> LeaderLoss:
    """Kills the leader of an idle cluster again and again, each time after all are back.

    Raises:
        NotReadyError: a member does not come back, or no leader is elected.
    """
    seconds = []
    with running(store) as cluster:
        for _ in range(kills):
            leader = cluster.leader()
            seconds.append(seconds_until_led(cluster, leader))
            leader.start()
            leader.wait_ready()
    return LeaderLoss(seconds)


def seconds_until_led(cluster: Cluster, leader: Member) -> float:
    """Kills the leader; the seconds until another member says that it leads.

    Raises:
        TimeoutError: none does.
    """
    others = [member for member in cluster.members if member is not leader]
    with contextlib.ExitStack() as stack:
        channels = [stack.enter_context(Channel(m.endpoint, STATUS_PATH)) for m in others]
        begin = time.monotonic()
        leader.kill()
        while time.monotonic() - begin < LEADER_SECONDS_MAX:
            for channel in channels:
                status = rpc_pb2.StatusResponse.FromString(channel.call(b""))
                if status.leader == status.header.member_id:
                    return time.monotonic() - begin
            time.sleep(POLL_SECONDS)
    raise TimeoutError(f"{cluster.store}: no leader {LEADER_SECONDS_MAX} s after the last died")


def kills_under_load(
    store: StoreName, kills: int, *, seed: int, writers: int = 16
) -> KillsUnderLoad:
    """Kills random members while writers write, and looks for every acknowledged write.

    Args:
        store: which program.
        kills: how many, one after the other.
        seed: decides victims and moments.
        writers: threads that put without a pause.

    Raises:
        NotReadyError: a member does not come back.
    """
    chance = random.Random(seed)
    result = KillsUnderLoad()
    written: list[Writer] = []
    with running(store) as cluster:
        for number in range(kills):
            with writing(cluster.endpoints, f"kill-{number}", writers) as working:
                time.sleep(chance.uniform(0.2, 0.8))
                victim = chance.choice(cluster.members)
                victim.kill()
                time.sleep(chance.uniform(0.0, 0.5))
                begin = time.monotonic()
                victim.start()
                victim.wait_ready()
                result.back_seconds.append(time.monotonic() - begin)
                time.sleep(0.2)
            result.lost += missing(victim.endpoint, working)
            written += working
            if number % KILLS_A_COMPACTION == KILLS_A_COMPACTION - 1:
                compact(cluster.leader())
        for member in cluster.members:
            result.lost += missing(member.endpoint, written)
        result.hashes_agree = len({hash_of(member.endpoint) for member in cluster.members}) == 1
    result.acknowledged = sum(sum(map(len, w.acknowledged)) for w in written)
    result.unknown = sum(sum(map(len, w.unknown)) for w in written)
    return result


class Writer:
    """One client with keys of its own. Invariant: a number is acknowledged, unknown or unsent."""

    def __init__(self, endpoints: list[str], prefix: str, number: int) -> None:
        self.keys = [f"{prefix}/{number:03}/{key:02}".encode() for key in range(KEYS_A_WRITER)]
        self.acknowledged: list[list[int]] = [[] for _ in self.keys]
        """The numbers written to each key, in order."""
        self.unknown: list[list[int]] = [[] for _ in self.keys]
        self.stopping = threading.Event()
        self._endpoints = endpoints
        self._member = number
        self._written = 0

    def work(self) -> None:
        """Puts until it is told to stop; goes on to the next member when one fails."""
        while not self.stopping.is_set():
            with contextlib.suppress(*NOT_ANSWERING):
                endpoint = self._endpoints[self._member % len(self._endpoints)]
                with Channel(endpoint, PUT_PATH) as channel:
                    self._put(channel)
            self._member += 1
            time.sleep(POLL_SECONDS)

    def _put(self, channel: Channel) -> None:
        """Puts until the first failure."""
        while not self.stopping.is_set():
            self._written += 1
            number = self._written
            key = number % len(self.keys)
            # Until the answer is there the outcome is unknown.
            self.unknown[key].append(number)
            channel.call(put_request(self.keys[key], value_of(number)), CALL_SECONDS)
            self.unknown[key].pop()
            self.acknowledged[key].append(number)


@contextlib.contextmanager
def writing(endpoints: list[str], prefix: str, count: int) -> Iterator[list[Writer]]:
    """Writers that work inside the `with`."""
    writers = [Writer(endpoints, prefix, number) for number in range(count)]
    threads = [threading.Thread(target=writer.work, daemon=True) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        for writer in writers:
            writer.stopping.set()
        for thread in threads:
            thread.join()


def compact(member: Member) -> None:
    """Gives up the history before now."""
    revision = status_of(member.endpoint).header.revision
    request = rpc_pb2.CompactionRequest(revision=revision)
    call(member.endpoint, COMPACT_PATH, request.SerializeToString())


def missing(endpoint: str, writers: list[Writer]) -> list[str]:
    """A sentence for each key whose acknowledged puts are not all in what the member reads."""
    found = {}
    for prefix in sorted({writer.keys[0].split(b"/")[0] + b"/" for writer in writers}):
        request = rpc_pb2.RangeRequest(key=prefix, range_end=prefix_end(prefix))
        answer = call(endpoint, RANGE_PATH, request.SerializeToString())
        for kv in rpc_pb2.RangeResponse.FromString(answer).kvs:
            found[kv.key] = (kv.version, int(kv.value[:DIGITS]))
    lost = []
    for writer in writers:
        for key, sure, unsure in zip(writer.keys, writer.acknowledged, writer.unknown, strict=True):
            version, number = found.get(key, (0, 0))
            if not len(sure) <= version <= len(sure) + len(unsure):
                lost.append(f"{key!r}: {version} puts, {len(sure)} acknowledged")
            elif sure and number != sure[-1] and number not in unsure:
                lost.append(f"{key!r}: holds {number}, acknowledged was {sure[-1]}")
    return lost


def hash_of(endpoint: str) -> tuple[int, int]:
    """Revision and hash of all that the member has stored, once it has applied everything."""
    settle([endpoint], b"hash")
    revision = status_of(endpoint).header.revision
    answer = call(endpoint, HASH_PATH, b"")
    return revision, rpc_pb2.HashKVResponse.FromString(answer).hash


def percentile_of(seconds: list[float], share: float) -> float:
    """The nearest-rank percentile of some seconds, exact to the microsecond."""
    return percentile(sorted(round(each * 1e6) for each in seconds), share) / 1e6


@click.command()
@click.option("--store", type=click.Choice(STORES), help="One store; both without it.")
@click.option("--kills", default=10, show_default=True, help="Kills of each kind.")
@click.option("--seed", type=int, help="Decides victims and moments; chosen and printed without.")
def main(store: StoreName | None, kills: int, seed: int | None) -> None:
    """Kills leaders and random members; prints one JSON line a store and kind. Fails on a loss."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    failed = False
    for name in [store] if store else STORES:
        print(f"{name}: {kills} leaders of an idle cluster", flush=True)
        loss = leader_loss(name, kills)
        line = {"store": name, "figure": "leader_loss_seconds", "median": loss.median}
        print(json.dumps(line | {"p99": loss.p99, "kills": loss.seconds}), flush=True)
        print(f"{name}: {kills} random members under load, seed {seed}", flush=True)
        result = kills_under_load(name, kills, seed=seed)
        line = {"store": name, "figure": "kills_under_load", "seed": seed}
        back = {"back_seconds_max": max(result.back_seconds)}
        print(json.dumps(line | back | asdict(result)), flush=True)
        failed = failed or bool(result.lost) or not result.hashes_agree
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
