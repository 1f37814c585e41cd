"""`matrix`: all workloads with many sets of faults, and one table of the verdicts."""

import secrets
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from jepsen_tests.commands.real_run import Asked, run_and_judge, why_not_here
from jepsen_tests.commands.run import SEED_MAX, FaultSet, new_folder, shared_options
from jepsen_tests.report.matrix import matrix_page
from jepsen_tests.report.run_folder import INDEX, PAGE, is_run, load_run, runs_below
from jepsen_tests.report.summary import summary
from jepsen_tests.verdict import State, Verdict, worst
from jepsen_tests.workload.catalogue import WORKLOADS

FAULT_SETS: tuple[tuple[str, ...], ...] = (
    (),
    ("kill",),
    ("pause",),
    ("partition",),
    ("kill", "pause", "partition", "client-death"),
    ("loss", "delay", "slow-link", "reset"),
    ("power-loss", "kill"),
    ("disk-error", "slow-disk"),
    ("disk-full",),
    ("clock-skew", "partition"),
    ("member-change", "kill"),
    ("member-change", "partition"),
    ("rolling-restart", "transfer", "compact"),
    ("snapshot-cut", "compact", "kill"),
)
"""What is asked of a store. Damaged files are not: no store promises to survive all of that."""


@click.command()
@click.option(
    "--workload",
    "workloads",
    type=click.Choice(sorted(WORKLOADS)),
    multiple=True,
    help="Only this one; may be given more than once.",
)
@click.option(
    "--faults",
    "fault_sets",
    type=FaultSet(),
    multiple=True,
    help="Only this set of faults; may be given more than once.",
)
@click.option("--rounds", type=click.IntRange(min=1), default=1, help="How often all of it.")
@shared_options
def matrix(
    *,
    workloads: tuple[str, ...],
    fault_sets: tuple[tuple[str, ...], ...],
    rounds: int,
    seed: int | None,
    out: Path | None,
    **words: Any,  # noqa: ANN401
) -> None:
    """Runs all workloads with all sets of faults, each on a cluster of its own.

    Needs root. Exits with the worst verdict, as `run` does.
    """
    if reason := why_not_here():
        click.echo(f"this machine can't run a cluster: {reason}", err=True)
        sys.exit(State.HARNESS)
    folder = new_folder(out, f"{words['target']}-matrix")
    first = secrets.randbelow(SEED_MAX) if seed is None else seed
    rows = [
        (workload, faults)
        for _ in range(rounds)
        for workload in workloads or sorted(WORKLOADS)
        for faults in fault_sets or FAULT_SETS
    ]
    words["etcd"] = words["etcd"] or ""
    states: dict[tuple[str, tuple[str, ...]], list[State]] = {}
    for number, (workload, faults) in enumerate(rows):
        name = f"{number:03}-{workload}-{'+'.join(faults) or 'none'}"
        click.echo(f"[{number + 1} of {len(rows)}] {workload}, {', '.join(faults) or 'no faults'}")
        asked = Asked(
            **words, workload=workload, faults=faults, seed=first + number, out=folder / name
        )
        states.setdefault((workload, faults), []).append(run_and_judge(asked))
        _write_index(folder)
    _print_table(states)
    click.echo(f"report: {folder / INDEX}")
    sys.exit(_worst([state for each in states.values() for state in each]))


def _worst(states: list[State]) -> State:
    return worst([Verdict("", state) for state in states])


def _write_index(folder: Path) -> None:
    """The page of all runs so far."""
    if not folder.exists() or not any(is_run(path.parent) for path in folder.glob("*/*")):
        return
    summaries = [
        summary(load_run(run), name=run.name, link=f"{run.name}/{PAGE}")
        for run in runs_below(folder)
    ]
    (folder / INDEX).write_text(matrix_page(folder.name, summaries), encoding="utf-8")


def _print_table(states: dict[tuple[str, tuple[str, ...]], list[State]]) -> None:
    table = Table("workload", "faults", "runs", "verdict")
    for (workload, faults), each in states.items():
        count = str(len(each))
        table.add_row(workload, ", ".join(faults) or "none", count, _worst(each).word)
    Console().print(table)
