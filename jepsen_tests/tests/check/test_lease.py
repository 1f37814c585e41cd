"""Leases: histories that keep a promise, and ones that break just that one."""

from dataclasses import replace

import pytest

from jepsen_tests.check.lease import LEASES
from jepsen_tests.history import Fact, FaultBand, Operation, Record, Status, WatchEvents
from jepsen_tests.tests.check.given import Given, did, gone, is_valid, kv, put, told, verdict

SECOND = 1_000_000_000
TTL = 4


def at(seconds: float, took: float = 0.01) -> dict[str, Given]:
    return {"call_ns": int(seconds * SECOND), "return_ns": int((seconds + took) * SECOND)}


def grant(seconds: float = 0, **fields: Given) -> Operation:
    return did("grant", value=TTL, lease=7, **{"result": TTL, **at(seconds), **fields})


def keep(seconds: float, **fields: Given) -> Operation:
    return did("keep-alive", lease=7, **{"result": TTL, **at(seconds), **fields})


def revoke(seconds: float, **fields: Given) -> Operation:
    return did("revoke", lease=7, **at(seconds), **fields)


def asked(seconds: float, left: int, granted: int = TTL, keys: Given = None) -> Operation:
    result = {"ttl": left, "granted_ttl": granted, "keys": keys}
    return did("time-to-live", lease=7, result=result, **at(seconds))


def saw(seconds: float, *events: Given) -> WatchEvents:
    return told(*events, received_ns=int(seconds * SECOND))


def read(seconds: float, *kvs: Given, revision: int) -> Operation:
    return did("range", "a", range_end="z", result=list(kvs), revision=revision, **at(seconds))


def written(seconds: float, revision: int) -> Operation:
    return did("put", "z", f"{revision}", revision=revision, **at(seconds))


def fault(name: str, end_seconds: float | None) -> FaultBand:
    end = None if end_seconds is None else int(end_seconds * SECOND)
    return FaultBand(name=name, targets=[], begin_ns=0, end_ns=end)


A2, B3 = put("a", "x", 2, lease=7), put("b", "x", 3, lease=7)
HUNG = saw(0.2, A2, B3)
GONE = (gone("a", 4), gone("b", 4))
HELD = kv("a", "x", 2, lease=7)

GOOD: dict[str, list[Record]] = {
    "nothing": [],
    "expired": [grant(), HUNG, saw(4.1, *GONE)],
    "expired, and told late": [grant(), HUNG, keep(2), saw(9, *GONE)],
    "renewed until the end": [grant(), HUNG, keep(3), keep(6), read(7, HELD, revision=3)],
    "renewed in vain": [grant(), HUNG, saw(4.5, *GONE), keep(5, result=0)],
    "revoked": [grant(), HUNG, revoke(1, revision=4), saw(1.1, *GONE)],
    "revoked without an answer": [
        grant(),
        HUNG,
        revoke(1, status=Status.INFO),
        saw(1.1, *GONE),
    ],
    "deleted": [grant(), HUNG, did("delete", "a", result=1, revision=4, **at(1)), saw(1, GONE[0])],
    "deleted without an answer": [
        grant(),
        HUNG,
        did("delete", "a", range_end="c", **at(1), status=Status.INFO),
        saw(1, *GONE),
    ],
    "released": [grant(), HUNG, did("release", "l", "a", revision=4, **at(1)), saw(1, GONE[0])],
    "put without a lease": [
        grant(),
        HUNG,
        saw(1, put("a", "y", 4, created=2, version=2)),
        saw(4.5, gone("b", 5)),
        read(60, kv("a", "y", 4, created=2, version=2), revision=5),
    ],
    "moved to another lease": [
        grant(),
        HUNG,
        saw(1, put("a", "y", 4, created=2, version=2, lease=8)),
        saw(4.5, gone("b", 5)),
    ],
    "answers": [grant(), HUNG, asked(1, 3, keys=["a", "b"]), saw(4.1, *GONE), asked(5, -1)],
    "lost with its leader, and renewed": [grant(), keep(1, result=0), keep(2)],
    "a leader that came late": [
        fault("kill", 30),
        grant(),
        HUNG,
        written(33, 4),
        saw(35, gone("a", 5), gone("b", 5)),
    ],
    "a fault to the end": [fault("kill", None), grant(), HUNG, read(90, HELD, revision=3)],
    "a clock that jumped": [fault("clock-skew", 1), grant(), HUNG, saw(1, *GONE)],
    "clocks of unknown rates": [
        replace(fault("conditions", 1), detail="clock_drift 0.1"),
        grant(),
        HUNG,
        saw(1, *GONE),
    ],
    "a clock that ran fast": [
        Fact(name="clock_rate", value={"member": "m1", "rate": 2.0}),
        grant(),
        HUNG,
        saw(2.1, *GONE),
    ],
}


@pytest.mark.parametrize("records", GOOD.values(), ids=GOOD)
def test_what_keeps_a_promise_is_valid(records: list[Record]) -> None:
    found = verdict(LEASES, *records)
    assert not found.findings
    assert is_valid(LEASES, *records)


BROKEN: dict[str, list[Record]] = {
    "early after its grant": [grant(), HUNG, saw(2, *GONE)],
    "early after its renewal": [grant(), HUNG, keep(3), saw(6, *GONE)],
    "early even by a fast clock": [
        Fact(name="clock_rate", value={"member": "m1", "rate": 2.0}),
        grant(),
        HUNG,
        saw(1.8, *GONE),
    ],
    "renewed after it was gone": [grant(), HUNG, saw(4.5, *GONE), keep(6)],
    "said to be gone": [grant(), keep(1), keep(2, result=0)],
    "said to have no time left": [grant(), asked(1, -1)],
    "too late": [grant(), HUNG, written(60, 4), saw(60.1, gone("a", 5), gone("b", 5))],
    "never": [grant(), HUNG, read(60, HELD, revision=3)],
    "never after a fault": [fault("kill", 30), grant(), HUNG, read(60, HELD, revision=3)],
    "alive by its own word": [grant(), asked(60, 1)],
    "one key of two": [grant(), HUNG, saw(4.1, GONE[0]), saw(9, put("c", "x", 5))],
    "one key after the other": [grant(), HUNG, saw(4.1, gone("a", 4), gone("b", 5))],
    "a key put on it afterwards": [
        grant(),
        HUNG,
        saw(4.1, *GONE, put("c", "x", 5, lease=7)),
    ],
    "revoked, one key left": [
        grant(),
        HUNG,
        revoke(1, revision=4),
        saw(1.1, gone("a", 4), put("c", "x", 5)),
    ],
    "revoked, all keys left": [grant(), HUNG, revoke(1, revision=4), saw(2, put("c", "x", 5))],
    "revoked, and read": [grant(), revoke(1, revision=3), read(2, HELD, revision=3)],
    "another time than was granted": [grant(), asked(1, 3, granted=9)],
    "more time left than granted": [grant(), asked(1, 5)],
    "a key that never hung on it": [
        grant(),
        HUNG,
        saw(1, put("c", "x", 4)),
        asked(2, 2, keys=["c"]),
    ],
}


@pytest.mark.parametrize("records", BROKEN.values(), ids=BROKEN)
def test_what_breaks_a_promise_is_found(records: list[Record]) -> None:
    assert not is_valid(LEASES, *records)
