"""`sim`: runs seeds through the simulator, or one seed again."""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import count

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jepsen_tests.commands.seeds import SeedRange, random_seed, verdicts
from jepsen_tests.sim.run import STORM_SECONDS
from jepsen_tests.sim.verdict import State, Verdict, judge

LINES_EVERY_SEEDS = 50
"""How often a run that nobody watches says how far it is."""
_DEFAULT_SEEDS = range(100)


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
def sim(*, seed: int | None, seeds: range | None, forever: bool, seconds: int, jobs: int) -> None:
    """Runs simulated clusters; each seed makes its own faults, and the same ones every time.

    Exits with 0 when every promise was kept, 1 when one was broken, 3 when the harness failed.
    """
    if sum((seed is not None, seeds is not None, forever)) > 1:
        raise click.UsageError("--seed, --seeds and --forever exclude each other")
    if seed is not None:
        sys.exit(_replay(seed, seconds))
    if forever:
        first = random_seed()
        click.echo(f"from seed {first} on", err=True)
        sys.exit(_run(count(first), None, seconds, jobs))
    chosen = seeds or _DEFAULT_SEEDS
    sys.exit(_run(chosen, len(chosen), seconds, jobs))


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
    done = 0
    try:
        for verdict in _shown(verdicts(seeds, seconds, jobs), total):
            if verdict.state is not State.VALID:
                click.echo(_failure(verdict, seconds), err=True)
                return verdict.state
            done += 1
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    click.echo(f"{done} seeds valid")
    return State.VALID


def _shown(verdicts: Iterable[Verdict], total: int | None) -> Iterator[Verdict]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from _told_in_lines(verdicts, total)
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[at]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("seeds", total=total, at="")
        for verdict in verdicts:
            progress.update(task, advance=1, at=f"seed {verdict.seed}")
            yield verdict


def _told_in_lines(verdicts: Iterable[Verdict], total: int | None) -> Iterator[Verdict]:
    of_all = "" if total is None else f" of {total}"
    for done, verdict in enumerate(verdicts, start=1):
        yield verdict
        if done % LINES_EVERY_SEEDS == 0:
            click.echo(f"{done}{of_all} seeds, the last was {verdict.seed}", err=True)


def _failure(verdict: Verdict, seconds: int) -> str:
    """What failed, and how to see it again."""
    what = "invalid" if verdict.state is State.INVALID else "the harness failed"
    again = f"python -m jepsen_tests sim --seed {verdict.seed}"
    if seconds != STORM_SECONDS:
        again += f" --seconds {seconds}"
    return f"seed {verdict.seed}: {what}\n  {verdict.reason}\nagain: {again}"
