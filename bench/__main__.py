"""`python -m bench`: etcd and raftkv side by side on this machine, in one table.

Reads the options and prints; `run` decides what is measured when.
"""

import contextlib
import datetime as dt
import os
import platform
import signal
import sys
from pathlib import Path

import click
from rich.console import Console

from bench.clusters import STORES, External, NotReadyError, StoreName
from bench.progress import progress
from bench.rows import QUICK, ROWS, Row, rows_named
from bench.run import Effort, Run
from bench.summary import Figures, line_of
from bench.table import print_tables


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
@click.option("--patience", default=0.0, help="Seconds to wait for a quiet machine each time.")
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
    patience: float,
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
    effort = Effort(
        rounds=1 if quick else rounds,
        seconds=1.5 if quick else seconds,
        retries=retries,
        patience=patience,
    )
    stores: list[StoreName] = [only] if only else list(STORES)
    names: list[str] = ["external"] if endpoints else list(stores)
    steps = effort.rounds * (len(chosen) * len(names) + (0 if endpoints else len(stores)))
    steps += len(stores) if with_check_perf else 0
    console = Console(width=None if sys.stdout.isatty() else 200)
    with progress(Console(stderr=True), steps) as step:
        run = Run(chosen, effort, step)
        try:
            if endpoints:
                run.external(External(endpoints.split(",")))
            else:
                run.side_by_side(stores, data_dir)
                if with_check_perf:
                    run.check_perf(stores, data_dir)
        except NotReadyError as error:
            raise click.ClickException(str(error)) from error
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
