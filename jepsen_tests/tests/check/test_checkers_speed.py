"""The checkers are quick enough to be run on every history: floors well below what they reach.

Measured in the process's own time, so that a busy machine does not matter.
"""

import time
from collections.abc import Callable

import pytest

from jepsen_tests.check.append import Appends
from jepsen_tests.check.revision import Revisions
from jepsen_tests.check.search import Search
from jepsen_tests.check.timeline import timeline_of
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.model.catalogue import MODELS
from jepsen_tests.tests.check.histories import Register
from jepsen_tests.verdict import State

pytestmark = pytest.mark.slow


def seconds(run: Callable[[], object]) -> float:
    begin = time.process_time()
    run()
    return time.process_time() - begin


def test_the_search_takes_a_third_of_a_million_steps_a_second() -> None:
    model = MODELS["cas-register"]
    operations = Register(2, clients=40, values=50).run(3_000)
    search = Search(timeline_of("x", operations, model), model)
    spent = seconds(lambda: search.advance(1_000_000))
    assert search.steps / spent > 333_000


def test_the_revisions_of_a_hundred_thousand_operations_take_a_second() -> None:
    history = History()
    values: dict[str, str] = {}
    revision = 1
    for number in range(100_000):
        key = f"k{number % 97}"
        is_write = number % 2 == 0
        if is_write:
            revision += 1
            values[key] = str(number)
        history.append(
            Operation(
                process=number % 50,
                function="put" if is_write else "read",
                key=key,
                value=values[key] if is_write else None,
                result=None if is_write else values.get(key),
                call_ns=1_000 + 10 * number - number % 400,
                return_ns=1_000 + 10 * number + number % 300,
                status=Status.OK,
                revision=revision,
            )
        )
    checker = Revisions()
    assert seconds(lambda: checker.check(history)) < 1
    assert checker.check(history).state is State.VALID


def test_ten_thousand_transactions_take_two_seconds() -> None:
    history = History()
    lists: dict[str, list[int]] = {}
    for number in range(10_000):
        read, key = f"k{number // 100}", f"k{number * 7 % 200 // 100 + number // 100}"
        held = list(lists.get(read, []))
        lists.setdefault(key, []).append(number)
        history.append(
            Operation(
                process=number % 20,
                function="txn",
                value=[["r", read, None], ["append", key, number]],
                result=[["r", read, [*held]], ["append", key, number]],
                call_ns=10 * number + 1_000 - number % 150,
                return_ns=10 * number + 1_000 + number % 150,
                status=Status.OK,
            )
        )
    checker = Appends()
    assert seconds(lambda: checker.check(history)) < 2
    assert checker.check(history).state is State.VALID
