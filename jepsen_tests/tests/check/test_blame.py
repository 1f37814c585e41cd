"""Blame: the store, the client, or nobody for certain."""

import pytest

from jepsen_tests.check.blame import Side, blame
from jepsen_tests.history import History, Operation, Status, WatchEvents
from jepsen_tests.tests.check.given import did, kv, put, told
from jepsen_tests.verdict import Finding

PUT = did("put", "a", "x", revision=2)
TIMED_OUT = did("put", "a", "x", status=Status.FAIL, error="DEADLINE_EXCEEDED")
NO_SPACE = did("put", "a", "x", status=Status.FAIL, error="mvcc: database space exceeded")
A2, A3 = put("a", "x", 2), put("a", "x", 3, created=2, version=2)
OTHER = put("b", "x", 9)

CASES: dict[str, tuple[Side, Operation, list[WatchEvents]]] = {
    "as it was": (Side.OPEN, PUT, [told(A2)]),
    "no answer taken for a no": (Side.CLIENT, TIMED_OUT, [told(A2)]),
    "refused and done": (Side.STORE, NO_SPACE, [told(A2)]),
    "once called, twice done": (Side.OPEN, PUT, [told(A2, A3)]),
    "answered and lost": (Side.STORE, PUT, [told(OTHER)]),
    "answered with another revision": (Side.STORE, PUT, [told(put("a", "x", 4))]),
    "lost, perhaps": (Side.OPEN, PUT, [told(OTHER, start_revision=5)]),
    "read what was not written": (
        Side.STORE,
        did("range", "a", result=[kv("a", "z", 2)], revision=2),
        [told(A2)],
    ),
    "read what was written": (
        Side.OPEN,
        did("range", "a", result=[kv("a", "x", 2)], revision=2),
        [told(A2)],
    ),
}


@pytest.mark.parametrize(("side", "operation", "watches"), CASES.values(), ids=CASES)
def test_whose_fault_it_is(side: Side, operation: Operation, watches: list[WatchEvents]) -> None:
    history = History([operation, *watches])
    assert blame(history, Finding("It is wrong.", (operation,))).side is side


def test_a_watch_may_have_been_resumed_by_its_client() -> None:
    response = told(A2)
    found = blame(History([response]), Finding("It is wrong.", watches=(response,)))
    assert found.side is Side.OPEN
    assert "resumes" in found.why
