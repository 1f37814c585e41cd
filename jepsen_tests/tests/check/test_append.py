"""Cycles among transactions on lists: each anomaly by its shortest story, and none without one."""

import random
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepsen_tests.check.append import Appends
from jepsen_tests.check.dependencies import Graph, Kind
from jepsen_tests.history import Json, MalformedError, Operation, Status
from jepsen_tests.tests.check.histories import FAIL, INFO, history, op
from jepsen_tests.verdict import State, Verdict


def txn(
    *parts: list[Json],
    at: tuple[int, int | None] = (0, 100),
    status: Status | None = None,
    process: int | None = None,
) -> Operation:
    asked: Json = [[verb, key, None if verb == "r" else value] for verb, key, value in parts]
    answered: Json = [*parts] if status is None and at[1] is not None else None
    return op("txn", asked, answered, at=at, key="", status=status, process=process)


def r(key: str, *elements: int) -> list[Json]:
    return ["r", key, [*elements]]


def a(key: str, element: int) -> list[Json]:
    return ["append", key, element]


def check(*operations: Operation) -> Verdict:
    return Appends().check(history(*operations))


def names(*operations: Operation) -> set[str]:
    return {finding.what.partition(":")[0] for finding in check(*operations).findings}


def test_nothing_is_valid() -> None:
    assert check().state is State.VALID


def test_an_aborted_read() -> None:
    assert names(txn(a("x", 1), status=FAIL), txn(r("x", 1))) == {"G1a, aborted read"}


def test_what_is_unknown_may_be_read() -> None:
    assert check(txn(a("x", 1), at=(0, None)), txn(r("x", 1))).state is State.VALID


def test_an_intermediate_read() -> None:
    passing = txn(a("x", 1), a("x", 2))
    assert "G1b, intermediate read" in names(passing, txn(r("x", 1)), txn(r("x", 1, 2)))


def test_a_transaction_that_does_not_see_itself() -> None:
    assert names(txn(a("x", 1), r("x"))) == {"internal"}
    assert names(txn(a("y", 1)), txn(r("y"), a("x", 2), r("y", 1))) == {"internal"}
    assert check(txn(a("x", 1), r("x", 1), a("x", 2), r("x", 1, 2))).state is State.VALID


def test_reads_that_are_no_beginnings_of_each_other() -> None:
    writes = txn(a("x", 1)), txn(a("x", 2))
    assert "incompatible order" in names(*writes, txn(r("x", 1, 2)), txn(r("x", 2)))


def test_an_element_that_is_there_twice_or_from_nowhere() -> None:
    assert names(txn(a("x", 1)), txn(r("x", 1, 1))) == {"duplicate elements"}
    assert names(txn(r("x", 7))) == {"garbage read"}


def test_g0_is_a_cycle_of_writes() -> None:
    one, two = txn(a("x", 1), a("y", 1)), txn(a("x", 2), a("y", 2))
    assert names(one, two, txn(r("x", 1, 2)), txn(r("y", 2, 1))) == {"G0"}


def test_g1c_is_a_cycle_with_a_read() -> None:
    assert names(txn(a("x", 1), r("y", 1)), txn(a("y", 1), r("x", 1))) == {"G1c"}


def test_g_single_has_one_read_that_missed_something() -> None:
    writer = txn(a("x", 1), a("y", 1))
    assert names(writer, txn(r("x", 1), r("y")), txn(r("y", 1))) == {"G-single"}


def test_g2_has_two() -> None:
    one, two = txn(r("x"), a("y", 1)), txn(r("y"), a("x", 1))
    assert names(one, two, txn(r("x", 1)), txn(r("y", 1))) == {"G2"}


def test_a_lost_update() -> None:
    one, two = txn(r("x"), a("x", 1)), txn(r("x"), a("x", 2))
    assert names(one, two, txn(r("x", 1, 2))) == {"lost update", "G-single"}


def test_a_stale_read_is_a_cycle_with_real_time() -> None:
    write = txn(a("x", 1), at=(0, 1))
    assert names(write, txn(r("x"), at=(2, 3)), txn(r("x", 1), at=(9, 10))) == {"G-single-realtime"}
    assert check(write, txn(r("x"), at=(1, 3))).state is State.VALID


def test_a_write_that_nobody_sees_was_lost() -> None:
    assert names(txn(a("x", 1), at=(0, 1)), txn(r("x"), at=(2, 3))) == {"G-single-realtime"}


def test_a_client_that_goes_back() -> None:
    reads = (
        txn(r("x", 1), at=(2, 3), process=1),
        txn(r("x"), at=(3, 4), process=1),
    )
    assert names(txn(a("x", 1), at=(0, 9)), *reads) == {"G-single-process"}


def test_a_cycle_is_told_in_words() -> None:
    writer = txn(a("x", 1), a("y", 1), process=1)
    verdict = check(writer, txn(r("x", 1), r("y"), process=2), txn(r("y", 1)))
    (finding,) = verdict.findings
    assert finding.what == (
        "G-single: T1 < T2 because T1 read 'y' as [], without the 1 that T2 appended; however, "
        "T2 < T1 because T1 saw that T2 had appended 1 to 'x': a contradiction."
    )
    assert [operation.process for operation in finding.operations] == [2, 1]
    assert finding.details.startswith('T1 = txn [["r", "x", null], ["r", "y", null]] -> ')


def test_single_operations_are_small_transactions() -> None:
    append = op("append", 1, at=(0, 1))
    assert check(append, op("read", None, [1], at=(2, 3))).state is State.VALID
    assert check(append, op("read", None, [], at=(2, 3))).state is State.INVALID


def test_an_open_transaction_is_before_nothing_by_real_time() -> None:
    lost = txn(a("x", 1), at=(0, 1), status=INFO)
    assert check(lost, txn(r("x"), at=(2, 3)), txn(r("x", 1), at=(4, 5))).state is State.VALID


@pytest.mark.parametrize(
    ("operations", "reason"),
    [
        ([txn(a("x", 1)), txn(a("x", 1))], "was appended to 'x' by two"),
        ([txn(["r", "x", 3])], "a list is read as a list"),
        ([txn(["w", "x", 3])], "a list is read or appended to"),
        ([op("txn", [["r", "x", None]], [], at=(0, 1))], "is no answer to"),
    ],
)
def test_what_it_cannot_read_is_an_error(operations: list[Operation], reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        check(*operations)


def serial(seed: int, transactions: int) -> list[Operation]:
    """What a store does that runs one transaction after the other, at a moment of its call."""
    chance = random.Random(seed)
    lists: dict[str, list[int]] = {}
    elements = count(1)
    made = []
    for moment in range(10, 10 * (transactions + 1), 10):
        parts: list[list[Any]] = []
        for _ in range(chance.randrange(1, 4)):
            key = f"k{chance.randrange(3)}"
            held = lists.setdefault(key, [])
            if chance.random() < 0.5:
                parts.append(["r", key, [*held]])
            else:
                held.append(next(elements))
                parts.append(["append", key, held[-1]])
        at = (moment - chance.randrange(60), moment + chance.randrange(60))
        made.append(txn(*parts, at=at))
    return made


@given(st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_what_is_serial_is_valid(seed: int) -> None:
    verdict = check(*serial(seed, 40))
    assert verdict.state is State.VALID, verdict.findings


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_a_late_read_of_nothing_is_found(seed: int) -> None:
    operations = serial(seed, 40)
    operations.append(txn(r("k0"), r("k1"), r("k2"), at=(10_000, 10_001)))
    assert check(*operations).state is State.INVALID


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=30))
@settings(max_examples=50)
def test_components_are_what_reaches_each_other(edges: list[tuple[int, int]]) -> None:
    graph = Graph(8)
    for before, after in edges:
        graph.add(before, after, Kind.WW)
    reach = [
        {after for before, after in edges if before == node and after != node} for node in range(8)
    ]
    for middle in range(8):
        for node in range(8):
            if middle in reach[node]:
                reach[node] |= reach[middle]
    together = {
        frozenset(other for other in range(8) if other in reach[node] and node in reach[other])
        for node in range(8)
        if node in reach[node]
    }
    assert {frozenset(part) for part in graph.components(Kind.WW)} == together


def test_a_long_chain_needs_no_recursion() -> None:
    graph = Graph(5_000)
    for node in range(5_000):
        graph.add(node, (node + 1) % 5_000, Kind.WW)
    (component,) = graph.components(Kind.WW)
    assert len(component) == 5_000
