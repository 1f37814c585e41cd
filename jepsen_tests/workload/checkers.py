"""The checkers that several workloads name, besides those of every run (`check/compose.py`)."""

from dataclasses import dataclass

from jepsen_tests.check.effects import is_linearizable
from jepsen_tests.check.revision import Revisions
from jepsen_tests.check.serializable import PastReads
from jepsen_tests.history import History, Status
from jepsen_tests.verdict import Checker, Verdict


@dataclass(frozen=True, slots=True)
class Newest:
    """A checker of single keys that is shown only what asked for the newest state of one."""

    checker: Checker

    @property
    def name(self) -> str:
        """That of the checker."""
        return self.checker.name

    def check(self, history: History) -> Verdict:
        """Its verdict on that part of the history."""
        newest = (
            operation
            for operation in history.operations
            if not operation.range_end
            and (is_linearizable(operation) or operation.status is not Status.OK)
        )
        return self.checker.check(History(newest, history.run))


REPLAY: tuple[Checker, ...] = (Revisions(), PastReads())
"""Strict serializability by revisions, and reads of the past held against them; for workloads
without transactions that branch."""
