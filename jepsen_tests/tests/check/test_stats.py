"""Statistics: what was done, and what never worked."""

from jepsen_tests.check.stats import Stats, stats_of
from jepsen_tests.tests.check.histories import FAIL, history, op
from jepsen_tests.verdict import State


def test_each_function_is_counted_and_timed() -> None:
    reads = [op("read", at=(0, 1_000_000 * (number + 1))) for number in range(100)]
    writes = op("write", 1, at=(0, 1), status=FAIL), op("write", 1, at=(0, None))
    read, write = stats_of(history(*reads, *writes))
    assert (read.ok, read.fail, read.info) == (100, 0, 0)
    assert (read.p50_ms, read.p99_ms, read.max_ms) == (50.0, 99.0, 100.0)
    assert write.words == "write: 0 ok, 1 fail, 1 info"


def test_a_function_that_never_succeeded_leaves_it_open() -> None:
    assert Stats().check(history()).state is State.VALID
    assert Stats().check(history(op("read", at=(0, 1)))).state is State.VALID
    verdict = Stats().check(history(op("read", at=(0, None))))
    assert verdict.state is State.UNKNOWN
    assert verdict.note == "read: 0 ok, 0 fail, 1 info"
