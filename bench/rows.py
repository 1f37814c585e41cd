"""The rows of the table: what is measured, with how many clients, where, and what was promised."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from bench.figures import LoadSpec

FILL_SECONDS_MAX: Final = 120.0
"""For writing a given number of keys, which is not cut short."""

Place = Literal["leader", "follower", "spread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement that is made of every store in every round."""

    name: str
    title: str
    workload: str
    clients: int
    connections: int
    place: Place
    """Which members the connections go to."""
    deadlines: bool = False
    keys: int = 0
    promised: Mapping[str, float] = field(default_factory=dict)
    """By figure: what raftkv's part of etcd's must reach (or, where less is better, not exceed)."""

    def spec(
        self, leader: str, endpoints: list[str], *, seconds: float, prefix: str, pids: list[int]
    ) -> LoadSpec:
        """What the load generator is told for this row.

        Args:
            leader: the leader's endpoint.
            endpoints: all endpoints of the cluster.
            seconds: how long to measure.
            prefix: of all keys.
            pids: of the members, in the order of the endpoints.
        """
        others = [endpoint for endpoint in endpoints if endpoint != leader]
        targets = {
            "leader": [leader],
            "follower": others[:1] or [leader],
            "spread": [leader, *others],
        }
        chosen = targets[self.place]
        to_the_end = self.workload == "fill"
        return LoadSpec(
            workload=self.workload,
            endpoints=[chosen[number % len(chosen)] for number in range(self.connections)],
            clients=self.clients,
            deadlines=self.deadlines,
            seconds=FILL_SECONDS_MAX if to_the_end else seconds,
            warm_up_seconds=0.0 if to_the_end else min(0.5, seconds / 4),
            prefix=prefix,
            keys=self.keys,
            pids=pids,
        )


THROUGHPUT: Final = "operations_per_second"
P50: Final = "p50_ms"
P99: Final = "p99_ms"
PEAK_MEMORY: Final = "peak_memory_mib"
MEMORY: Final = "memory_mib"


def _puts() -> list[Row]:
    """The put rows: the same puts in five shapes of load, at the leader and spread."""
    shapes: list[tuple[str, str, int, int, bool, Mapping[str, float]]] = [
        ("put", "put, 128 clients on 6 connections", 128, 6, False, {THROUGHPUT: 1.5, P99: 1.0}),
        ("put-1000", "put, 1,000 clients on 20 connections", 1000, 20, False, {THROUGHPUT: 2.0}),
        ("put-128c", "put, 128 connections", 128, 128, False, {THROUGHPUT: 1.25}),
        ("put-deadline", "put with a deadline, 128 on 6", 128, 6, True, {THROUGHPUT: 1.3}),
    ]
    places: list[Place] = ["leader", "spread"]
    rows = [
        Row(
            name=f"{name}-{place}",
            title=f"{title}, {'at the leader' if place == 'leader' else 'spread'}",
            workload="put",
            clients=clients,
            connections=connections,
            place=place,
            deadlines=deadlines,
            promised=promised,
        )
        for name, title, clients, connections, deadlines, promised in shapes
        for place in places
    ]
    single: list[Place] = ["leader", "follower"]
    rows += [
        Row(
            name=f"put-1-{place}",
            title=f"put, one client, at {'the leader' if place == 'leader' else 'a follower'}",
            workload="put",
            clients=1,
            connections=1,
            place=place,
            promised={P50: 1.2},
        )
        for place in single
    ]
    return rows


ROWS: Final[list[Row]] = [
    Row(
        name="memory",
        title="put of 100,000 different keys, 128 on 6, spread",
        workload="fill",
        clients=128,
        connections=6,
        place="spread",
        keys=100_000,
        promised={PEAK_MEMORY: 1.0, MEMORY: 1.0},
    ),
    *_puts(),
    Row(
        name="get-leader",
        title="linearizable get, 128 clients on 6 connections, at the leader",
        workload="get",
        clients=128,
        connections=6,
        place="leader",
        promised={THROUGHPUT: 1.5},
    ),
    Row(
        name="get-spread",
        title="linearizable get, 128 clients on 6 connections, spread",
        workload="get",
        clients=128,
        connections=6,
        place="spread",
        promised={THROUGHPUT: 1.5},
    ),
    Row(
        name="get-serializable",
        title="serializable get, 128 clients on 6 connections, spread",
        workload="get-serializable",
        clients=128,
        connections=6,
        place="spread",
    ),
    Row(
        name="txn-leader",
        title="txn (1 compare, 1 put), 128 on 6, at the leader",
        workload="txn",
        clients=128,
        connections=6,
        place="leader",
    ),
    Row(
        name="txn-spread",
        title="txn (1 compare, 1 put), 128 on 6, spread",
        workload="txn",
        clients=128,
        connections=6,
        place="spread",
    ),
    Row(
        name="range",
        title="range of 1,000 keys, 16 clients on 4 connections, spread",
        workload="range",
        clients=16,
        connections=4,
        place="spread",
    ),
    Row(
        name="watch",
        title="events, 1 key to 500 watchers on 10 streams, 1 writer",
        workload="fan-out",
        clients=1,
        connections=10,
        place="spread",
    ),
    Row(
        name="watch-4",
        title="events, 1 key to 500 watchers on 10 streams, 4 writers",
        workload="fan-out",
        clients=4,
        connections=10,
        place="spread",
    ),
]

QUICK: Final = ["memory", "put-leader", "put-spread", "put-1-leader", "get-leader", "get-spread"]
"""What `--quick` measures."""


def rows_named(names: list[str]) -> list[Row]:
    """The rows with these names or whose names begin with one of them and a dash.

    Raises:
        KeyError: a name stands for no row.
    """
    chosen = []
    for name in names:
        found = [row for row in ROWS if row.name == name or row.name.startswith(f"{name}-")]
        if not found:
            raise KeyError(name)
        chosen += [row for row in found if row not in chosen]
    return chosen
