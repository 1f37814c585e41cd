"""The history of a run: what clients did and were told, what watches saw, what was done to them.

A `History` only grows. It is what every checker reads, and it is kept on disk as JSON lines, the
first of which says what was run (`lines.py`).
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Generic, Self, TypeVar

from jepsen_tests.lines import MalformedError, from_line, to_line
from jepsen_tests.records import (
    Event,
    Fact,
    FaultBand,
    Json,
    KeyValue,
    MemberState,
    Operation,
    Record,
    RunInfo,
    Status,
    WatchEvents,
)

__all__ = [
    "Event",
    "Fact",
    "FaultBand",
    "History",
    "Json",
    "KeyValue",
    "MalformedError",
    "MemberState",
    "Operation",
    "Record",
    "RunInfo",
    "Status",
    "WatchEvents",
]

LINE_BYTES_MAX = 64 * 1024 * 1024
"""A longer line is refused, before it is in memory."""

_K = TypeVar("_K", bound=Hashable)


class _Index(Generic[_K]):
    """Operations by something; follows the list, which only grows."""

    def __init__(self, operations: list[Operation], key_of: Callable[[Operation], _K]) -> None:
        self._operations = operations
        self._key_of = key_of
        self._groups: dict[_K, list[Operation]] = {}
        self._indexed = 0

    def groups(self) -> dict[_K, list[Operation]]:
        for index in range(self._indexed, len(self._operations)):
            operation = self._operations[index]
            self._groups.setdefault(self._key_of(operation), []).append(operation)
        self._indexed = len(self._operations)
        return self._groups


class History:
    """The records of a run, in the order in which they were made: append-only."""

    def __init__(self, records: Iterable[Record] = (), run: RunInfo | None = None) -> None:
        self.run = run or RunInfo(plan=[])
        self.operations: list[Operation] = []
        """In the order of completion."""
        self.watches: list[WatchEvents] = []
        self.faults: list[FaultBand] = []
        self.members: list[MemberState] = []
        self.facts: list[Fact] = []
        self._by_key = _Index(self.operations, lambda operation: operation.key)
        self._by_process = _Index(self.operations, lambda operation: operation.process)
        self._by_function = _Index(self.operations, lambda operation: operation.function)
        for record in records:
            self.append(record)

    def append(self, record: Record) -> None:
        """Adds a record."""
        match record:
            case Operation():
                self.operations.append(record)
            case WatchEvents():
                self.watches.append(record)
            case FaultBand():
                self.faults.append(record)
            case MemberState():
                self.members.append(record)
            case Fact():
                self.facts.append(record)
            case RunInfo():
                self.run = record

    def records(self) -> Iterator[Record]:
        """All of it, what was run first."""
        yield self.run
        yield from self.operations
        yield from self.watches
        yield from self.faults
        yield from self.members
        yield from self.facts

    @property
    def by_key(self) -> dict[str, list[Operation]]:
        """The operations of each key."""
        return self._by_key.groups()

    @property
    def by_process(self) -> dict[int, list[Operation]]:
        """The operations of each process."""
        return self._by_process.groups()

    @property
    def by_function(self) -> dict[str, list[Operation]]:
        """The operations of each function."""
        return self._by_function.groups()

    def save(self, path: Path) -> None:
        """Writes the history as JSON lines."""
        with path.open("w", encoding="ascii") as file:
            file.writelines(f"{to_line(record)}\n" for record in self.records())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a history; an empty file is an empty history.

        Raises:
            MalformedError: the file holds something else; the text names the line.
            OSError: it cannot be read.
        """
        history = cls()
        for number, line in enumerate(text_lines(path), start=1):
            try:
                record = from_line(line)
                if isinstance(record, RunInfo) != (number == 1):
                    raise MalformedError("the first line, and no other, says what was run")  # noqa: TRY301
            except MalformedError as error:
                raise MalformedError(f"{path}: line {number}: {error}") from None
            history.append(record)
        try:
            verify_processes(history)
        except MalformedError as error:
            raise MalformedError(f"{path}: {error}") from None
        return history


def verify_processes(history: History) -> None:
    """Makes sure that each process did one thing at a time, and nothing after an `info`.

    Raises:
        MalformedError: one did not.
    """
    for process, operations in history.by_process.items():
        in_order = sorted(operations, key=lambda operation: operation.call_ns)
        for previous, following in pairwise(in_order):
            if previous.status is Status.INFO:
                raise MalformedError(f"process {process} went on after an operation of status info")
            assert previous.return_ns is not None, "only info may never return"
            if following.call_ns < previous.return_ns:
                raise MalformedError(
                    f"process {process} called at {following.call_ns} ns, "
                    f"before its call of {previous.call_ns} ns had returned"
                )


def text_lines(path: Path) -> Iterator[str]:
    """The lines of a file, each of bounded length.

    Raises:
        MalformedError: one is too long, or not UTF-8.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LINE_BYTES_MAX + 1):
            number += 1
            if len(line) > LINE_BYTES_MAX:
                raise MalformedError(f"{path}: line {number}: over {LINE_BYTES_MAX} bytes")
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise MalformedError(f"{path}: line {number}: not UTF-8: {error.reason}") from None
