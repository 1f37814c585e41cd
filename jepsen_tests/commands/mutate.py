"""`mutate`: plants bugs into the product, one after the other, and counts the seeds to each."""

import sys

import click

from jepsen_tests.planted.bugs import BUGS
from jepsen_tests.planted.hunt import hunt

_NAMES = [bug.name for bug in BUGS]


@click.command()
@click.argument("names", metavar="[BUG]...", nargs=-1, type=click.Choice(_NAMES))
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="How many seeds may pass before a bug counts as not found.",
)
def mutate(*, names: tuple[str, ...], seeds: int) -> None:
    """Shows that the simulator finds bugs: plants each BUG (all, if none is named) by itself.

    Exits with 0 when all were found, 1 when one was not.
    """
    missed = 0
    for bug in BUGS:
        if names and bug.name not in names:
            continue
        verdict = hunt(bug, range(seeds))
        if verdict is None:
            missed += 1
            click.echo(f"{bug.name}: NOT FOUND in {seeds} seeds ({bug.breaks})")
        else:
            click.echo(f"{bug.name}: seed {verdict.seed}, {verdict.reason}")
    sys.exit(1 if missed else 0)
