"""What is promised of members and caches: hashes, memory, liveness, reflectors."""

from typing import Any

import pytest

from jepsen_tests.check.hash import HASHES
from jepsen_tests.check.liveness import LIVENESS
from jepsen_tests.check.memory import MEMORY, MIB
from jepsen_tests.check.reflector import REFLECTORS
from jepsen_tests.history import Fact, FaultBand, MemberState, Record, Status
from jepsen_tests.tests.check.given import Given, did, gone, is_valid, kv, put, told, verdict
from jepsen_tests.verdict import Checker, State

VALID, INVALID = State.VALID, State.INVALID
SECOND = 1_000_000_000


def hashed(member: str, revision: int, value: int, compacted: int = 1) -> Fact:
    found: Any = {"member": member, "revision": revision, "compact_revision": compacted}
    return Fact(name="hash_kv", value={**found, "hash": value})


def sizes(*mebibytes: int) -> list[Record]:
    return [
        Fact(name="resident_bytes", value={"member": "m1", "bytes": size * MIB}, at_ns=number)
        for number, size in enumerate(mebibytes)
    ]


def fault(end_seconds: int | None, skipped: str = "") -> FaultBand:
    end = None if end_seconds is None else end_seconds * SECOND
    return FaultBand(name="kill", targets=["m1"], begin_ns=SECOND, end_ns=end, skipped=skipped)


def seen(role: str, at_seconds: int) -> MemberState:
    at = at_seconds * SECOND
    return MemberState(member="m1", at_ns=at, role=role, term=1, commit=1, applied=1, leader="")


def called(at_seconds: int, took_seconds: int = 1, **fields: Given) -> Record:
    at = at_seconds * SECOND
    return did("put", "a", "x", call_ns=at, return_ns=at + took_seconds * SECOND, **fields)


def cache(*kvs: Given, revision: int) -> Fact:
    held: Any = {"name": "r", "key": "a", "range_end": "c", "revision": revision}
    return Fact(name="reflector", value={**held, "kvs": list(kvs)})


def listed(*kvs: Given, revision: int) -> Record:
    return did("range", "a", range_end="c", result=list(kvs), revision=revision)


A2, B3 = kv("a", "x", 2), kv("b", "x", 3)
WATCH = {"key": "a", "range_end": "c"}
LATE = range(20, 40)

CASES: dict[str, tuple[Checker, State, list[Record]]] = {
    "no hashes": (HASHES, VALID, []),
    "equal hashes": (HASHES, VALID, [hashed("m1", 5, 1), hashed("m2", 5, 1), hashed("m2", 6, 2)]),
    "other compaction": (HASHES, VALID, [hashed("m1", 5, 1), hashed("m2", 5, 2, compacted=3)]),
    "other hash": (HASHES, INVALID, [hashed("m1", 5, 1), hashed("m2", 5, 2)]),
    "other hash after a while": (
        HASHES,
        INVALID,
        [hashed("m1", 5, 1), hashed("m2", 6, 2), hashed("m1", 6, 3)],
    ),
    "steady memory": (MEMORY, VALID, sizes(*[80] * 40)),
    "warm start": (MEMORY, VALID, sizes(*range(10, 200, 19), *[200] * 60)),
    "spike": (MEMORY, VALID, sizes(*[80] * 20, 700, *[80] * 20)),
    "restarts": (MEMORY, VALID, sizes(*[300] * 30, *[100] * 30)),
    "leak": (MEMORY, INVALID, sizes(*range(80, 480, 10))),
    "too much": (MEMORY, INVALID, sizes(80, 2_000)),
    "came back": (LIVENESS, VALID, [fault(10), seen("leader", 12), called(13), called(30)]),
    "no fault at all": (LIVENESS, VALID, [called(1), called(30)]),
    "trouble while it lasts": (
        LIVENESS,
        VALID,
        [fault(10), called(5, status=Status.INFO), called(14, status=Status.INFO), called(40)],
    ),
    "cut off by the end": (
        LIVENESS,
        VALID,
        [
            fault(10),
            called(30),
            did("put", "a", call_ns=40 * SECOND, return_ns=None, status=Status.INFO),
        ],
    ),
    "refused is an answer": (
        LIVENESS,
        VALID,
        [fault(10), called(40), called(41, status=Status.FAIL)],
    ),
    "nobody leads": (
        LIVENESS,
        INVALID,
        [fault(10), seen("candidate", 12), seen("follower", 20), called(40)],
    ),
    "nobody answers": (
        LIVENESS,
        INVALID,
        [fault(10), *(called(at, status=Status.INFO) for at in LATE)],
    ),
    "some are not answered": (
        LIVENESS,
        INVALID,
        [fault(10), called(30), called(31, status=Status.INFO), called(40)],
    ),
    "slow answers": (LIVENESS, INVALID, [fault(10), called(30, took_seconds=9)]),
    "cache of the store": (
        REFLECTORS,
        VALID,
        [cache(A2, B3, revision=3), listed(A2, B3, revision=3)],
    ),
    "cache that lags": (REFLECTORS, VALID, [cache(A2, revision=2), listed(A2, B3, revision=3)]),
    "cache without a key": (
        REFLECTORS,
        INVALID,
        [cache(A2, revision=3), listed(A2, B3, revision=3)],
    ),
    "cache with a deleted key": (
        REFLECTORS,
        INVALID,
        [cache(A2, B3, revision=4), listed(A2, revision=4)],
    ),
    "cache with an old value": (
        REFLECTORS,
        INVALID,
        [cache(A2, revision=5), listed(kv("a", "y", 4, created=2, version=2), revision=5)],
    ),
    "list and watch": (
        REFLECTORS,
        VALID,
        [
            listed(A2, revision=2),
            told(put("b", "x", 3), start_revision=3, **WATCH),
            told(gone("a", 4), start_revision=3, **WATCH),
            listed(B3, revision=4),
        ],
    ),
    "list and watch that missed a delete": (
        REFLECTORS,
        INVALID,
        [
            listed(A2, revision=2),
            told(put("b", "x", 5), start_revision=3, **WATCH),
            listed(kv("b", "x", 5), revision=5),
        ],
    ),
    "list and watch with a bookmark": (
        REFLECTORS,
        INVALID,
        [
            listed(A2, revision=2),
            told(start_revision=3, revision=4, **WATCH),
            listed(B3, revision=4),
        ],
    ),
}


@pytest.mark.parametrize(("checker", "expected", "records"), CASES.values(), ids=CASES)
def test_each_promise(checker: Checker, expected: State, records: list[Record]) -> None:
    assert is_valid(checker, *records) == (expected is State.VALID)


@pytest.mark.parametrize(
    "records",
    [[fault(None), called(40)], [fault(10), called(12)]],
    ids=["a fault to the end", "an end too soon"],
)
def test_a_run_without_peace_says_nothing_of_liveness(records: list[Record]) -> None:
    assert verdict(LIVENESS, *records).state is State.UNKNOWN


def test_a_fault_that_was_skipped_needs_no_peace() -> None:
    assert verdict(LIVENESS, fault(None, skipped="no such device"), called(40)).state is State.VALID
