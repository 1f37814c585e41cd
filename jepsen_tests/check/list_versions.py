"""The order in which elements came into each list, as the reads of it tell.

A list that is only appended to shows its whole past to whoever reads it: the longest read of a key
gives the order of its versions, and every other read is a part of it from the start, or something
is wrong. What is wrong without any order of transactions is found here.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from jepsen_tests.check.transactions import micro_operations
from jepsen_tests.check.words import in_words, shown
from jepsen_tests.history import Json, MalformedError, Operation, Status
from jepsen_tests.model.model import frozen
from jepsen_tests.verdict import Finding

_Version = tuple[Hashable, ...]
_PLAIN = frozenset({int, str})
"""Types of elements that are as they are; most lists have no others."""


@dataclass(slots=True)
class Transaction:
    """A transaction as its client saw it."""

    index: int
    operation: Operation
    parts: list[tuple[str, str, Json]]
    reads: dict[str, _Version] = field(default_factory=dict)
    """What was read of each key, less what it had appended itself."""
    appends: dict[str, list[Hashable]] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """How it ended."""
        return self.operation.status


def transactions_of(operations: list[Operation]) -> list[Transaction]:
    """The transactions of a history; a lone `append` or `read` is a small one."""
    transactions: list[Transaction] = []
    for operation in operations:
        parts = _parts(operation)
        if parts is None:
            continue
        transaction = Transaction(len(transactions), operation, parts)
        for verb, key, value in parts:
            if verb == "append":
                transaction.appends.setdefault(key, []).append(frozen(value))
        transactions.append(transaction)
    return transactions


def _parts(operation: Operation) -> list[tuple[str, str, Json]] | None:
    is_answered = operation.status is Status.OK
    match operation.function:
        case "append":
            return [("append", operation.key, operation.value)]
        case "read":
            return [("r", operation.key, operation.result)] if is_answered else []
        case "txn":
            asked = micro_operations(operation.value)
            if not is_answered:
                return [part for part in asked if part[0] != "r"]
            told = micro_operations(operation.result)
            if [part[:2] for part in told] != [part[:2] for part in asked]:
                raise MalformedError(
                    f"{shown(operation.result)} is no answer to {shown(operation.value)}"
                )
            return told
        case _:
            return None


@dataclass(slots=True)
class Versions:
    """The writers and the order of the elements of each key."""

    transactions: list[Transaction]
    writer: dict[tuple[str, Hashable], Transaction] = field(default_factory=dict)
    order: dict[str, _Version] = field(default_factory=dict)
    """The longest read of each key."""
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        for transaction in self.transactions:
            for key, elements in transaction.appends.items():
                for element in elements:
                    if self.writer.setdefault((key, element), transaction) is not transaction:
                        raise MalformedError(f"{element!r} was appended to {key!r} by two")
        for transaction in self.transactions:
            if transaction.status is Status.OK:
                self._take_reads(transaction)
        for transaction in self.transactions:
            for key, version in transaction.reads.items():
                self._compare(transaction, key, version)
        self.findings += self._wrong_elements()

    def _take_reads(self, transaction: Transaction) -> None:
        """Takes what was read, and makes sure that the transaction sees itself."""
        known: dict[str, _Version] = {}
        own: dict[str, _Version] = {}
        for verb, key, value in transaction.parts:
            if verb == "append":
                own[key] = (*own.get(key, ()), frozen(value))
                continue
            if verb != "r":
                raise MalformedError(f"a list is read or appended to, not {verb!r}")
            version = _version(value)
            mine = own.get(key, ())
            others = version[: len(version) - len(mine)]
            if version[len(others) :] != mine or known.get(key, others) != others:
                self._find("internal", transaction, f"it does not see itself in {key!r}")
                continue
            known[key] = others
            if len(version) > len(self.order.get(key, ())) or key not in self.order:
                self.order[key] = version
        transaction.reads = known

    def _compare(self, transaction: Transaction, key: str, version: _Version) -> None:
        longest = self.order[key]
        if longest[: len(version)] != version:
            what = f"it read {key!r} as {list(version)}, which is no beginning of {list(longest)}"
            self._find("incompatible order", transaction, what)

    def _wrong_elements(self) -> Iterator[Finding]:
        for key, version in self.order.items():
            if len(set(version)) < len(version):
                yield Finding(f"duplicate elements: {key!r} was read as {list(version)}.")
            for element in version:
                writer = self.writer.get((key, element))
                if writer is None:
                    yield Finding(f"garbage read: {element!r} in {key!r}, which nobody appended.")
                elif writer.status is Status.FAIL:
                    yield Finding(
                        f"G1a, aborted read: {element!r} in {key!r}, whose append was refused: "
                        f"{in_words(writer.operation)}.",
                        (writer.operation,),
                    )

    def intermediate_reads(self) -> Iterator[Finding]:
        """G1b: reads of a state that another transaction only passed through."""
        for transaction in self.transactions:
            for key, version in transaction.reads.items():
                writer = self.writer.get((key, version[-1])) if version else None
                if writer is None or writer is transaction:
                    continue
                if writer.appends[key][-1] != version[-1]:
                    what = (
                        f"G1b, intermediate read: {in_words(transaction.operation)} saw "
                        f"{version[-1]!r} in {key!r}, and not what {in_words(writer.operation)} "
                        "appended after it."
                    )
                    yield Finding(what, (transaction.operation, writer.operation))

    def lost_updates(self) -> Iterator[Finding]:
        """Transactions that read the same version of a key, and both appended to it."""
        seen: dict[tuple[str, int], Transaction] = {}
        for transaction in self.transactions:
            for key, version in transaction.reads.items():
                if key not in transaction.appends or not _reads_first(transaction, key):
                    continue
                other = seen.setdefault((key, len(version)), transaction)
                if other is not transaction:
                    what = (
                        f"lost update: {in_words(other.operation)} and "
                        f"{in_words(transaction.operation)} both read {key!r} as {list(version)} "
                        "and appended to it."
                    )
                    yield Finding(what, (other.operation, transaction.operation))

    def _find(self, anomaly: str, transaction: Transaction, what: str) -> None:
        words = f"{anomaly}: {in_words(transaction.operation)}: {what}."
        self.findings.append(Finding(words, (transaction.operation,)))


def _reads_first(transaction: Transaction, key: str) -> bool:
    return next(verb for verb, about, _ in transaction.parts if about == key) == "r"


def _version(value: Json) -> _Version:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise MalformedError(f"a list is read as a list, not as {value!r}")
    if _PLAIN.issuperset(map(type, value)):
        return tuple(value)  # type: ignore[arg-type]
    return tuple(map(frozen, value))
