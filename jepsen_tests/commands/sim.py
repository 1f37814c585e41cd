"""`sim`: runs seeds through the simulator, or one seed again."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Protocol, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jepsen_tests.commands import workload_runs
from jepsen_tests.commands.seeds import SeedRange, random_seed, verdicts
from jepsen_tests.commands.workload_runs import ANY, Choice
from jepsen_tests.sim.run import STORM_SECONDS
from jepsen_tests.sim.verdict import State, Verdict, judge
from jepsen_tests.verdict import State as WorkloadState
from jepsen_tests.workload.catalogue import WORKLOADS

LINES_EVERY_SEEDS = 50
"""How often a run that nobody watches says how far it is."""
_DEFAULT_SEEDS = range(100)


class _Judged(Protocol):
    """What is known of a seed."""

    @property
    def seed(self) -> int: ...


J = TypeVar("J", bound=_Judged)


@click.command()
@click.option("--seed", type=click.IntRange(min=0), help="Run this seed again, and say more.")
@click.option("--seeds", type=SeedRange(), help="Run these; without any option: 0:100.")
@click.option("--forever", is_flag=True, help="Run seeds from a random one on until stopped.")
@click.option(
    "--seconds",
    type=click.IntRange(min=1),
    default=STORM_SECONDS,
    show_default=True,
    help="How long faults are made, by the simulated clock.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default=True,
    help="How many seeds run at the same time.",
)
@click.option(
    "--workload",
    type=click.Choice([*WORKLOADS, ANY]),
    help="Run a workload through the client API, and check its history; any: each seed draws one.",
)
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The faults of a workload's runs, as JSON; without it each seed draws them.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the history of one workload's run is kept, or that of the first that fails.",
)
def sim(  # noqa: PLR0913 - one an option
    *,
    seed: int | None,
    seeds: range | None,
    forever: bool,
    seconds: int,
    jobs: int,
    workload: str | None,
    plan_file: Path | None,
    out: Path | None,
) -> None:
    """Runs simulated clusters; each seed makes its own faults, and the same ones every time.

    Without a workload, members are asked and watched from inside. Exits with 0 when every promise
    was kept, 1 when one was broken, 2 when a checker could not tell, 3 when the harness failed.
    """
    if sum((seed is not None, seeds is not None, forever)) > 1:
        raise click.UsageError("--seed, --seeds and --forever exclude each other")
    if workload is None and (plan_file is not None or out is not None):
        raise click.UsageError("--plan and --out are of a --workload")
    chosen = range(seed, seed + 1) if seed is not None else seeds or _DEFAULT_SEEDS
    many: Iterable[int] = chosen
    if forever:
        first = random_seed()
        click.echo(f"from seed {first} on", err=True)
        many = count(first)
    total = None if forever else len(chosen)
    if workload is not None:
        plan = workload_runs.read_plan(plan_file) if plan_file is not None else None
        choice = Choice(workload, float(seconds), plan)
        if seed is not None:
            sys.exit(workload_runs.judge_one(choice.scenario(seed), out).state)
        sys.exit(_run_workloads(choice, many, total, jobs, out))
    if seed is not None:
        sys.exit(_replay(seed, seconds))
    sys.exit(_run(many, total, seconds, jobs))


def _replay(seed: int, seconds: int) -> int:
    verdict = judge(seed, seconds)
    if verdict.outcome is None:
        click.echo(verdict.details, err=True)
        click.echo(_failure(verdict, seconds), err=True)
        return verdict.state
    click.echo(f"seed {seed}: valid")
    for name, value in asdict(verdict.outcome).items():
        click.echo(f"  {name.replace('_', ' ')}: {value}")
    return State.VALID


def _run(seeds: Iterable[int], total: int | None, seconds: int, jobs: int) -> int:
    """Runs seeds until one fails; says how far it is."""

    def look(verdict: Verdict) -> int:
        if verdict.state is not State.VALID:
            click.echo(_failure(verdict, seconds), err=True)
        return verdict.state

    return _until_one_fails(verdicts(seeds, seconds, jobs), total, look)


def _run_workloads(
    choice: Choice, seeds: Iterable[int], total: int | None, jobs: int, out: Path | None
) -> int:
    """The same with workloads; one that could not be decided does not end it."""
    undecided: list[int] = []

    def look(told: workload_runs.Told) -> int:
        if told.state is WorkloadState.UNKNOWN:
            undecided.append(told.seed)
            click.echo(f"seed {told.seed}, {told.workload}: unknown\n  {told.reason}", err=True)
            return WorkloadState.VALID
        if told.state is not WorkloadState.VALID:
            click.echo(workload_runs.failure(told, choice), err=True)
            if out is not None:
                workload_runs.judge_one(choice.scenario(told.seed), out)
        return told.state

    state = _until_one_fails(workload_runs.judged_seeds(choice, seeds, jobs), total, look)
    return WorkloadState.UNKNOWN if undecided and not state else state


def _until_one_fails(judged: Iterable[J], total: int | None, look: Callable[[J], int]) -> int:
    done = 0
    try:
        for one in _shown(judged, total):
            state = look(one)
            if state:
                return state
            done += 1
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    click.echo(f"{done} seeds valid")
    return State.VALID


def _shown(judged: Iterable[J], total: int | None) -> Iterator[J]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from _told_in_lines(judged, total)
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[at]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("seeds", total=total, at="")
        for one in judged:
            progress.update(task, advance=1, at=f"seed {one.seed}")
            yield one


def _told_in_lines(judged: Iterable[J], total: int | None) -> Iterator[J]:
    of_all = "" if total is None else f" of {total}"
    for done, one in enumerate(judged, start=1):
        yield one
        if done % LINES_EVERY_SEEDS == 0:
            click.echo(f"{done}{of_all} seeds, the last was {one.seed}", err=True)


def _failure(verdict: Verdict, seconds: int) -> str:
    """What failed, and how to see it again."""
    what = "invalid" if verdict.state is State.INVALID else "the harness failed"
    again = f"python -m jepsen_tests sim --seed {verdict.seed}"
    if seconds != STORM_SECONDS:
        again += f" --seconds {seconds}"
    return f"seed {verdict.seed}: {what}\n  {verdict.reason}\nagain: {again}"
