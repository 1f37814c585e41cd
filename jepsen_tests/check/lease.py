"""Leases: a key with a lease goes away by a delete, a revocation or the lease's end, and only then.

What is promised, and how much of it a client can tell:

- A lease does not end before its time to live has passed since the server last renewed it. The
  client knows only that this was after its call, so the time counts from the call; it knows of the
  end only when it is told, so what is told before that time is early for certain.
- It ends within its time to live and a bound after the last renewal that may have been heard, or
  after the last fault was over, since a new leader gives every lease its full time again.
- A lease takes all of its keys at one revision, and no key hangs on it afterwards.
- What is answered to `time-to-live` agrees with that.

Times are those of the history's clock. Where members' clocks run faster, facts named `clock_rate`
({"member", "rate"}) say so; where a fault made a clock jump, early ends are not judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.attachments import Ending, deleters_of, endings_of
from jepsen_tests.check.event_log import EventLog, event_log_of, finding, key_values_of
from jepsen_tests.check.findings import judged
from jepsen_tests.check.heal import healed_ns
from jepsen_tests.check.tenure import (
    SECOND_NS,
    Tenure,
    clock_rate_max,
    remaining_seconds,
    tenures_of,
)
from jepsen_tests.check.times import NEVER_NS, Times, times_of
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import Finding, Verdict

OVERDUE_NS = 10 * SECOND_NS
"""Election, detection and revocation together must not take longer."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What all the questions about leases look at."""

    history: History
    log: EventLog
    times: Times
    tenures: dict[int, Tenure]
    healed_ns: int | None
    rate_max: float
    """How fast the fastest clock ran; 0 if that is not known."""

    def deadline_ns(self, tenure: Tenure, overdue_ns: int) -> int:
        """By when the lease must be over, if nobody else renewed it."""
        if self.healed_ns is None or not tenure.attempts:
            return NEVER_NS
        begin = max(self.healed_ns, tenure.possible_until_ns(overdue_ns))
        return begin + tenure.ttl_ns + overdue_ns


@dataclass(frozen=True, slots=True)
class Leases:
    """Checks all leases of a run."""

    overdue_ns: int = OVERDUE_NS
    name: str = "lease"

    def check(self, history: History) -> Verdict:
        """Whether each lived as long as it should, and no longer."""
        log = event_log_of(history)
        tenures, rate_max = tenures_of(history), clock_rate_max(history)
        run = _Run(history, log, times_of(history), tenures, healed_ns(history), rate_max)
        notes = [f"{len(tenures)} leases"]
        if not rate_max:
            notes.append("early ends are not judged, since some clock ran at an unknown rate")
        if run.healed_ns is None:
            notes.append("late ends are not judged, since a fault lasted to the end")
        return judged(self.name, self._look(run), "; ".join(notes))

    def _look(self, run: _Run) -> Iterator[Finding]:
        ended: dict[int, int] = {}
        for ending in endings_of(run.log, deleters_of(run.history)):
            ended.setdefault(ending.lease, ending.revision)
            yield from _not_whole(run, ending)
            yield from self._untimely(run, ending)
        yield from _afterlife(run, ended)
        yield from _revoked_in_vain(run)
        yield from self._overstayed(run)
        for tenure in run.tenures.values():
            yield from _said_gone_early(run, tenure)
            yield from _untrue_answers(run, tenure)

    def _untimely(self, run: _Run, ending: Ending) -> Iterator[Finding]:
        """An ending that is no revocation, too early or too late."""
        tenure = run.tenures.get(ending.lease)
        event = ending.deleted[0]
        if tenure is None or not tenure.is_once:
            return
        told_ns = run.times.latest_ns(ending.revision)
        if any(_may_be(revoke, ending, told_ns) for revoke in tenure.revokes):
            return
        certain_ns = tenure.certain_until_ns(run.rate_max) if run.rate_max else 0
        not_before_ns = run.times.earliest_ns(ending.revision)
        deadline_ns = run.deadline_ns(tenure, self.overdue_ns)
        if told_ns < certain_ns:
            early = (certain_ns - told_ns) / SECOND_NS
            what = f"Lease {ending.lease} ended {early:.2f} s early, at revision {ending.revision}."
            yield finding(what, tenure.last_renewal(), event.source)
        elif not_before_ns > deadline_ns:
            late = (not_before_ns - deadline_ns) / SECOND_NS
            what = f"Lease {ending.lease} ended {late:.2f} s too late, at {ending.revision}."
            yield finding(what, *tenure.attempts[-1:], event.source)

    def _overstayed(self, run: _Run) -> Iterator[Finding]:
        """What was still there long after it should have gone."""
        for tenure in run.tenures.values():
            deadline_ns = run.deadline_ns(tenure, self.overdue_ns)
            for asked in tenure.asked:
                if asked.call_ns > deadline_ns:
                    what = f"Lease {tenure.lease} lives on, long after its last renewal."
                    yield finding(what, *tenure.attempts[-1:], asked)
                    break
        for operation in _current_reads(run.history):
            for kv in key_values_of(operation):
                owner = run.tenures.get(kv["lease"])
                if owner and operation.call_ns > run.deadline_ns(owner, self.overdue_ns):
                    what = f"{kv['key']!r} is still there, long after the last renewal of its lease"
                    yield finding(f"{what} {owner.lease}.", *owner.attempts[-1:], operation)


def _not_whole(run: _Run, ending: Ending) -> Iterator[Finding]:
    deleted = {event.key for event in ending.deleted}
    for key, attached in ending.attached.items():
        if key not in deleted and run.log.has_until(attached) >= ending.revision:
            yield finding(
                f"Lease {ending.lease} took {ending.deleted[0].key!r} at revision "
                f"{ending.revision}, but not {key!r}.",
                attached.source,
                ending.deleted[0].source,
            )


def _afterlife(run: _Run, ended: dict[int, int]) -> Iterator[Finding]:
    """Keys that were hung on a lease after it had ended."""
    for event in run.log.events:
        lease = event.lease or 0
        end = ended.get(lease)
        if end is None or event.revision <= end:
            continue
        tenure = run.tenures.get(lease)
        if tenure is None or tenure.is_once:
            what = f"{event.key!r} was attached at revision {event.revision} to lease {lease}"
            yield finding(f"{what}, which had ended at revision {end}.", event.source)


def _revoked_in_vain(run: _Run) -> Iterator[Finding]:
    """Keys that outlived an answered revocation of their lease."""
    revokes = {
        tenure.lease: revoke
        for tenure in run.tenures.values()
        for revoke in tenure.revokes
        if revoke.status is Status.OK and tenure.is_once
    }
    for event in run.log.events:
        revoke = revokes.get(event.lease or 0)
        if revoke is None or not event.revision < revoke.revision:
            continue
        if run.log.has_until(event) >= revoke.revision:
            what = f"Lease {event.lease} was revoked at revision {revoke.revision}, but "
            yield finding(f"{what}{event.key!r} stayed.", revoke, event.source)
    for operation in _current_reads(run.history) if revokes else ():
        for kv in key_values_of(operation):
            revoke = revokes.get(kv["lease"])
            if revoke is not None and (revoke.return_ns or NEVER_NS) < operation.call_ns:
                what = f"{kv['key']!r} is read after its lease {kv['lease']} was revoked."
                yield finding(what, revoke, operation)


def _said_gone_early(run: _Run, tenure: Tenure) -> Iterator[Finding]:
    """Answers that there is no such lease, while it must have been alive.

    A member that has just been elected may answer so before it has applied all that was committed;
    so a lease that was seen alive afterwards was not lost, and is not counted as such.
    """
    last = tenure.last_renewal()
    if last is None or not run.rate_max or not tenure.is_once:
        return
    alive = max((each.call_ns for each in (*tenure.renewals, *tenure.asked)), default=0)
    for gone in tenure.gone:
        told_ns = gone.return_ns or NEVER_NS
        is_revoked = any(revoke.call_ns <= told_ns for revoke in tenure.revokes)
        if told_ns < tenure.certain_until_ns(run.rate_max) and alive < gone.call_ns:
            if not is_revoked:
                what = f"Lease {tenure.lease} was said to be gone before its time to live was over."
                yield finding(what, last, gone)
            return


def _untrue_answers(run: _Run, tenure: Tenure) -> Iterator[Finding]:
    granted = {_granted(operation) for operation in tenure.grants if operation.result is not None}
    for asked in tenure.asked:
        result = asked.result
        assert isinstance(result, dict), "tenures have no other answers"
        given, remaining = result.get("granted_ttl"), remaining_seconds(asked) or 0
        if isinstance(given, int) and (remaining > given or (granted and given not in granted)):
            what = f"Lease {tenure.lease} is said to have {remaining} s left of {given} s"
            yield finding(f"{what}, which is not what was granted.", *tenure.grants, asked)
        keys = result.get("keys")
        if isinstance(keys, list):
            yield from _untrue_keys(run, tenure, asked, {str(key) for key in keys})


def _untrue_keys(run: _Run, tenure: Tenure, asked: Operation, keys: set[str]) -> Iterator[Finding]:
    """Keys that never hung on the lease."""
    for key in sorted(keys):
        events = run.log.by_key.get(key, [])
        is_all_known = bool(events) and events[0].vouched_from == 0
        if is_all_known and all(event.lease not in {tenure.lease, None} for event in events):
            what = f"Lease {tenure.lease} is said to hold {key!r}, which never hung on it."
            yield finding(what, asked, events[-1].source)


def _may_be(revoke: Operation, ending: Ending, told_ns: int) -> bool:
    """Whether the revocation explains the ending."""
    if revoke.status is Status.OK and revoke.revision:
        return revoke.revision == ending.revision
    return revoke.call_ns <= told_ns


def _current_reads(history: History) -> Iterator[Operation]:
    for operation in history.by_function.get("range", []):
        is_current = not operation.serializable and not operation.at_revision
        if operation.status is Status.OK and is_current:
            yield operation


def _granted(operation: Operation) -> int:
    return operation.result if isinstance(operation.result, int) else 0


LEASES = Leases()
