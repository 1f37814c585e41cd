"""`check`: judges stored histories."""

import gc
import sys
import traceback
from pathlib import Path

import click

from jepsen_tests.check.choice import checkers_for
from jepsen_tests.check.linear import STEPS_MAX, Linearizability
from jepsen_tests.history import MalformedError
from jepsen_tests.model.catalogue import MODELS
from jepsen_tests.stored.reader import Stored, read_stored
from jepsen_tests.verdict import Checker, State, Verdict, worst


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--model",
    type=click.Choice(sorted(MODELS)),
    help="Check linearizability against this model; without it, what the history calls for.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=STEPS_MAX,
    show_default=True,
    help="The steps of the search for a linearization, before a history is unknown.",
)
def check(*, files: tuple[Path, ...], model: str | None, steps: int) -> None:
    """Judges stored histories: ours, Jepsen's log of etcd, or porcupine's kv.

    Prints `FILE valid`, `FILE invalid` or `FILE unknown`, and why to stderr. Exits with 0 when all
    are valid, 1 when one is invalid, 3 when one could not be read, 2 when one is unknown.
    """
    verdicts = [verdict for path in files for verdict in _judge(path, model, steps)]
    sys.exit(worst(verdicts))


def _judge(path: Path, model: str | None, steps: int) -> list[Verdict]:
    """Prints the line of one file, and what there is to say of it."""
    # Millions of records are made and none is garbage, so collecting finds nothing, many times.
    gc.disable()
    try:
        stored = read_stored(path)
        verdicts = [one.check(stored.history) for one in _checkers(stored, model, steps)]
    except OSError as error:
        return [_trouble(f"{path}: {error.strerror or error}")]
    except MalformedError as error:
        text = str(error)
        return [_trouble(text if text.startswith(str(path)) else f"{path}: {text}")]
    except Exception:  # noqa: BLE001 - a checker that stumbles must not count as a verdict
        return [_trouble(f"{path}: the checker failed\n{traceback.format_exc()}")]
    finally:
        gc.enable()
    click.echo(f"{path} {worst(verdicts).word}")
    for verdict in verdicts:
        _explain(path, verdict)
    return verdicts


def _checkers(stored: Stored, model: str | None, steps: int) -> tuple[Checker, ...]:
    name = model or stored.model
    if name is not None:
        return (Linearizability(MODELS[name], steps),)
    return checkers_for(stored.history, steps)


def _trouble(text: str) -> Verdict:
    click.echo(text, err=True)
    return Verdict("reader", State.HARNESS, (), text)


def _explain(path: Path, verdict: Verdict) -> None:
    """Says why, and what was left out."""
    for finding in verdict.findings:
        click.echo(f"{path}: {verdict.checker}: {finding.what}", err=True)
        for line in finding.details.splitlines():
            click.echo(f"  {line}", err=True)
    if verdict.note:
        click.echo(f"{path}: {verdict.checker}: {verdict.note}", err=True)
