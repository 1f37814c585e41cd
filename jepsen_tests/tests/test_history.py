"""Histories on disk: what is saved comes back, and what is no history is refused, by line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepsen_tests.history import (
    Fact,
    FaultBand,
    History,
    Json,
    MalformedError,
    MemberState,
    Operation,
    Record,
    RunInfo,
    Status,
    WatchEvents,
)
from jepsen_tests.lines import from_line, to_line

natural = st.integers(0, 2**63)
text = st.text(max_size=5)
scalars = st.none() | st.booleans() | natural | text
values: st.SearchStrategy[Json] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
)
key_values = st.fixed_dictionaries(
    {
        "key": text,
        "value": text,
        "create_revision": natural,
        "mod_revision": natural,
        "version": natural,
        "lease": natural,
    }
)
events = st.tuples(key_values, st.sampled_from(["PUT", "DELETE"]), st.none() | key_values).map(
    lambda parts: {"type": parts[1], **parts[0], "prev": parts[2]}
)


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    status = draw(st.sampled_from(Status))
    call_ns = draw(natural)
    return_ns = call_ns + draw(st.integers(0, 1000))
    return Operation(
        process=draw(natural),
        function=draw(text),
        key=draw(text),
        value=draw(values),
        call_ns=call_ns,
        return_ns=draw(st.none()) if status is Status.INFO else return_ns,
        status=status,
        result=draw(values),
        revision=draw(natural),
        error=draw(text),
        member=draw(text),
    )


watches = st.builds(
    WatchEvents,
    watch=text,
    member=text,
    received_ns=natural,
    start_revision=natural,
    key=text,
    filters=st.lists(text, max_size=2),
    prev_kv=st.booleans(),
    progress_notify=st.booleans(),
    revision=natural,
    events=st.lists(events, max_size=2),
)
faults = st.builds(
    FaultBand,
    name=text,
    targets=st.lists(text, max_size=2),
    begin_ns=natural,
    end_ns=st.none() | natural,
)
members = st.builds(
    MemberState,
    member=text,
    at_ns=natural,
    role=text,
    term=natural,
    commit=natural,
    applied=natural,
    leader=text,
)
facts = st.builds(Fact, name=text, value=values)
runs = st.builds(RunInfo, workload=text, seed=natural, plan=st.lists(values, max_size=2))


@given(operations() | watches | faults | members | facts | runs)
def test_a_record_comes_back_from_its_line(record: Record) -> None:
    line = to_line(record)
    assert "\n" not in line
    assert from_line(line) == record


def operation(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 - also what it must not be
    return {
        "type": "operation",
        "process": 1,
        "function": "read",
        "call_ns": 1,
        "return_ns": 2,
        "status": "ok",
    } | changed


RUN = '{"type":"run","plan":[]}'


def save(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_history_comes_back_from_its_file(tmp_path: Path) -> None:
    history = History(run=RunInfo(workload="register", seed=7, plan=[{"at": 1}]))
    history.append(Operation(**_fields(operation(key="ключ\ud800", value=[None, 1.5]))))
    history.append(Fact(name="hash_kv", value={"m1": 7}))
    path = tmp_path / "history.jsonl"
    history.save(path)
    assert list(History.load(path).records()) == list(history.records())


def _fields(document: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in document.items() if name != "type"}
    return fields | {"status": Status(fields["status"])}


def test_an_empty_file_is_an_empty_history(tmp_path: Path) -> None:
    assert History.load(save(tmp_path / "empty")).operations == []


def test_the_indexes_follow_the_history() -> None:
    history = History()
    assert history.by_key == {}
    first = Operation(**_fields(operation(key="a")))
    history.append(first)
    assert history.by_key == {"a": [first]}
    second = Operation(**_fields(operation(key="a", process=2)))
    history.append(second)
    assert history.by_key == {"a": [first, second]}
    assert history.by_process == {1: [first], 2: [second]}
    assert history.by_function == {"read": [first, second]}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "a record is a JSON object"),
        ("{}", "unknown type of record: None"),
        ('{"type":["a"]}', "unknown type of record"),
        ('{"type":"operation","type":"operation"}', "a field is given twice"),
        (json.dumps(operation(colour="red")), "operation: unknown field 'colour'"),
        (json.dumps(operation(process="one")), "operation: process cannot be 'one'"),
        (json.dumps(operation(process=True)), "operation: process cannot be True"),
        (json.dumps(operation(process=-1)), "operation: process cannot be -1"),
        (json.dumps(operation(process=1.0)), "operation: process cannot be 1.0"),
        (json.dumps(operation(revision=2**64)), "operation: revision cannot be"),
        (json.dumps(operation(status="maybe")), "operation: status cannot be 'maybe'"),
        (json.dumps(operation(return_ns=None)), "status ok, but it never returned"),
        (json.dumps(operation(return_ns=0)), "returned at 0, before 1"),
        (json.dumps(operation(value=float("nan"))), "NaN is not JSON"),
        ('{"type":"operation","process":' + "1" * 5000 + "}", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"type":"fact","name":"n","value":' + "[" * 70 + "]" * 70 + "}", "64 levels"),
        ('{"type":"fact","name":"n"}', "fact: value missing"),
        ('{"type":"run","plan":[],"format":2}', "format 2 is not known"),
    ],
)
def test_a_line_that_is_no_record_says_why(line: str, reason: str) -> None:
    with pytest.raises(MalformedError) as raised:
        from_line(line)
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "PUT"},
        {"type": "POKE", "key": "a", "value": "b"},
        {
            "type": "PUT",
            "key": "a",
            "value": 1,
            "create_revision": 1,
            "mod_revision": 1,
            "version": 1,
            "lease": 0,
            "prev": None,
        },
    ],
)
def test_an_event_that_is_none_is_refused(event: Json) -> None:
    line = json.dumps(
        {
            "type": "watch",
            "watch": "w",
            "member": "m1",
            "received_ns": 1,
            "start_revision": 0,
            "key": "a",
            "filters": [],
            "prev_kv": False,
            "progress_notify": False,
            "revision": 1,
            "events": [event],
        }
    )
    with pytest.raises(MalformedError, match="watch: events cannot be"):
        from_line(line)


def test_an_error_names_the_file_and_the_line(tmp_path: Path) -> None:
    path = save(tmp_path / "cut", RUN, json.dumps(operation()), '{"type":"operat')
    with pytest.raises(MalformedError, match=r"cut: line 3: not JSON"):
        History.load(path)


def test_the_first_line_and_no_other_says_what_was_run(tmp_path: Path) -> None:
    for number, path in (
        (1, save(tmp_path / "none", json.dumps(operation()))),
        (2, save(tmp_path / "twice", RUN, RUN)),
    ):
        with pytest.raises(MalformedError, match=f"line {number}: the first line"):
            History.load(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary"
    path.write_bytes(RUN.encode() + b"\n\xff\xfe\n")
    with pytest.raises(MalformedError, match="line 2: not UTF-8"):
        History.load(path)


def test_a_line_without_an_end_is_not_read_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jepsen_tests.history.LINE_BYTES_MAX", 100)
    path = save(tmp_path / "long", RUN, "x" * 101)
    with pytest.raises(MalformedError, match="line 2: over 100 bytes"):
        History.load(path)


def test_a_process_does_one_thing_at_a_time(tmp_path: Path) -> None:
    overlapping = operation(call_ns=1, return_ns=5), operation(call_ns=4, return_ns=6)
    path = save(tmp_path / "overlap", RUN, *map(json.dumps, overlapping))
    with pytest.raises(MalformedError, match="process 1 called at 4 ns"):
        History.load(path)


def test_a_process_ends_with_an_operation_of_unknown_outcome(tmp_path: Path) -> None:
    lines = operation(status="info", return_ns=None), operation(call_ns=9, return_ns=10)
    path = save(tmp_path / "undead", RUN, *map(json.dumps, lines))
    with pytest.raises(MalformedError, match="process 1 went on after"):
        History.load(path)
