"""Locks and elections: histories that keep a promise, and ones that break just that one."""

import pytest

from jepsen_tests.check.election import ELECTIONS
from jepsen_tests.check.lock import LOCKS
from jepsen_tests.history import FaultBand, Operation, Record, Status
from jepsen_tests.tests.check.given import did, gone, is_valid, kv, put, told
from jepsen_tests.verdict import Checker


def acquired(owner: str, created: int, *, at: int = 0, function: str = "acquire") -> Operation:
    """Whose key `l/owner` was created at one revision, and found to be the oldest at another."""
    times = {"call_ns": created * 1_000 - 400, "return_ns": at * 1_000 + 500}
    if not at:
        times["return_ns"] = created * 1_000 + 500
    own = {"key": f"l/{owner}", "create_revision": created}
    return did(function, "l", lease=created, result=own, revision=at, **times)


def released(owner: str, revision: int, function: str = "release") -> Operation:
    return did(function, "l", f"l/{owner}", revision=revision)


def guarded(owner: str, created: int, revision: int, *, succeeded: bool) -> Operation:
    value = {
        "compare": [["create_revision", f"l/{owner}", "=", created]],
        "then": [["w", "guarded", f"{revision}"]],
        "else": [],
    }
    return did("txn", value=value, result={"succeeded": succeeded}, revision=revision)


def observed(owner: str, created: int, revision: int = 0, process: int = 1) -> Operation:
    leader = kv(f"l/{owner}", "x", revision or created, created=created)
    at = revision or created
    times = {"call_ns": at * 1_000, "return_ns": at * 1_000 + 1}
    return did("observe", "l", result=leader, process=process, **times)


A2, B3 = put("l/a", "x", 2), put("l/b", "x", 3)
LINE = told(A2, B3, gone("l/a", 4), gone("l/b", 5))
LATER = put("z", "x", 6)

GOOD: dict[str, list[Record]] = {
    "nothing": [],
    "one after the other": [LINE, acquired("a", 2, at=2), acquired("b", 3, at=4)],
    "without a watch": [
        acquired("a", 2, at=2),
        released("a", 4),
        acquired("b", 3, at=4),
        released("b", 5),
    ],
    "told late": [LINE, acquired("b", 3, at=4), acquired("a", 2, at=3)],
    "two who believe it, in order of revisions": [
        LINE,
        acquired("a", 2, at=2),
        acquired("b", 3, at=4),
        guarded("a", 2, 6, succeeded=False),
    ],
    "guarded while it is held": [
        told(A2, B3, put("guarded", "4", 4), gone("l/a", 5), gone("l/b", 6)),
        acquired("a", 2, at=2),
        guarded("a", 2, 4, succeeded=True),
    ],
    "the same again": [LINE, acquired("a", 2, at=2), acquired("a", 2, at=3)],
    "when it was is not known": [LINE, acquired("a", 2), acquired("b", 3)],
}
BROKEN: dict[str, list[Record]] = {
    "while an older one is there": [LINE, acquired("a", 2, at=2), acquired("b", 3, at=3)],
    "while one older is there that was never told": [LINE, acquired("b", 3, at=3)],
    "lost before the older one": [
        told(A2, B3, gone("l/b", 4), gone("l/a", 5)),
        acquired("a", 2),
        acquired("b", 3),
    ],
    "held to the end of what is known": [
        told(A2, B3, LATER, start_revision=1),
        acquired("b", 3, at=6),
    ],
    "without a lease any more": [LINE, acquired("a", 2, at=4)],
    "a number for two": [acquired("a", 2, at=2), acquired("b", 2, at=3)],
    "a lower number later": [
        acquired("b", 5, at=5),
        did(
            "acquire",
            "l",
            result={"key": "l/a", "create_revision": 2},
            call_ns=6_000,
            return_ns=7_000,
        ),
    ],
    "guarded after the loss": [LINE, acquired("a", 2, at=2), guarded("a", 2, 6, succeeded=True)],
    "guarded after the release": [
        acquired("a", 2, at=2),
        released("a", 3),
        guarded("a", 2, 5, succeeded=True),
    ],
    "refused while it is held": [
        told(A2, put("z", "x", 3), put("z", "x", 4, created=3, version=2)),
        acquired("a", 2, at=2),
        guarded("a", 2, 3, succeeded=False),
    ],
}


@pytest.mark.parametrize("records", GOOD.values(), ids=GOOD)
def test_a_lock_that_is_handed_on_in_order_is_valid(records: list[Record]) -> None:
    assert is_valid(LOCKS, *records)


@pytest.mark.parametrize("records", BROKEN.values(), ids=BROKEN)
def test_a_lock_that_is_not_is_found(records: list[Record]) -> None:
    assert not is_valid(LOCKS, *records)


def leased(number: int, seconds: int, *, call_ns: int = 1_000) -> Operation:
    """A lease, by the number of the claim's revision."""
    return did("grant", value=seconds, lease=number, result=seconds, call_ns=call_ns)


WITHOUT_WATCH: dict[str, tuple[bool, list[Record]]] = {
    "taken away": (False, [leased(2, 5)]),
    "given up": (True, [leased(2, 5), did("release", "l", "l/a", call_ns=2_900)]),
    "given up too late": (False, [leased(2, 5), did("release", "l", "l/a", call_ns=90_000)]),
    "deleted by somebody": (True, [leased(2, 5), did("delete", "l/", range_end="l0")]),
    "revoked": (True, [leased(2, 5), did("revoke", lease=2)]),
    "ended": (True, [leased(2, 0)]),
    "another gave up": (
        False,
        [leased(2, 5), did("acquire", "l", lease=9, status=Status.FAIL)],
    ),
    "a clock of unknown rate": (
        True,
        [leased(2, 5), FaultBand(name="clock-skew", targets=[], begin_ns=0, end_ns=1)],
    ),
}


@pytest.mark.parametrize(("expected", "records"), WITHOUT_WATCH.values(), ids=WITHOUT_WATCH)
def test_a_lock_that_nobody_watches(*, expected: bool, records: list[Record]) -> None:
    claims = [acquired("a", 2, at=2), acquired("b", 3, at=4)]
    assert is_valid(LOCKS, *claims, *records) == expected


LED = (acquired("a", 2, at=2, function="campaign"), acquired("b", 3, at=4, function="campaign"))

ELECTED: dict[str, tuple[bool, list[Record]]] = {
    "observed in order": (True, [LINE, *LED, observed("a", 2), observed("b", 3)]),
    "one missed": (True, [LINE, *LED, observed("b", 3)]),
    "a new proclamation": (
        True,
        [
            told(A2, put("l/a", "y", 3, created=2, version=2)),
            did("observe", "l", result=kv("l/a", "x", 2), process=1),
            did(
                "observe", "l", result=kv("l/a", "y", 3, created=2, version=2), process=1, call_ns=9
            ),
        ],
    ),
    "two observers": (True, [LINE, *LED, observed("b", 3), observed("a", 2, process=2)]),
    "one twice": (False, [LINE, *LED, observed("a", 2), observed("a", 2)]),
    "out of order": (False, [LINE, *LED, observed("b", 3), observed("a", 2)]),
    "one who never led": (
        False,
        [told(A2, B3, gone("l/b", 4), gone("l/a", 5)), observed("b", 3)],
    ),
    "two leaders": (
        False,
        [LINE, LED[0], acquired("b", 3, at=3, function="campaign")],
    ),
}


@pytest.mark.parametrize(("expected", "records"), ELECTED.values(), ids=ELECTED)
def test_elections(*, expected: bool, records: list[Record]) -> None:
    assert is_valid(ELECTIONS, *records) == expected


@pytest.mark.parametrize("checker", [LOCKS, ELECTIONS], ids=["lock", "election"])
def test_a_lock_is_no_election(checker: Checker) -> None:
    function = "campaign" if checker is LOCKS else "acquire"
    assert is_valid(checker, LINE, acquired("b", 3, at=3, function=function))
