"""Presence: an element that was added is in every later read, and nothing else ever is."""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.event_log import finding, key_values_of
from jepsen_tests.check.findings import judged
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Presence:
    """Checks that the keys under a prefix, which are only ever put, stay."""

    prefix: str
    name: str = "presence"

    def check(self, history: History) -> Verdict:
        """Whether nothing acknowledged was missing in a read that came after it."""
        return judged(self.name, self._look(history))

    def _look(self, history: History) -> Iterator[Finding]:
        puts = [
            operation
            for operation in history.by_function.get("put", [])
            if operation.key.startswith(self.prefix)
        ]
        tried = {put.key for put in puts if put.status is not Status.FAIL}
        acknowledged = sorted(
            (put for put in puts if put.status is Status.OK), key=lambda put: put.return_ns or 0
        )
        for read in history.by_function.get("range", []):
            if read.key == self.prefix and read.status is Status.OK and not read.serializable:
                yield from _compare(read, acknowledged, tried)


def _compare(read: Operation, acknowledged: list[Operation], tried: set[str]) -> Iterator[Finding]:
    found = {kv["key"] for kv in key_values_of(read)}
    for key in sorted(found - tried):
        yield finding(f"The read found {key!r}, which nobody added.", read)
    for put in acknowledged:
        if (put.return_ns or 0) >= read.call_ns:
            return
        if put.key not in found:
            yield finding(f"{put.key!r} was added and is gone.", put, read)
