"""The command line: what is printed, and the exit codes that scripts rely on."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jepsen_tests.__main__ import main
from jepsen_tests.planted.bugs import BUGS, LAYERS
from jepsen_tests.planted.hunt import Catch
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
    with planted(Bug("entry-skipped", "classic", "entries are applied in order", _skip_an_entry)):
        result = run("sim", "--seed", "1", "--seconds", "2")
    assert result.exit_code == 1, result.stderr
    assert re.search(r"AssertionError: applied 0, then \d", result.stderr)


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


def test_mutate_tells_what_finds_a_bug_and_the_score_of_its_layer() -> None:
    result = run("mutate", "--seeds", "5", "--jobs", "1", "answer-before-watch")
    assert result.exit_code == 0, result.output
    first, *scores = result.stdout.splitlines()
    assert first.startswith("answer-before-watch (applying): sim/watches:acknowledged, 1 seeds, ")
    assert scores == ["applying: 1 of 1, median 1 seeds", "all: 1 of 1, median 1 seeds"]


def test_mutate_fails_when_a_bug_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(bugs: list[Bug], seeds: int, _jobs: int) -> Iterator[Catch]:
        yield from (Catch(bug.name, seeds, 1.0) for bug in bugs)

    monkeypatch.setattr("jepsen_tests.commands.mutate.hunt_all", nothing)
    result = run("mutate", "--only", "answer-before-watch")
    assert result.exit_code == 1
    assert "answer-before-watch (applying): NOT FOUND, 100 seeds" in result.stdout


def test_mutate_prints_a_json_object_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_found(bugs: list[Bug], _seeds: int, _jobs: int) -> Iterator[Catch]:
        yield from (Catch(bug.name, 3, 1.23456, 2, "sim/x:y", "why") for bug in bugs)

    monkeypatch.setattr("jepsen_tests.commands.mutate.hunt_all", all_found)
    result = run("mutate", "--layer", "client", "--json")
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["mutant"] for line in lines] == [bug.name for bug in LAYERS["client"]]
    assert {line["layer"] for line in lines} == {"client"}
    assert (lines[0]["found"], lines[0]["seed"], lines[0]["seconds"]) == (True, 2, 1.235)


def test_mutate_refuses_a_bug_of_another_layer() -> None:
    assert run("mutate", "--layer", "watch", "sent-twice").exit_code == 2
