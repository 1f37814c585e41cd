"""`mutate`: plants bugs into the product, one after the other, and shows what finds each."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from jepsen_tests.planted.bugs import ABSENT, BUGS, LAYER_OF, LAYERS, bug_named
from jepsen_tests.planted.hunt import Catch, hunt_all
from jepsen_tests.planted.planting import Bug

SEEDS = 100
_COLUMNS = ("mutant", "layer", "what it breaks", "found by", "seeds", "seconds")


@click.command()
@click.argument(
    "names", metavar="[BUG]...", nargs=-1, type=click.Choice([bug.name for bug in BUGS])
)
@click.option("--only", type=click.Choice([bug.name for bug in BUGS]), help="The same as its name.")
@click.option("--layer", type=click.Choice(list(LAYERS)), help="Only the bugs of this layer.")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=SEEDS,
    show_default=True,
    help="How many seeds may pass before a bug counts as not found.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default=True,
    help="How many seeds run at the same time.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, a line a bug.")
def mutate(
    *,
    names: tuple[str, ...],
    only: str | None,
    layer: str | None,
    seeds: int,
    jobs: int,
    as_json: bool,
) -> None:
    """Shows that the harness finds bugs: plants each BUG (all, if none is named) by itself.

    Exits with 0 when all were found, 1 when one was not.
    """
    bugs = _chosen((*names, *([only] if only else [])), layer)
    catches = []
    for catch in _shown(hunt_all(bugs, seeds, jobs), len(bugs)):
        catches.append(catch)
        if as_json:
            click.echo(_json_line(catch))
        elif not sys.stdout.isatty():
            click.echo(_plain_line(catch))
    if not as_json:
        _print_end(catches, is_all=len(bugs) == len(BUGS))
    sys.exit(0 if all(catch.is_found for catch in catches) else 1)


def _chosen(names: tuple[str, ...], layer: str | None) -> list[Bug]:
    bugs = [bug for bug in BUGS if not names or bug.name in names]
    bugs = [bug for bug in bugs if layer is None or LAYER_OF[bug.name] == layer]
    if not bugs:
        raise click.UsageError(f"no bug of the layer {layer} has that name")
    return bugs


def _shown(catches: Iterable[Catch], total: int) -> Iterator[Catch]:
    """Tells, on a terminal, how far it is."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from catches
        return
    with console.status(f"0 of {total}") as status:
        for done, catch in enumerate(catches, start=1):
            status.update(f"{done} of {total}, last {catch.name}")
            yield catch


def _json_line(catch: Catch) -> str:
    bug = bug_named(catch.name)
    head = {
        "mutant": bug.name,
        "layer": LAYER_OF[bug.name],
        "breaks": bug.breaks,
        "source": bug.source,
        "suite": str(bug.suite),
        "found": catch.is_found,
    }
    found = {name: value for name, value in asdict(catch).items() if name != "name"}
    found["seconds"] = round(catch.seconds, 3)
    return json.dumps(head | found)


def _plain_line(catch: Catch) -> str:
    head = f"{catch.name} ({LAYER_OF[catch.name]})"
    if not catch.is_found:
        breaks = bug_named(catch.name).breaks
        return f"{head}: NOT FOUND, {catch.seeds} seeds, {catch.seconds:.1f} s ({breaks})"
    seeds = f"{catch.seeds} seeds" if catch.seeds else "tests"
    return (
        f"{head}: {catch.check}, {seeds}, {catch.seconds:.1f} s: {' '.join(catch.reason.split())}"
    )


def _print_end(catches: list[Catch], *, is_all: bool) -> None:
    if sys.stdout.isatty():
        order = list(LAYER_OF)
        table = Table(*_COLUMNS)
        for catch in sorted(catches, key=lambda catch: order.index(catch.name)):
            table.add_row(*_cells(catch), style="" if catch.is_found else "red")
        Console().print(table)
    for line in _scores(catches):
        click.echo(line)
    if is_all:
        for absent in ABSENT:
            nearest = f"; nearest: {absent.nearest}" if absent.nearest else ""
            click.echo(f"not planted: {absent.name} ({absent.source}): {absent.why}{nearest}")


def _cells(catch: Catch) -> tuple[str, ...]:
    return (
        catch.name,
        LAYER_OF[catch.name],
        bug_named(catch.name).breaks,
        catch.check or "NOTHING",
        str(catch.seeds) if catch.seeds else "tests",
        f"{catch.seconds:.1f}",
    )


def _scores(catches: list[Catch]) -> Iterator[str]:
    """How many were found, by layer and in all, and how many seeds the middle one took."""
    for layer in LAYERS:
        of_layer = [catch for catch in catches if LAYER_OF[catch.name] == layer]
        if of_layer:
            yield _score(layer, of_layer)
    yield _score("all", catches)


def _score(what: str, catches: list[Catch]) -> str:
    found = sorted(catch.seeds for catch in catches if catch.is_found)
    median = f", median {found[len(found) // 2]} seeds" if found else ""
    return f"{what}: {len(found)} of {len(catches)}{median}"
