"""The command line: what is printed, and the exit codes that scripts rely on."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jepsen_tests.__main__ import main
from jepsen_tests.planted.bugs import BUGS
from jepsen_tests.planted.planting import Bed, Bug, planted
from jepsen_tests.sim.ledger import Ledger
from raftkv.node.applying import Applying


def _skip_an_entry(bed: Bed) -> None:
    def skip(old: Callable[..., Any], applying: Applying, entries_max: int) -> Any:  # noqa: ANN401
        del applying.committed[0]
        return old(applying, entries_max)

    bed.wrap(Applying, "run", skip)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_valid_seed_says_what_happened() -> None:
    result = run("sim", "--seed", "1", "--seconds", "2")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("seed 1: valid\n")
    assert "commit index:" in result.stdout


def test_a_broken_promise_names_the_seed_the_reason_and_how_to_see_it_again() -> None:
    bug = next(bug for bug in BUGS if bug.name == "answer-before-watch")
    with planted(bug):
        result = run("sim", "--seeds", "3:5", "--seconds", "3", "--jobs", "1")
    assert result.exit_code == 1
    assert "seed 3: invalid" in result.stderr
    assert "before it told a watch" in result.stderr
    assert result.stderr.endswith("again: python -m jepsen_tests sim --seed 3 --seconds 3\n")


def test_an_assertion_of_the_product_is_a_broken_promise() -> None:
    with planted(Bug("entry-skipped", "entries are applied in order", _skip_an_entry)):
        result = run("sim", "--seed", "1", "--seconds", "2")
    assert result.exit_code == 1, result.stderr
    assert "AssertionError: applied 0, then 2" in result.stderr


def test_trouble_of_the_harness_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(_: Ledger) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(Ledger, "verify", stumble)
    result = run("sim", "--seed", "1")
    assert result.exit_code == 3
    assert "seed 1: the harness failed" in result.stderr
    assert "KeyError" in result.stderr


def test_a_range_is_counted() -> None:
    result = run("sim", "--seeds", "0:2", "--seconds", "1", "--jobs", "1")
    assert result.exit_code == 0, result.output
    assert result.stdout == "2 seeds valid\n"


@pytest.mark.parametrize("seeds", ["3", "4:4", "a:b", "5:2"])
def test_a_range_that_is_none_is_refused(seeds: str) -> None:
    result = run("sim", "--seeds", seeds)
    assert result.exit_code == 2
    assert "is not A:B" in result.stderr


def test_one_seed_and_many_exclude_each_other() -> None:
    assert run("sim", "--seed", "1", "--seeds", "1:2").exit_code == 2


def test_mutate_tells_which_seed_shows_a_bug() -> None:
    result = run("mutate", "--seeds", "5", "answer-before-watch")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("answer-before-watch: seed 0, after ")


def test_mutate_fails_when_a_bug_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jepsen_tests.commands.mutate.hunt", lambda *_: None)
    result = run("mutate", "answer-before-watch")
    assert result.exit_code == 1
    assert "NOT FOUND in 100 seeds" in result.stdout
