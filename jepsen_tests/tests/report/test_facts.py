"""Situations, what was skipped, and the cluster's facts."""

import pytest

from jepsen_tests.history import Fact, FaultBand, History, Json, MemberState, RunInfo
from jepsen_tests.report.cluster import cluster_section, leader_changes, restarts
from jepsen_tests.report.coverage import situations, situations_section, skipped_section
from jepsen_tests.report.planned import fault_set, step_text
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.tests.report.reading import text_of
from jepsen_tests.verdict import State, Verdict


def situation(value: Json, at_ns: int = 0) -> Fact:
    return Fact(name="situation", value=value, at_ns=at_ns)


def sample(at_ns: int, member: str, role: str, term: int, applied: int = 1) -> MemberState:
    return MemberState(
        member=member, at_ns=at_ns, role=role, term=term, commit=7, applied=applied, leader=""
    )


def test_a_situation_is_told_once_with_how_often_and_when() -> None:
    facts = [
        situation("a race", 30),
        situation("a race", 10),
        situation({"name": "b", "count": 4, "detail": "often"}),
        situation({"name": "never", "count": 0}),
        situation({"name": "once"}),
        situation(["odd"]),
        Fact(name="other", value=1),
    ]
    told = [(each.name, each.count, each.times_ns) for each in situations(facts)]
    assert told == [
        ('["odd"]', 1, []),
        ("a race", 2, [30, 10]),
        ("b", 4, []),
        ("once", 1, []),
        ("never", 0, []),
    ]
    text = text_of(situations_section(Recorded(History(facts), ())))
    assert "4 of 5 that were looked for." in text
    assert "never not reached" in text


def test_what_was_skipped_is_told_once_with_its_reason() -> None:
    skipped = FaultBand(name="delay", targets=[], begin_ns=0, end_ns=None, skipped="no netem")
    recorded = Recorded(
        History([skipped, skipped]), (Verdict("hash", State.VALID, note="m3 was down"),)
    )
    text = text_of(skipped_section(recorded))
    assert text.count("no netem") == 1
    assert "Checker: hash m3 was down" in text


def test_nothing_skipped_is_said_too() -> None:
    assert "Nothing: every fault was made" in text_of(skipped_section(Recorded(History(), ())))


def test_leader_changes_and_restarts_are_seen_in_samples() -> None:
    recorded = Recorded(
        History(
            [
                sample(0, "m1", "leader", 1, applied=5),
                sample(1, "m1", "leader", 1, applied=9),
                sample(2, "m2", "leader", 2),
                sample(3, "m1", "follower", 2, applied=0),
                sample(4, "m2", "leader", 3),
            ]
        ),
        (),
    )
    assert leader_changes(recorded) == 2
    assert restarts(recorded) == 1
    assert "Highest term 3" in text_of(cluster_section(recorded))


def test_a_value_that_all_members_share_is_said_to_be_the_same() -> None:
    facts = [
        Fact(name="hash_kv", value={"m1": 5, "m2": 5}),
        Fact(name="keys", value={"m1": 1, "m2": 2}),
    ]
    text = text_of(cluster_section(Recorded(History(facts), ())))
    assert text.count("the same on all") == 1


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (
            {
                "seconds": 3,
                "fault": {"name": "partition", "shape": "ring", "groups": []},
                "until_seconds": 8.5,
            },
            "at 3 s: partition (shape ring), until 8.5 s",
        ),
        ({"seconds": 1, "fault": "kill", "target": "leader"}, "at 1 s: kill (target leader)"),
        ({"seconds": 1, "fault": "kill"}, "at 1 s: kill"),
        (
            {"at": 2.5, "until": 4, "fault": "loss", "chance": 0.5},
            "at 2.5 s: loss (chance 0.5), until 4 s",
        ),
        ({"odd": 1}, '{"odd": 1}'),
    ],
)
def test_a_planned_fault_is_told_in_words(step: Json, words: str) -> None:
    assert step_text(step) == words


def test_a_run_is_told_by_the_faults_that_were_asked_for() -> None:
    skipped = FaultBand(name="delay", targets=[], begin_ns=0, end_ns=None, skipped="no netem")
    plan: list[Json] = [
        {"seconds": 1, "fault": {"name": "pause"}},
        {"seconds": 2, "fault": "kill"},
        {"seconds": 3, "fault": "kill"},
    ]
    planned = History([skipped], RunInfo(plan=plan))
    assert fault_set(Recorded(planned, ())) == "kill + pause"
    assert fault_set(Recorded(History([skipped]), ())) == "delay"
    assert fault_set(Recorded(History(), ())) == "no faults"


def test_the_most_memory_of_each_member_stands_for_all_samples_of_it() -> None:
    history = History()
    for at_ns, size in enumerate((90 << 20, 120 << 20, 100 << 20), start=1):
        value: Json = {"member": "m1", "bytes": size}
        history.append(Fact(name="resident_bytes", value=value, at_ns=at_ns))
    page = str(cluster_section(Recorded(history, (), "")))
    assert "m1 120 MiB" in page
    assert "resident_bytes" not in page
