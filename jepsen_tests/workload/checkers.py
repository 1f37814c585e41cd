"""The checkers that workloads name, and those that judge every run."""

from dataclasses import dataclass

from jepsen_tests.check.counts import COUNTS
from jepsen_tests.check.effects import is_linearizable
from jepsen_tests.check.event_log import OneTruth
from jepsen_tests.check.hash import HASHES
from jepsen_tests.check.kv_metadata import KV_METADATA
from jepsen_tests.check.liveness import Liveness
from jepsen_tests.check.refusals import REFUSALS
from jepsen_tests.check.revision import Revisions as Replayed
from jepsen_tests.check.revisions import REVISIONS
from jepsen_tests.check.watch.guarantees import WATCH_GUARANTEES
from jepsen_tests.history import History, Status
from jepsen_tests.verdict import Checker, Verdict

SETTLED_WITHIN_NS = 10_000_000_000
"""After the last fault: elections, connections that are made again, members that catch up."""


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


REPLAY = Replayed()
"""Strict serializability by revisions, for workloads without transactions that branch."""
COMMON: tuple[Checker, ...] = (
    OneTruth(),
    REVISIONS,
    KV_METADATA,
    COUNTS,
    REFUSALS,
    HASHES,
    Liveness(settled_within_ns=SETTLED_WITHIN_NS),
    *WATCH_GUARANTEES,
)
"""What etcd promises whatever clients do."""
