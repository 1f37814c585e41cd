"""`check`: one line a file, and the exit codes."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jepsen_tests.__main__ import main
from jepsen_tests.check.linear import Linearizability
from jepsen_tests.history import Fact, History, Json, Operation, RunInfo
from jepsen_tests.tests.check.histories import Register, op

STORED = Path(__file__).parent / "stored" / "histories"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def saved(path: Path, *operations: Operation, workload: str = "") -> Path:
    History(operations, RunInfo(workload=workload, plan=[])).save(path)
    return path


@pytest.mark.parametrize("path", sorted(STORED.glob("*")), ids=lambda path: path.name)
def test_a_stored_history_is_what_its_name_says(path: Path) -> None:
    word = path.stem.rpartition("-")[2]
    result = run(path)
    assert result.stdout == f"{path} {word}\n"
    assert result.exit_code == {"valid": 0, "invalid": 1, "unknown": 2}[word]
    assert bool(result.stderr) == (word != "valid")


def test_the_worst_decides_and_every_file_has_its_line(tmp_path: Path) -> None:
    valid = saved(tmp_path / "valid", op("read", at=(0, 1)))
    invalid = saved(tmp_path / "invalid", op("read", None, 3, at=(0, 1), process=5))
    result = run(valid, invalid, valid)
    assert result.exit_code == 1
    assert result.stdout == f"{valid} valid\n{invalid} invalid\n{valid} valid\n"
    assert "the start the state is None, in which read -> 3 (process 5) cannot" in result.stderr


def test_an_empty_history_is_valid(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.touch()
    result = run(nothing, saved(tmp_path / "run"))
    assert result.exit_code == 0
    assert [line.split()[-1] for line in result.stdout.splitlines()] == ["valid", "valid"]


def test_what_cannot_be_read_is_trouble_in_one_line(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("hello\n")
    valid = saved(tmp_path / "valid", op("read", at=(0, 1)))
    result = run(other, tmp_path / "missing", tmp_path, valid)
    assert result.exit_code == 3
    assert result.stdout == f"{valid} valid\n"
    assert [line.split(": ", 1)[0] for line in result.stderr.splitlines()] == [
        str(other),
        str(tmp_path / "missing"),
        str(tmp_path),
    ]


def test_operations_that_no_model_understands_are_trouble(tmp_path: Path) -> None:
    result = run(saved(tmp_path / "strange", op("yodel", at=(0, 1))))
    assert result.exit_code == 3
    assert "no model understands yodel; name one" in result.stderr


def test_a_spent_budget_is_unknown(tmp_path: Path) -> None:
    path = saved(tmp_path / "hard", *Register(2, clients=30, values=5).run(200))
    result = run("--steps", "1000", path)
    assert result.exit_code == 2
    assert result.stdout == f"{path} unknown\n"
    assert "1 part undecided" in result.stderr


def test_the_model_can_be_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "lock", op("acquire", at=(0, 1)), op("acquire", at=(2, 3)))
    assert run(path).exit_code == 1
    assert run("--model", "mutex", path).exit_code == 1
    assert run("--model", "register", path).exit_code == 0
    assert run("--model", "soup", path).exit_code == 2


def test_a_checker_that_stumbles_is_trouble_and_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(Linearizability, "check", stumble)
    result = run(saved(tmp_path / "any", op("read", at=(0, 1))))
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "KeyError" in result.stderr


def test_a_history_is_held_against_all_that_its_operations_call_for(tmp_path: Path) -> None:
    stale = op("add", 1, at=(0, 1)), op("read", None, [], at=(2, 3))
    assert "set: " in run(saved(tmp_path / "set", *stale)).stderr
    parts: Json = [["append", "x", 1]]
    aborted = op("txn", parts, parts, at=(0, 1)), op("read", None, [2], at=(2, 3))
    assert "append: garbage read" in run(saved(tmp_path / "append", *aborted)).stderr
    puts = [op("put", "1", at=(0, 1), revision=2) for _ in range(2)]
    assert "revisions: " in run(saved(tmp_path / "kv", *puts)).stderr
    bank = saved(tmp_path / "bank", op("txn", [["r", "a", None]], [["r", "a", 1]], at=(0, 1)))
    history = History.load(bank)
    history.append(Fact(name="bank_total", value=2))
    history.save(bank)
    assert "bank: " in run(bank).stderr
