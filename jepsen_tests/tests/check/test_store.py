"""Keys and revisions: histories that keep a promise, and ones that break just that one."""

import pytest

from jepsen_tests.check.counts import COUNTS
from jepsen_tests.check.event_log import EVENT_LOG
from jepsen_tests.check.kv_metadata import KV_METADATA
from jepsen_tests.check.refusals import REFUSALS
from jepsen_tests.check.revisions import REVISIONS
from jepsen_tests.history import Record, Status
from jepsen_tests.tests.check.given import Given, did, gone, is_valid, kv, put, told
from jepsen_tests.verdict import Checker

ALL = (EVENT_LOG, KV_METADATA, REVISIONS, REFUSALS, COUNTS)


def guarded(*, succeeded: bool, **fields: Given) -> Record:
    return did(
        "txn",
        value={
            "compare": [["version", "a", "=", 0]],
            "then": [["w", "a", "yes"], ["d", "b", None]],
            "else": [["w", "c", "no"]],
        },
        result={"succeeded": succeeded, "operations": []},
        **fields,
    )


A2, A3 = put("a", "x", 2), put("a", "y", 3, created=2, version=2)

GOOD = {
    "nothing": [],
    "a life": [told(A2, A3, gone("a", 4), put("a", "z", 5), gone("a", 6))],
    "writes and reads": [
        did("put", "a", "x", revision=2),
        did("range", "a", result=[kv("a", "x", 2)], revision=2),
        did("cas", "a", ["x", "y"], result=True, revision=3),
        did("cas", "a", ["x", "z"], result=False, revision=3),
        did("delete", "a", result=1, revision=4),
        did("delete", "a", result=0, revision=4),
        told(A2, A3, gone("a", 4)),
    ],
    "one transaction": [
        did("txn", value=[["w", "a", "x"], ["w", "b", "x"], ["r", "c", None]], revision=2),
        told(A2, put("b", "x", 2)),
    ],
    "a transaction that held": [
        did("put", "b", "x", revision=2),
        guarded(succeeded=True, revision=3),
        told(put("b", "x", 2), put("a", "yes", 3), gone("b", 3)),
    ],
    "a transaction that did not": [
        guarded(succeeded=False, revision=2),
        told(put("c", "no", 2)),
    ],
    "transactions that put the same value": [
        did("txn", value=[["w", "a", "x"]], revision=2),
        did("txn", value=[["w", "a", "x"]], revision=3),
        told(put("a", "x", 3, created=2, version=2), start_revision=3),
    ],
    "what may have happened did": [
        did("put", "a", "x", status=Status.INFO),
        did("put", "a", "x", status=Status.FAIL),
        told(A2),
    ],
    "versions that nobody saw": [
        told(A2),
        told(put("a", "q", 9, created=2, version=5), watch="v", start_revision=9),
    ],
    "a watch that started later": [
        told(put("a", "q", 9, created=2, version=5), start_revision=8, key="a", range_end="")
    ],
    "counts": [
        did("range", "a", range_end="c", result=[kv("a", "x", 2)], count=2, limit=1, revision=3),
        did(
            "range",
            "a",
            range_end="c",
            result=[kv("a", "x", 2), kv("b", "x", 3)],
            count=2,
            revision=3,
        ),
        did("range", "a", range_end="c", result=[], count=2, revision=3),
        did(
            "range",
            "a",
            range_end="c",
            result=[kv("a", "x", 2)],
            count=1,
            at_revision=2,
            revision=3,
        ),
    ],
    "an old serializable read": [
        did("put", "a", "x", revision=2),
        did("range", "a", result=[], revision=1, serializable=True, call_ns=9_000, return_ns=9_001),
    ],
    "writes that overlap": [
        did("put", "a", "y", revision=3, call_ns=1, return_ns=50),
        did("put", "a", "x", revision=2, call_ns=40, return_ns=60),
    ],
}


@pytest.mark.parametrize("records", GOOD.values(), ids=GOOD)
def test_what_keeps_a_promise_is_valid(records: list[Record]) -> None:
    for checker in ALL:
        assert is_valid(checker, *records), checker.name


BROKEN: dict[str, tuple[Checker, list[Record]]] = {
    "two watches, two values": (EVENT_LOG, [told(A2), told(put("a", "z", 2), watch="v")]),
    "an answer and a watch": (EVENT_LOG, [did("put", "a", "z", revision=2), told(A2)]),
    "a read and a watch": (
        EVENT_LOG,
        [told(A2, A3), did("range", "a", result=[kv("a", "z", 3, created=2, version=2)])],
    ),
    "a put and a delete": (EVENT_LOG, [told(A2), told(gone("a", 2), watch="v")]),
    "another lease than was put": (
        EVENT_LOG,
        [did("put", "a", "x", revision=2, lease=7), told(A2)],
    ),
    "another version": (
        EVENT_LOG,
        [told(A2, A3), told(put("a", "y", 3, created=2, version=3), watch="v", start_revision=3)],
    ),
    "a version skipped": (KV_METADATA, [told(A2, put("a", "y", 3, created=2, version=3))]),
    "a version that stays": (KV_METADATA, [told(A2, put("a", "y", 3, created=2, version=1))]),
    "a version kept after a delete": (
        KV_METADATA,
        [told(A2, gone("a", 3), put("a", "y", 4, created=2, version=2))],
    ),
    "a create revision that moves": (
        KV_METADATA,
        [told(A2, A3, put("a", "z", 4, created=3, version=3))],
    ),
    "a create revision to come": (KV_METADATA, [told(put("a", "x", 2, created=3, version=1))]),
    "more versions than revisions": (
        KV_METADATA,
        [told(put("a", "x", 4, created=2, version=7), start_revision=4)],
    ),
    "a delete of nothing": (KV_METADATA, [told(put("b", "x", 2), gone("a", 3))]),
    "versions that fall unseen": (
        KV_METADATA,
        [
            told(put("a", "x", 5, created=2, version=4), start_revision=5),
            told(put("a", "x", 9, created=2, version=3), start_revision=9, watch="v"),
        ],
    ),
    "a read of the future": (
        KV_METADATA,
        [did("range", "a", result=[kv("a", "x", 9)], revision=4)],
    ),
    "an event of the future": (KV_METADATA, [told(A2, A3, revision=2)]),
    "two writes at one revision": (
        REVISIONS,
        [did("put", "a", "x", revision=2), did("put", "b", "x", revision=2)],
    ),
    "a write that made none": (
        REVISIONS,
        [
            did("put", "a", "x", revision=2, call_ns=10, return_ns=20),
            did("range", "b", revision=3, call_ns=21, return_ns=22),
            did("put", "b", "x", revision=3, call_ns=30, return_ns=40),
        ],
    ),
    "a later answer from before": (
        REVISIONS,
        [
            did("put", "a", "x", revision=5, call_ns=10, return_ns=20),
            did("range", "a", revision=4, call_ns=21, return_ns=22),
        ],
    ),
    "a revision without an event": (REVISIONS, [told(A2, put("b", "y", 4))]),
    "the first revision without an event": (REVISIONS, [told(put("b", "y", 3))]),
    "a comparison that failed and made one": (
        REVISIONS,
        [
            told(A2, put("a", "y", 4, created=2, version=2)),
            did("cas", "a", ["q", "y"], result=False, revision=3),
        ],
    ),
    "a transaction in two": (
        REVISIONS,
        [
            did("txn", value=[["w", "a", "x"], ["w", "b", "x"]], revision=2),
            told(A2, put("b", "x", 3)),
        ],
    ),
    "a refused put": (
        REFUSALS,
        [did("put", "a", "x", status=Status.FAIL, error="no space"), told(A2)],
    ),
    "a comparison that failed and wrote": (
        REFUSALS,
        [did("cas", "a", ["w", "x"], result=False, revision=2), told(A2)],
    ),
    "a branch not taken": (
        REFUSALS,
        [guarded(succeeded=False, revision=2), told(put("a", "yes", 2), put("c", "no", 2))],
    ),
    "a count that knows the limit": (
        COUNTS,
        [
            did(
                "range", "a", range_end="c", result=[kv("a", "x", 2)], count=1, limit=1, revision=3
            ),
            did("range", "a", range_end="c", result=[], count=2, revision=3),
        ],
    ),
    "fewer keys than counted": (
        COUNTS,
        [did("range", "a", range_end="c", result=[kv("a", "x", 2)], count=2, revision=3)],
    ),
    "more keys than the limit": (
        COUNTS,
        [did("range", "a", range_end="c", result=[kv("a", "x", 2), kv("b", "x", 2)], limit=1)],
    ),
    "a key out of range": (COUNTS, [did("range", "a", result=[kv("b", "x", 2)])]),
}


@pytest.mark.parametrize(("checker", "records"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_a_promise_is_found(checker: Checker, records: list[Record]) -> None:
    assert not is_valid(checker, *records)
