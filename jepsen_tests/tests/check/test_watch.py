"""Promises of watches: for each, histories that keep it, and ones that break just that one."""

import pytest

from jepsen_tests.check.watch.atomic import ATOMIC
from jepsen_tests.check.watch.bookmarkable import BOOKMARKABLE
from jepsen_tests.check.watch.canceled import CANCELED
from jepsen_tests.check.watch.create_flag import CREATE_FLAG
from jepsen_tests.check.watch.filter import FILTER
from jepsen_tests.check.watch.fragments import FRAGMENTS
from jepsen_tests.check.watch.guarantees import WATCH_GUARANTEES
from jepsen_tests.check.watch.ordered import ORDERED
from jepsen_tests.check.watch.prev_kv import PREV_KV
from jepsen_tests.check.watch.reliable import RELIABLE
from jepsen_tests.check.watch.resumable import RESUMABLE
from jepsen_tests.check.watch.start import START
from jepsen_tests.check.watch.unique import UNIQUE
from jepsen_tests.history import Record
from jepsen_tests.tests.check.given import Given, did, gone, is_valid, kv, put, told
from jepsen_tests.verdict import Checker

A2 = put("a", "x", 2)
B3 = put("b", "x", 3)
A4 = put("a", "y", 4, created=2, version=2)
C4 = put("c", "y", 4)
B5 = gone("b", 5)
A6 = gone("a", 6)
ALL = (A2, B3, A4, C4, B5, A6)
CREATED = told(created=True, revision=1)
TRUTH = told(*ALL, watch="truth")


def bookmark(revision: int, **fields: Given) -> Record:
    return told(revision=revision, received_ns=revision * 1_000 + 700, **fields)


GOOD = {
    "nothing": [],
    "one response": [TRUTH],
    "a response a revision": [TRUTH, told(A2), told(B3), told(A4, C4), told(B5), told(A6)],
    "not finished": [TRUTH, told(A2, B3)],
    "fragments": [
        TRUTH,
        told(A2, B3, A4, fragment=True, revision=6),
        told(C4, B5, fragment=True, revision=6),
        told(A6),
    ],
    "bookmarks": [TRUTH, CREATED, bookmark(1), told(A2, B3), bookmark(3), told(A4, C4)],
    "resumed": [TRUTH, told(A2, B3), told(A4, C4, B5, watch="v", start_revision=4)],
    "started now": [TRUTH, told(created=True, revision=3, start_revision=0), told(A4, C4)],
    "in the future": [TRUTH, told(created=True, revision=2, start_revision=5), told(B5)],
    "one key": [TRUTH, told(A2, key="a", range_end=""), told(A4, key="a", range_end="")],
    "a range": [TRUTH, told(A2, B3, A4, B5, A6, key="a", range_end="c")],
    "no deletes": [TRUTH, told(A2, B3, A4, C4, filters=["NODELETE"])],
    "no puts": [TRUTH, told(B5, A6, filters=["NOPUT"])],
    "answers agree": [TRUTH, did("put", "a", "x", revision=2), did("delete", "a", revision=6)],
    "compacted": [
        TRUTH,
        did("compact", value=4, revision=6),
        told(canceled=True, compact_revision=4, revision=6, start_revision=2),
    ],
    "compacted after some": [
        TRUTH,
        told(A2, start_revision=2),
        told(canceled=True, compact_revision=5, revision=6, start_revision=2),
    ],
    "previous key-values": [
        told(A2, B3, prev_kv=True),
        told(put("a", "y", 4, created=2, version=2, prev=kv("a", "x", 2)), C4, prev_kv=True),
        told(gone("b", 5, prev=kv("b", "x", 3)), prev_kv=True),
    ],
    "previous key-values compacted": [
        TRUTH,
        did("compact", value=4, revision=6),
        told(A4, C4, prev_kv=True, start_revision=4),
    ],
}


@pytest.mark.parametrize("records", GOOD.values(), ids=GOOD)
def test_what_keeps_a_promise_is_valid(records: list[Record]) -> None:
    for guarantee in WATCH_GUARANTEES:
        assert is_valid(guarantee, *records), guarantee.name


BROKEN: dict[str, tuple[Checker, list[Record]]] = {
    "a key that was not asked for": (FILTER, [told(A2, B3, key="a", range_end="")]),
    "the end of a range is not in it": (FILTER, [told(A2, C4, key="a", range_end="c")]),
    "a put that was filtered out": (FILTER, [told(B3, B5, filters=["NOPUT"])]),
    "a delete that was filtered out": (FILTER, [told(B3, B5, filters=["NODELETE"])]),
    "an older event later": (ORDERED, [told(A2), told(A4, C4), told(B3)]),
    "an older event in one response": (ORDERED, [told(A2, A4, C4, B3)]),
    "an event twice": (UNIQUE, [told(A2), told(A2, B3)]),
    "an event twice in one response": (UNIQUE, [told(A2, A2)]),
    "all again after a reconnect": (UNIQUE, [told(A2, B3), told(A2, B3)]),
    "a revision in two lists": (ATOMIC, [told(A2, B3, A4), told(C4)]),
    "a revision in two lists of fragments": (
        ATOMIC,
        [told(A2, fragment=True, revision=4), told(B3, A4), told(C4)],
    ),
    "an event left out": (RELIABLE, [TRUTH, told(A2, A4, C4)]),
    "half a revision left out": (RELIABLE, [TRUTH, told(A2, B3, A4, B5)]),
    "an answered write left out": (RELIABLE, [told(A2, A4), did("put", "b", "x", revision=3)]),
    "a read put left out": (
        RELIABLE,
        [told(A2, A4), did("range", "b", result=[kv("b", "x", 3)], revision=4)],
    ),
    "a delete left out": (RELIABLE, [TRUTH, told(B3, A4, C4, A6, start_revision=3)]),
    "a later start than asked for": (RESUMABLE, [TRUTH, told(A4, C4, start_revision=3)]),
    "the event at the very start": (RESUMABLE, [TRUTH, told(A6, start_revision=5)]),
    "a start now that came late": (
        RESUMABLE,
        [TRUTH, told(created=True, revision=2, start_revision=0), told(A4, C4, start_revision=0)],
    ),
    "an event after its bookmark": (BOOKMARKABLE, [told(A2), bookmark(3), told(B3)]),
    "a bookmark before what never came": (BOOKMARKABLE, [TRUTH, told(A2), bookmark(4)]),
    "a bookmark instead of all": (BOOKMARKABLE, [TRUTH, CREATED, bookmark(4)]),
    "a wrong previous value": (
        PREV_KV,
        [TRUTH, told(put("a", "y", 4, created=2, version=2, prev=kv("a", "z", 2)), prev_kv=True)],
    ),
    "the new value as the previous one": (
        PREV_KV,
        [told(put("a", "y", 4, created=2, version=2, prev=kv("a", "y", 4)), prev_kv=True)],
    ),
    "an older previous value": (
        PREV_KV,
        [
            TRUTH,
            told(gone("a", 6, prev=kv("a", "x", 2)), prev_kv=True),
        ],
    ),
    "another key's value": (
        PREV_KV,
        [told(gone("b", 5, prev=kv("a", "x", 2)), prev_kv=True)],
    ),
    "a previous version too low": (
        PREV_KV,
        [told(put("a", "y", 9, created=2, version=5, prev=kv("a", "x", 2)), prev_kv=True)],
    ),
    "no previous value": (PREV_KV, [TRUTH, told(A4, C4, prev_kv=True, start_revision=4)]),
    "no previous value of a deleted key": (PREV_KV, [told(B5, prev_kv=True)]),
    "a previous value before a creation": (
        PREV_KV,
        [told(put("b", "x", 3, prev=kv("b", "w", 2)), prev_kv=True)],
    ),
    "a previous value nobody asked for": (PREV_KV, [told(gone("b", 5, prev=kv("b", "x", 3)))]),
    "a change told as a creation": (CREATE_FLAG, [told(A2), told(put("a", "y", 4))]),
    "a creation told as a change": (
        CREATE_FLAG,
        [told(A2, B3, put("c", "y", 4, created=2, version=2))],
    ),
    "a creation after a delete told as a change": (
        CREATE_FLAG,
        [told(B3, B5, put("b", "z", 6, created=3, version=2))],
    ),
    "a creation with a version above one": (CREATE_FLAG, [told(put("a", "x", 2, version=2))]),
    "an event before the start": (START, [told(A2, B3, start_revision=3)]),
    "an event before a start in the future": (
        START,
        [told(created=True, revision=2, start_revision=5), told(A4, B5, start_revision=5)],
    ),
    "an event before now": (
        START,
        [told(created=True, revision=3, start_revision=0), told(B3, start_revision=0)],
    ),
    "cancelled for a compaction of what it had": (
        START,
        [told(A2, B3, A4, C4), told(canceled=True, compact_revision=4, revision=6)],
    ),
    "cancelled for a compaction before its start": (
        START,
        [told(canceled=True, compact_revision=4, revision=6, start_revision=5)],
    ),
    "compacted but not cancelled": (
        START,
        [told(compact_revision=4, revision=6, start_revision=2)],
    ),
    "served from compacted history": (
        START,
        [
            did("compact", value=4, revision=5, member="m1"),
            told(A4, C4, start_revision=2, requested_ns=9_000),
        ],
    ),
    "a fragment without the rest": (
        FRAGMENTS,
        [told(A2, fragment=True, revision=2), bookmark(2)],
    ),
    "a fragment and the rest of another": (
        FRAGMENTS,
        [told(A2, fragment=True, revision=2), told(B3, revision=3)],
    ),
    "an event after the end": (CANCELED, [told(A2, canceled=True), told(B3)]),
    "cancelled twice": (CANCELED, [told(canceled=True), told(canceled=True)]),
}


@pytest.mark.parametrize(("guarantee", "records"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_a_promise_is_found(guarantee: Checker, records: list[Record]) -> None:
    assert not is_valid(guarantee, *records)


SEPARATE = (
    FILTER,
    START,
    FRAGMENTS,
    ORDERED,
    UNIQUE,
    ATOMIC,
    RELIABLE,
    RESUMABLE,
    BOOKMARKABLE,
    CANCELED,
)


@pytest.mark.parametrize(("guarantee", "records"), BROKEN.values(), ids=BROKEN)
def test_one_fault_is_told_once(guarantee: Checker, records: list[Record]) -> None:
    if guarantee in SEPARATE:
        others = [other for other in SEPARATE if other is not guarantee]
        assert [other.name for other in others if not is_valid(other, *records)] == []
