"""`report`: writes the page of a run, or those of many and their index."""

import os
import sys
from pathlib import Path

import click

from jepsen_tests.history import MalformedError
from jepsen_tests.report.matrix import matrix_page
from jepsen_tests.report.page import run_page
from jepsen_tests.report.run_folder import INDEX, PAGE, is_run, load_run, runs_below
from jepsen_tests.report.summary import Summary, summary, unreadable
from jepsen_tests.verdict import State


@click.command()
@click.argument(
    "run_dir", metavar="RUN_DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Where to write; without it RUN_DIR/{PAGE}, and RUN_DIR/{INDEX} for many runs.",
)
def report(*, run_dir: Path, out: Path | None) -> None:
    """Writes one HTML page of the run in RUN_DIR: its verdict, and why.

    A folder of runs gets an index, and each run in it its page. Exits with 0, or with 3 when a
    run could not be read.
    """
    try:
        is_whole = _one(run_dir, out) if is_run(run_dir) else _many(run_dir, out)
    except (MalformedError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(State.HARNESS)
    sys.exit(State.VALID if is_whole else State.HARNESS)


def _one(run_dir: Path, out: Path | None) -> bool:
    path = out or run_dir / PAGE
    path.write_text(run_page(load_run(run_dir)), encoding="utf-8")
    click.echo(click.format_filename(path))
    return True


def _many(folder: Path, out: Path | None) -> bool:
    index = out or folder / INDEX
    summaries = [_page_of(run, folder, index) for run in runs_below(folder)]
    index.write_text(matrix_page(folder.resolve().name, summaries), encoding="utf-8")
    click.echo(click.format_filename(index))
    return all(each.link for each in summaries)


def _page_of(run: Path, folder: Path, index: Path) -> Summary:
    """Writes a run's page; keeps only what the index says of it."""
    name = str(run.relative_to(folder))
    try:
        recorded = load_run(run)
    except (MalformedError, OSError) as error:
        click.echo(str(error), err=True)
        return unreadable(name, error)
    page = run / PAGE
    page.write_text(run_page(recorded), encoding="utf-8")
    click.echo(click.format_filename(page))
    link = os.path.relpath(page.resolve(), index.resolve().parent)
    return summary(recorded, name=name, link=link)
