"""A run in which every text there is comes from someone who means harm."""

from dataclasses import replace

from jepsen_tests.history import (
    Event,
    Fact,
    FaultBand,
    History,
    MemberState,
    Operation,
    Record,
    RunInfo,
    Status,
    WatchEvents,
)
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.verdict import Finding, State, Verdict

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "--></title></style>",
    "\"' onmouseover=alert(1) x='",
    "]]>&lt;&#60;",
    "\u2028\u2029\u202egnp.exe",
    "\x00\x1b[31m\r\n",
    "\ud800 half a pair",
    "javascript:alert(1)",
)


def hostile_run(bad: str) -> Recorded:
    """The run; the text is everywhere."""
    operations = _operations(bad)
    records: list[Record] = [
        *operations,
        *_watches(bad),
        FaultBand(name=bad, targets=[bad], begin_ns=1, end_ns=None, detail=bad),
        FaultBand(name=bad, targets=[bad], begin_ns=1, end_ns=None, skipped=bad),
        MemberState(member=bad, at_ns=1, role=bad, term=1, commit=1, applied=1, leader=bad),
        Fact(name=bad, value={bad: bad}, at_ns=4),
        Fact(name=bad, value=bad),
        Fact(name="situation", value=bad, at_ns=4),
        Fact(name="situation", value={"name": bad, "count": 1, "detail": bad}),
    ]
    run = RunInfo(
        workload=bad,
        world=bad,
        started=bad,
        version=bad,
        command=bad,
        plan=[bad, {"seconds": bad, "fault": {"name": bad, bad: bad}}, {"fault": bad}],
    )
    verdict = Verdict(bad, State.INVALID, (Finding(bad, operations, bad),), bad)
    return Recorded(History(records, run), (verdict,), bad)


def _operations(bad: str) -> tuple[Operation, ...]:
    lost = Operation(
        process=0,
        function=bad,
        key=bad,
        value=[bad, {bad: bad}],
        call_ns=1,
        return_ns=None,
        status=Status.INFO,
        error=bad,
        member=bad,
    )
    known = replace(lost, process=1, function="read", result=bad, return_ns=5, status=Status.OK)
    txn = replace(known, process=2, function="txn", value=[["r", bad, bad], bad])
    return lost, known, txn


def _watches(bad: str) -> tuple[WatchEvents, ...]:
    event = Event(
        type="PUT",
        key=bad,
        value=bad,
        create_revision=1,
        mod_revision=1,
        version=1,
        lease=0,
        prev=None,
    )
    events = WatchEvents(
        watch=bad,
        member=bad,
        received_ns=3,
        start_revision=0,
        key=bad,
        range_end=bad,
        filters=[bad],
        prev_kv=False,
        progress_notify=False,
        revision=1,
        events=[event],
    )
    canceled = replace(events, canceled=True, cancel_reason=bad)
    return events, canceled, replace(events, created=True)
