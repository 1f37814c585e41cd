"""The formats of others: their unusual words, and what is none of them."""

from pathlib import Path

import pytest

from jepsen_tests.check.linear import Linearizability
from jepsen_tests.history import History, MalformedError, Operation, RunInfo, Status
from jepsen_tests.model.catalogue import MODELS
from jepsen_tests.stored.jepsen_etcd import read_jepsen_etcd
from jepsen_tests.stored.porcupine_kv import read_porcupine_kv
from jepsen_tests.stored.reader import read_stored
from jepsen_tests.verdict import State


def jepsen(*lines: str) -> list[str]:
    """`0 :invoke :read nil` as the log has it."""
    return ["INFO  jepsen.util - " + "\t".join(line.split(" ", 3)) + "\n" for line in lines]


def judged(*lines: str) -> State:
    return Linearizability(MODELS["cas-register"]).check(read_jepsen_etcd(jepsen(*lines))).state


def test_an_operation_is_its_invocation_and_its_completion() -> None:
    (operation,) = read_jepsen_etcd(jepsen("3 :invoke :cas [1 2]", "3 :ok :cas [1 2]")).operations
    assert operation == Operation(
        process=3,
        function="cas",
        value=[1, 2],
        call_ns=1,
        return_ns=2,
        status=Status.OK,
        result=True,
    )


def test_a_failed_cas_says_that_the_value_is_another() -> None:
    write = "0 :invoke :write 1", "0 :ok :write 1"
    assert judged(*write, "1 :invoke :cas [1 2]", "1 :fail :cas [1 2]") is State.INVALID
    assert judged(*write, "1 :invoke :cas [2 3]", "1 :fail :cas [2 3]") is State.VALID


def test_a_read_that_timed_out_says_nothing() -> None:
    lines = "0 :invoke :read nil", "0 :fail :read :timed-out"
    (operation,) = read_jepsen_etcd(jepsen(*lines)).operations
    assert operation.status is Status.FAIL


@pytest.mark.parametrize("end", [("0 :info :write :timed-out",), ()])
def test_what_timed_out_or_never_ended_may_happen_later(end: tuple[str, ...]) -> None:
    lines = "0 :invoke :write 1", *end, "1 :invoke :read nil", "1 :ok :read nil"
    assert judged(*lines) is State.VALID
    assert judged(*lines, "2 :invoke :read nil", "2 :ok :read 1") is State.VALID
    assert judged(*lines, "2 :invoke :read nil", "2 :ok :read 2") is State.INVALID


def test_any_other_failure_is_taken_for_unknown() -> None:
    lines = "0 :invoke :write 1", "0 :fail :write :timed-out", "1 :invoke :read nil"
    assert judged(*lines, "1 :ok :read 1") is State.VALID
    assert judged(*lines, "1 :ok :read nil") is State.VALID


def test_what_the_nemesis_did_is_passed_over() -> None:
    nemesis = ["INFO  jepsen.util - :nemesis\t:info\t:start\tnil\n", "\n"]
    assert read_jepsen_etcd(nemesis).operations == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("INFO  jepsen.core - hello", "not a line of Jepsen's log"),
        (*jepsen("0 :invoke :append 3"), "not a line of Jepsen's log"),
        (*jepsen("0 :invoke :write nil"), ":invoke of a write with nil"),
        (*jepsen("0 :invoke :read :timed-out"), ":invoke of a read with :timed-out"),
        (*jepsen("0 :invoke :read [1 2]"), r":invoke of a read with \[1 2\]"),
        (*jepsen("0 :ok :read 3"), "process 0 ends a read that it did not call"),
    ],
)
def test_a_line_of_another_kind_is_an_error(line: str, reason: str) -> None:
    with pytest.raises(MalformedError, match=f"line 1: {reason}"):
        read_jepsen_etcd([line])


def test_a_process_cannot_call_twice() -> None:
    lines = jepsen("0 :invoke :read nil", "0 :invoke :read nil")
    with pytest.raises(MalformedError, match="line 2: process 0 calls while"):
        read_jepsen_etcd(lines)


def kv(process: int, kind: str, function: str, value: str | None, key: str = "0") -> str:
    text = "nil" if value is None else f'"{value}"'
    about = f':process {process}, :type :{kind}, :f :{function}, :key "{key}", :value {text}'
    return "{" + about + "}\n"


def test_strings_are_put_got_and_appended() -> None:
    lines = [
        kv(0, "invoke", "append", "x 0 0 y"),
        kv(1, "invoke", "get", None),
        kv(1, "ok", "get", ""),
        kv(0, "ok", "append", "x 0 0 y"),
        kv(1, "invoke", "get", None),
        kv(1, "ok", "get", "x 0 0 y"),
    ]
    history = read_porcupine_kv(lines)
    assert [one.function for one in history.operations] == ["get", "append", "get"]
    checker = Linearizability(MODELS["kv"])
    assert checker.check(history).state is State.VALID
    stale = [*lines[:-1], kv(1, "ok", "get", "")]
    assert checker.check(read_porcupine_kv(stale)).state is State.INVALID


@pytest.mark.parametrize(
    "line", ["{:process 1}", kv(0, "invoke", "get", "x"), kv(0, "info", "put", "x")]
)
def test_a_line_that_is_no_string_operation_is_an_error(line: str) -> None:
    with pytest.raises(MalformedError, match="line 1: "):
        read_porcupine_kv([line])


def test_the_format_is_told_by_the_content(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text("\n" + jepsen("0 :invoke :read nil")[0])
    assert read_stored(path).model == "cas-register"
    path.write_text(kv(0, "invoke", "get", None))
    assert read_stored(path).model == "kv"
    History(run=RunInfo(workload="bank", plan=[])).save(path)
    assert read_stored(path).history.run.workload == "bank"
    path.write_text("\n\n")
    assert read_stored(path).history.operations == []


@pytest.mark.parametrize("content", [b"hello\n", b"\x00\xff", b"[1, 2]\n"])
def test_what_is_no_history_is_an_error_in_a_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(MalformedError) as raised:
        read_stored(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)
