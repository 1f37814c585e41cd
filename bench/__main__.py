"""`python -m bench`: etcd and raftkv side by side on this machine, in one table.

Both clusters run all the time, each round on fresh data, and take turns row by row, so that what
the machine does besides hits both alike. While one is measured the other is stopped with SIGSTOP:
an idle cluster of three etcd members uses 3 % of a core, and the one stopped uses none. Both come
back from it in some 10 ms with the same leader, because all members stand still together.
"""

import contextlib
import datetime as dt
import os
import platform
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from bench.checkperf import check_perf
from bench.clusters import (
    NOT_ANSWERING,
    STORES,
    Cluster,
    External,
    NotReadyError,
    StoreName,
    running,
)
from bench.measure import FOREIGN_SHARE, FOREIGN_SHARE_MAX, GeneratorError, measure
from bench.progress import Step, progress
from bench.rows import QUICK, ROWS, Row, rows_named
from bench.summary import Figures, line_of
from bench.table import print_tables

FAILURES: Final = (GeneratorError, NotReadyError, *NOT_ANSWERING)


class Run:
    """All rounds of all rows; what fails is noted and the rest goes on."""

    def __init__(
        self, rows: list[Row], *, rounds: int, seconds: float, retries: int, step: Step
    ) -> None:
        self.figures = Figures()
        self.notes: list[str] = []
        self._rows = rows
        self._rounds = rounds
        self._seconds = seconds
        self._retries = retries
        self._step = step

    def side_by_side(self, stores: list[StoreName], directory: Path | None) -> None:
        """Measures clusters of our own, which take turns row by row; who begins alternates."""
        for number in range(self._rounds):
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
                            self._measure(row, cluster.store, cluster, number)

    def external(self, target: External) -> None:
        """Measures a cluster that somebody else runs."""
        for number in range(self._rounds):
            for row in self._rows:
                self._measure(row, "external", target, number)

    def check_perf(self, stores: list[StoreName], directory: Path | None) -> None:
        """Asks etcdctl for its verdict on each store, on fresh clusters."""
        for store in stores:
            self._step(f"etcdctl check perf, {store}")
            with running(store, directory=directory) as cluster:
                verdicts = check_perf(cluster.endpoints)
            self.notes.append(f"etcdctl check perf, {store}: {'; '.join(verdicts)}")

    def _measure(self, row: Row, store: str, target: Cluster | External, number: int) -> None:
        self._step(f"round {number + 1}: {store}: {row.title}")
        prefix = f"{row.name}-{number}-{os.getpid()}"
        try:
            measurement = measure(row, target, seconds=self._seconds, prefix=prefix)
            for attempt in range(self._retries):
                if measurement.figures[FOREIGN_SHARE] <= FOREIGN_SHARE_MAX:
                    break
                again = f"{prefix}-{attempt}"
                measurement = measure(row, target, seconds=self._seconds, prefix=again)
        except FAILURES as error:
            self.notes.append(f"{row.name}, {store}, round {number + 1}: FAILED: {error}")
            return
        self.figures.add(row.name, store, number, measurement.figures)
        for warning in measurement.warnings:
            self.notes.append(f"{row.name}, {store}, round {number + 1}: {warning}")

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
        for member in cluster.members:
            member.wait_ready()
        yield
    finally:
        cluster.signal(signal.SIGSTOP)


def machine() -> str:
    """The date and what the figures were measured on, in a line."""
    model = ""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    today = dt.datetime.now(tz=dt.UTC).date()
    python = platform.python_version()
    return f"{today}, {os.cpu_count()} cores {model}, {memory:.0f} GiB, Python {python}"


@click.command()
@click.option("--rows", default="", help="Names, with commas: " + ", ".join(r.name for r in ROWS))
@click.option("--rounds", default=3, show_default=True, help="How often everything is measured.")
@click.option("--seconds", default=3.0, show_default=True, help="Length of one measurement.")
@click.option("--retries", default=0, help="Repeat what other processes disturbed so often.")
@click.option("--only", type=click.Choice(STORES), help="Measure one store.")
@click.option("--quick", is_flag=True, help=f"One round of 1.5 s of {', '.join(QUICK)}.")
@click.option("--check-perf", "with_check_perf", is_flag=True, help="Also `etcdctl check perf`.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="JSON lines go there.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where temporary data go.")
@click.option("--endpoints", default="", help="Measure a running cluster: host:port,host:port,...")
def main(  # noqa: PLR0913
    *,
    rows: str,
    rounds: int,
    seconds: float,
    retries: int,
    only: StoreName | None,
    quick: bool,
    with_check_perf: bool,
    json_file: Path | None,
    data_dir: Path | None,
    endpoints: str,
) -> None:
    """Measures etcd and raftkv side by side, over the wire, and prints tables with ratios."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that clusters are taken down
    try:
        chosen = rows_named(rows.split(",") if rows else QUICK if quick else [r.name for r in ROWS])
    except KeyError as error:
        raise click.BadParameter(f"no row is called {error}", param_hint="--rows") from error
    if quick:
        rounds, seconds = 1, 1.5
    stores: list[StoreName] = [only] if only else list(STORES)
    names: list[str] = ["external"] if endpoints else list(stores)
    steps = rounds * (len(chosen) * len(names) + (0 if endpoints else len(stores)))
    steps += len(stores) if with_check_perf else 0
    console = Console(width=None if sys.stdout.isatty() else 200)
    with progress(Console(stderr=True), steps) as step:
        run = Run(chosen, rounds=rounds, seconds=seconds, retries=retries, step=step)
        if endpoints:
            run.external(External(endpoints.split(",")))
        else:
            run.side_by_side(stores, data_dir)
            if with_check_perf:
                run.check_perf(stores, data_dir)
    console.print(machine())
    print_tables(console, chosen, run.figures, names)
    for note in run.notes + run.noise():
        console.print(note, soft_wrap=True)
    write_lines(run.figures, chosen, json_file)


def write_lines(figures: Figures, rows: list[Row], file: Path | None) -> None:
    """One JSON line a figure, to the file or else to the output."""
    promised = {row.name: row.promised for row in rows}
    lines = [line_of(f, promised[f.row].get(f.name)) for f in figures.all()]
    if file:
        file.write_text("".join(f"{line}\n" for line in lines))
        return
    for line in lines:
        print(line)


if __name__ == "__main__":
    main()
