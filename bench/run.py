"""All rounds of all rows: who is measured when, and what is done about failures and noise.

Both clusters run all the time, each round on fresh data, and take turns row by row, so that what
the machine does besides hits both alike. While one is measured the other is stopped with SIGSTOP:
an idle cluster of three etcd members uses 3 % of a core, and the one stopped uses none. Both come
back from it in some 10 ms with the same leader, because all members stand still together.
"""

import contextlib
import itertools
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.checkperf import check_perf
from bench.clusters import NOT_ANSWERING, Cluster, External, NotReadyError, StoreName, running
from bench.measure import FOREIGN_SHARE, FOREIGN_SHARE_MAX, GeneratorError, Measurement, measure
from bench.processes import wait_until_quiet
from bench.progress import Step
from bench.rows import Row
from bench.summary import Figures

FAILURES: Final = (GeneratorError, NotReadyError, *NOT_ANSWERING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long and how often everything is measured."""

    rounds: int
    seconds: float
    """Of one measurement."""
    retries: int
    """How often a measurement that other processes disturbed is repeated."""
    patience: float
    """Seconds to wait for a quiet machine before each."""


class Run:
    """All rounds of all rows; what fails is noted and the rest goes on."""

    def __init__(self, rows: list[Row], effort: Effort, step: Step) -> None:
        self.figures = Figures()
        self.notes: list[str] = []
        self._rows = rows
        self._effort = effort
        self._step = step

    def side_by_side(self, stores: list[StoreName], directory: Path | None) -> None:
        """Measures clusters of our own, which take turns row by row; who begins alternates."""
        for number in range(self._effort.rounds):
            order = stores if number % 2 == 0 else stores[::-1]
            with contextlib.ExitStack() as stack:
                clusters = []
                for store in order:
                    self._step(f"round {number + 1}: start {store}")
                    cluster = stack.enter_context(running(store, directory=directory))
                    cluster.signal(signal.SIGSTOP)
                    clusters.append(cluster)
                for row in self._rows:
                    for cluster in clusters:
                        with awake(cluster):
                            self._try(row, cluster.store, cluster, number)

    def external(self, target: External) -> None:
        """Measures a cluster that somebody else runs."""
        for number in range(self._effort.rounds):
            for row in self._rows:
                self._try(row, "external", target, number)

    def check_perf(self, stores: list[StoreName], directory: Path | None) -> None:
        """Asks etcdctl for its verdict on each store, on fresh clusters."""
        for store in stores:
            self._step(f"etcdctl check perf, {store}")
            with running(store, directory=directory) as cluster:
                verdicts = check_perf(cluster.endpoints)
            self.notes.append(f"etcdctl check perf, {store}: {'; '.join(verdicts)}")

    def _try(self, row: Row, store: str, target: Cluster | External, number: int) -> None:
        """Measures a row of a store; what goes wrong becomes a note."""
        self._step(f"round {number + 1}: {store}: {row.title}")
        try:
            measurement = self._measure(row, target, number)
        except FAILURES as error:
            self.notes.append(f"{row.name}, {store}, round {number + 1}: FAILED: {error}")
            return
        self.figures.add(row.name, store, number, measurement.figures)
        for warning in measurement.warnings:
            self.notes.append(f"{row.name}, {store}, round {number + 1}: {warning}")

    def _measure(self, row: Row, target: Cluster | External, number: int) -> Measurement:
        """Measures until nothing disturbs, or often enough."""
        # A second fill would leave the members with twice the keys whose memory is asked for.
        attempts = 1 if row.workload == "fill" else 1 + self._effort.retries
        for attempt in itertools.count(1):
            if isinstance(target, Cluster):
                target.wait_ready()
            wait_until_quiet(FOREIGN_SHARE_MAX, self._effort.patience)
            prefix = f"{row.name}-{number}-{attempt}-{os.getpid()}"
            measurement = measure(row, target, seconds=self._effort.seconds, prefix=prefix)
            foreign = measurement.figures.get(FOREIGN_SHARE, 0.0)
            if attempt >= attempts or foreign <= FOREIGN_SHARE_MAX:
                return measurement
        raise AssertionError("the count has no end")

    def noise(self) -> list[str]:
        """A sentence if other processes disturbed the measurements."""
        shares = [
            share
            for figure in self.figures.all()
            if figure.name == FOREIGN_SHARE
            for values in figure.values.values()
            for share in values.values()
        ]
        disturbed = [share for share in shares if share > FOREIGN_SHARE_MAX]
        if not disturbed:
            return []
        return [
            (
                f"DOUBTFUL: in {len(disturbed)} of {len(shares)} measurements other processes used "
                f"over {FOREIGN_SHARE_MAX:.0%} of a core, at most {max(disturbed):.0%}"
            )
        ]


@contextlib.contextmanager
def awake(cluster: Cluster) -> Iterator[None]:
    """The cluster runs inside the `with` and stands still before and after it."""
    cluster.signal(signal.SIGCONT)
    try:
        yield
    finally:
        cluster.signal(signal.SIGSTOP)
