"""Banks: the total stays, and nobody owes."""

import pytest

from jepsen_tests.check.bank import Bank
from jepsen_tests.history import Fact, Json, MalformedError, Operation
from jepsen_tests.tests.check.histories import history, op
from jepsen_tests.verdict import State, Verdict


def read(**balances: int | str | None) -> Operation:
    asked: Json = [["r", key, None] for key in balances]
    told: Json = [["r", key, balance] for key, balance in balances.items()]
    return op("txn", asked, told, at=(0, 1), process=3)


def check(*operations: Operation, total: Json = None) -> Verdict:
    made = history(*operations)
    if total is not None:
        made.append(Fact(name="bank_total", value=total))
    return Bank().check(made)


def test_money_moves_and_stays() -> None:
    assert check().state is State.VALID
    assert check(read(a=5, b=5), read(a=0, b=10), read(a="3", b="7")).state is State.VALID


def test_money_that_comes_or_goes_is_found() -> None:
    first, second = read(a=5, b=5), read(a=5, b=4)
    verdict = check(first, second)
    assert verdict.state is State.INVALID
    assert verdict.findings[0].what.endswith(" adds up to 9, and there is 10.")
    assert verdict.findings[0].operations == (first, second)
    assert check(first, total=11).state is State.INVALID


def test_an_overdrawn_account_is_found() -> None:
    assert "has -1 in 'a'" in check(read(a=-1, b=11)).findings[0].what


def test_an_account_that_is_gone_is_found_and_a_bank_not_open_yet_is_none() -> None:
    assert "lacks the accounts ['b']" in check(read(a=5, b=5), read(a=10, b=None)).findings[0].what
    assert check(read(a=None, b=None), read(a=5, b=5)).state is State.VALID


def test_a_range_reads_accounts_too() -> None:
    kvs: Json = [
        {
            "key": key,
            "value": "5",
            "create_revision": 2,
            "mod_revision": 2,
            "version": 1,
            "lease": 0,
        }
        for key in "ab"
    ]
    found = op("range", {"range_end": "c"}, kvs, at=(0, 1), key="a")
    assert check(found, total=10).state is State.VALID
    assert check(found, total=9).state is State.INVALID


def test_without_a_full_read_nothing_is_known() -> None:
    assert check(read(a=5), read(b=5)).state is State.UNKNOWN


def test_a_balance_is_a_number() -> None:
    with pytest.raises(MalformedError, match="a balance is a number"):
        check(read(a="much"))
    with pytest.raises(MalformedError, match="the bank's total is a number"):
        check(read(a=1), total="1")
