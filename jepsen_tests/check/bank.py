"""A bank: money moves between accounts by transactions, and none comes or goes.

Accounts are the keys of the `txn` micro-operations and the `range` answers; an answer that has all
of them has to add up to the total. The total is the fact `bank_total`, or what was read first.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.etcd_operations import key_values
from jepsen_tests.check.transactions import transaction_of
from jepsen_tests.check.words import in_words
from jepsen_tests.history import History, Json, MalformedError, Operation, Status
from jepsen_tests.verdict import Finding, State, Verdict

FINDINGS_MAX = 20


@dataclass(frozen=True, slots=True)
class Bank:
    """Checks that the total is preserved, and that no account is overdrawn."""

    name: str = "bank"

    def check(self, history: History) -> Verdict:
        """Holds each full read against the total."""
        reads = [
            (operation, balances)
            for operation in history.operations
            if operation.status is Status.OK
            and (balances := _balances(operation)) is not None
            and any(balance is not None for balance in balances.values())
        ]
        accounts = {key for _, balances in reads for key in balances}
        full = [entry for entry in reads if entry[1].keys() == accounts]
        if not full:
            note = "no read of all accounts" if accounts else ""
            return Verdict(self.name, State.UNKNOWN if accounts else State.VALID, (), note)
        findings = [*_findings(reads, full, _total(history, full))]
        state = State.INVALID if findings else State.VALID
        more = len(findings) - FINDINGS_MAX
        note = f"{more} more findings" if more > 0 else ""
        return Verdict(self.name, state, tuple(findings[:FINDINGS_MAX]), note)


_Read = tuple[Operation, dict[str, int | None]]


def _findings(reads: list[_Read], full: list[_Read], total: int) -> Iterator[Finding]:
    for operation, balances in full:
        missing = [key for key, balance in balances.items() if balance is None]
        if missing:
            yield Finding(f"{in_words(operation)} lacks the accounts {missing}.", (operation,))
            continue
        found = sum(balance or 0 for balance in balances.values())
        if found != total:
            what = f"{in_words(operation)} adds up to {found}, and there is {total}."
            yield Finding(
                what, (full[0][0], operation) if operation != full[0][0] else (operation,)
            )
    for operation, balances in reads:
        for key, balance in balances.items():
            if balance is not None and balance < 0:
                yield Finding(f"{in_words(operation)} has {balance} in {key!r}.", (operation,))


def _total(history: History, full: list[_Read]) -> int:
    for fact in history.facts:
        if fact.name == "bank_total":
            if type(fact.value) is not int:
                raise MalformedError(f"the bank's total is a number, not {fact.value!r}")
            return fact.value
    return sum(balance or 0 for balance in full[0][1].values())


def _balances(operation: Operation) -> dict[str, int | None] | None:
    """The accounts that were read; None for what reads none."""
    match operation.function:
        case "txn":
            parts = transaction_of(operation).parts
            written = {key for verb, key, _ in parts if verb != "r"}
            balances = {key: _balance(value) for verb, key, value in parts if verb == "r"}
            return None if written else balances
        case "range":
            return {str(kv["key"]): _balance(kv["value"]) for kv in key_values(operation)}
        case _:
            return None


def _balance(value: Json) -> int | None:
    if value is None or type(value) is int:
        return value
    try:
        return int(str(value))
    except ValueError:
        raise MalformedError(f"a balance is a number, not {value!r}") from None
