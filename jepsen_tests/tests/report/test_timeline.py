"""The data that the scripts draw."""

from dataclasses import replace
from itertools import accumulate

import pytest

from jepsen_tests.history import Fact, FaultBand, History, MemberState, Operation, Status
from jepsen_tests.report import strips, timeline
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.report.timeline import timeline_data
from jepsen_tests.tests.report.samples import invalid, valid
from jepsen_tests.verdict import Finding, State, Verdict


def operation(process: int, call_ns: int, return_ns: int | None) -> Operation:
    status = Status.INFO if return_ns is None else Status.OK
    return Operation(
        process=process,
        function="write",
        key="x",
        value="1",
        call_ns=call_ns,
        return_ns=return_ns,
        status=status,
    )


def sample(at_ns: int, role: str = "follower", commit: int = 1, term: int = 1) -> MemberState:
    return MemberState(
        member="m1", at_ns=at_ns, role=role, term=term, commit=commit, applied=1, leader="m2"
    )


def fault(name: str, begin_ns: int, end_ns: int | None, skipped: str = "") -> FaultBand:
    return FaultBand(name=name, targets=["m1"], begin_ns=begin_ns, end_ns=end_ns, skipped=skipped)


def test_columns_hold_every_operation_in_the_order_of_its_call() -> None:
    history, verdicts = valid(200)
    recorded = Recorded(history, verdicts)
    data = timeline_data(recorded)
    columns, strings = data["operations"], data["strings"]
    calls = [call + recorded.begin_ns for call in accumulate(columns["call"])]
    assert calls == [each.call_ns for each in recorded.operations]
    assert {len(column) for column in columns.values()} == {200}
    for place, each in enumerate(recorded.operations):
        assert "012".index(columns["status"][place]) == list(Status).index(each.status)
        assert strings[columns["key"][place]] == each.key
        took = columns["took"][place]
        assert (None if took < 0 else each.call_ns + took) == each.return_ns


def test_a_text_is_kept_once() -> None:
    data = timeline_data(Recorded(*valid(200)))
    assert len(data["strings"]) == len(set(data["strings"]))


def test_clients_that_follow_each_other_share_a_lane_and_client_0_is_first() -> None:
    history = History(
        [operation(1, 5, None), operation(0, 10, 20), operation(7, 30, 40), operation(9, 35, 50)]
    )
    data = timeline_data(Recorded(history, ()))
    lanes = dict(zip(data["operations"]["process"], data["operations"]["lane"], strict=True))
    assert lanes[0] == 0
    assert data["clientLanes"] == 2
    assert lanes[7] != lanes[9]


def test_times_count_from_the_first_record_whatever_it_is() -> None:
    history = History([operation(0, 1_000, 1_500), sample(900), Fact(name="no time", value=1)])
    recorded = Recorded(history, ())
    assert (recorded.begin_ns, recorded.length_ns) == (900, 600)


def test_faults_of_a_name_share_rows_and_only_those_that_were_made_are_drawn() -> None:
    history = History(
        [
            operation(0, 0, 100),
            fault("kill", 50, 60),
            fault("kill", 10, 20),
            fault("pause", 10, None),
            fault("pause", 30, 40),
            fault("delay", 0, None, skipped="no netem"),
        ]
    )
    data = timeline_data(Recorded(history, ()))
    assert data["faultLanes"] == ["kill", "pause", "pause"]
    drawn = [(each["name"], each["begin"], each["end"], each["lane"]) for each in data["faults"]]
    assert drawn == [
        ("kill", 10, 20, 0),
        ("kill", 50, 60, 0),
        ("pause", 10, 100, 1),
        ("pause", 30, 40, 2),
    ]


def test_a_members_strips_change_with_role_term_or_leader_only() -> None:
    history = History(
        [
            operation(0, 0, 100),
            sample(0),
            sample(10, commit=5),
            sample(20, "leader", 5, 2),
            sample(90, "leader", 5, 2),
        ]
    )
    (member,) = timeline_data(Recorded(history, ()))["members"]
    assert member["strips"] == [[0, 20, "follower", 1, "m2"], [20, 100, "leader", 2, "m2"]]
    assert list(accumulate(member["commitAt"])) == [0, 10, 90]
    assert member["commit"] == [1, 5, 5]


def test_commit_samples_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "COMMIT_SAMPLES_MAX", 10)
    history = History(sample(at, commit=at) for at in range(95))
    (member,) = timeline_data(Recorded(history, ()))["members"]
    assert len(member["commit"]) == 10
    assert list(accumulate(member["commitAt"])) == member["commit"]


def test_facts_with_a_time_are_marks_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MARKS_MAX", 20)
    facts = [Fact(name="situation", value={"name": "a race"}, at_ns=at) for at in range(1, 30)]
    facts.append(Fact(name="snapshot", value="m1", at_ns=2))
    data = timeline_data(Recorded(History(facts), ()))
    assert data["markLanes"] == ["situations", "cluster"]
    assert len(data["marks"]) == 20
    assert {mark["name"] for mark in data["marks"]} == {"a race", "snapshot"}


def test_findings_point_to_operations_by_equality() -> None:
    history, verdicts = invalid(300)
    shown = verdicts[0].findings[0]
    copies = tuple(replace(each) for each in shown.operations)
    stranger = replace(copies[0], key="somewhere else")
    judged = Verdict("c", State.INVALID, (Finding("what", (*copies, stranger)),))
    recorded = Recorded(history, (judged,))
    errors = timeline_data(recorded)["errors"]
    assert [recorded.operations[error["operation"]] for error in errors] == sorted(
        copies, key=lambda each: each.call_ns
    )
    assert recorded.findings[0].places.count(None) == 1


def test_nothing_at_all_makes_data_too() -> None:
    data = timeline_data(Recorded(History(), ()))
    assert data["end"] == 1
    assert data["operations"]["status"] == ""
