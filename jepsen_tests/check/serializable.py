"""Reads of the past: serializable ones, which may be old, and those at a revision.

What was written at which revision is known from answers and watches (`revision.py` says whether
that is right). A serializable read has to be what the keys were at the revision in its header, and
each member goes forward only, until it is restarted. A read at revision n has to be what they were
at n, and is refused if n was compacted away, or is not there yet. (etcd: API guarantees.)

`compact` has the revision as its value; errors are told by etcd's texts.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from jepsen_tests.check.etcd_operations import (
    WRITES,
    WROTE,
    is_of_the_past,
    key_values,
    keys_written,
    options,
    plain,
    span,
)
from jepsen_tests.check.replay import Replay
from jepsen_tests.check.steps import mark_of, steps_of
from jepsen_tests.check.told import EventLog
from jepsen_tests.check.transactions import transaction_of
from jepsen_tests.check.words import in_words, many, shown
from jepsen_tests.history import History, Json, MalformedError, Operation, Status
from jepsen_tests.model.model import frozen
from jepsen_tests.verdict import Finding, State, Verdict

FINDINGS_MAX: Final = 20
COMPACTED: Final = "has been compacted"
FUTURE: Final = "is a future revision"
RESTARTS: Final = frozenset({"kill", "power-loss", "crash", "restart", "rolling-restart"})
"""Faults after which a member may be behind itself."""


@dataclass(frozen=True, slots=True)
class PastReads:
    """Checks serializable reads, and reads at a revision."""

    name: str = "serializable"

    def check(self, history: History) -> Verdict:
        """Holds each such read against the keys as they were."""
        past = [one for one in history.operations if is_of_the_past(one)]
        if not past:
            return Verdict(self.name, State.VALID)
        keys = _Past.of(history)
        findings = [
            *(finding for one in past if one.status is Status.OK for finding in keys.judge(one)),
            *_refusals(history, past),
            *_backwards(history, past),
        ]
        state = State.INVALID if findings else State.UNKNOWN if keys.undecided else State.VALID
        note = (
            f"{many(keys.undecided, 'read')} of keys with unknown writes" if keys.undecided else ""
        )
        return Verdict(self.name, state, tuple(findings[:FINDINGS_MAX]), note)


@dataclass(frozen=True, slots=True)
class _Was:
    """A key as it was from a revision on."""

    revision: int
    value: Json
    version: int
    create_revision: int


@dataclass(slots=True)
class _Past:
    """Every key at every revision."""

    keys: dict[str, list[_Was]] = field(default_factory=dict)
    unknown: dict[str, list[Operation]] = field(default_factory=dict)
    """By key, the steps of writes without an answer, where no watch tells what became of them."""
    is_anything_clouded: bool = False
    undecided: int = 0

    @classmethod
    def of(cls, history: History) -> "_Past":
        past = cls()
        log = EventLog.of(history.watches)
        last = 0
        writes: dict[int, Operation] = {}
        for operation in history.operations:
            last = max(last, operation.revision)
            if operation.function not in WRITES:
                continue
            if operation.status is Status.OK and WROTE[operation.function](operation):
                writes[operation.revision] = operation
            elif operation.status is Status.INFO:
                past._cloud(operation, log, last)
        for revision, changes in log.changes.items():
            if revision not in writes:
                writes[revision] = Operation(
                    process=0,
                    function="told",
                    value=changes,
                    call_ns=0,
                    return_ns=0,
                    status=Status.OK,
                    revision=revision,
                )
        past._replay([writes[revision] for revision in sorted(writes)])
        return past

    def _cloud(self, operation: Operation, log: EventLog, last_revision: int) -> None:
        keys = keys_written(operation)
        if keys is None:
            self.is_anything_clouded = True
            return
        for key in keys:
            if not log.covers(key, 1, last_revision):
                self.unknown.setdefault(key, []).extend(steps_of(operation, key))

    def _replay(self, writes: list[Operation]) -> None:
        # What does not agree here is the revision checker's to tell.
        replay = Replay(lambda _: None)
        for write in writes:
            replay.apply(write)
            for key in _changed(write, replay):
                held = replay.held[key]
                was = _Was(write.revision, held.value, held.version, held.create_revision)
                self.keys.setdefault(key, []).append(was)

    def at(self, key: str, revision: int) -> _Was | None:
        """The key as it was; None if it was not there."""
        versions = self.keys.get(key, [])
        index = bisect_right(versions, revision, key=lambda was: was.revision)
        was = versions[index - 1] if index else None
        return was if was is not None and was.version else None

    def judge(self, read: Operation) -> Iterator[Finding]:
        """What of an answer is not what the keys were."""
        asked = options(read).get("revision", 0)
        assert isinstance(asked, int), asked
        revision = asked or read.revision
        if not read.revision:
            raise MalformedError(f"{in_words(read)} has no revision")
        if asked > read.revision:
            yield Finding(f"{in_words(read)} is of a revision that was not there yet.", (read,))
            return
        for key, seen in self._seen(read, revision).items():
            was = self.at(key, revision)
            expected = None if was is None else plain(was.value)
            if seen == expected:
                continue
            is_explained = self._may_be_unknown(key, seen, read)
            if is_explained is None:
                self.undecided += 1
            if is_explained is not False:
                continue
            what = f"{key!r} was {shown(expected)} at revision {revision}, not {shown(seen)}"
            yield Finding(f"{in_words(read)} is not the past: {what}.", (read,))

    def _may_be_unknown(self, key: str, seen: Json, read: Operation) -> bool | None:
        """Whether a write without an answer can have left this; None where nobody can tell."""
        steps = self.unknown.get(key, [])
        if self.is_anything_clouded or any(step.function == "append" for step in steps):
            return None
        return any(
            mark_of(step) == frozen(seen)
            and step.function != "read"
            and (read.return_ns is None or step.call_ns <= read.return_ns)
            for step in steps
        )

    def _seen(self, read: Operation, revision: int) -> dict[str, Json]:
        """What the read says of each key that it is about; null of those it does not have."""
        if read.function == "read":
            return {read.key: plain(read.result)}
        asked = span(read)
        found = {str(kv["key"]): plain(kv["value"]) for kv in key_values(read)}
        if asked.limit and len(found) >= asked.limit:
            return found
        there = (key for key in self.keys if key in asked and self.at(key, revision) is not None)
        return dict.fromkeys(there) | found


def _changed(write: Operation, replay: Replay) -> list[str]:
    match write.function:
        case "told":
            assert isinstance(write.value, dict), write.value
            return list(write.value)
        case "txn":
            parts = transaction_of(write).parts
            return list(dict.fromkeys(key for verb, key, _ in parts if verb != "r"))
        case "delete":
            asked = span(write)
            return [key for key, held in replay.held.items() if key in asked and not held.version]
        case _:
            return [write.key]


def _refusals(history: History, past: list[Operation]) -> Iterator[Finding]:
    """Reads that were refused, or not, against what had been compacted."""
    compactions = [one for one in history.operations if one.function == "compact"]
    for read in past:
        asked = options(read).get("revision", 0)
        assert isinstance(asked, int), asked
        if not asked:
            continue
        if read.status is Status.OK:
            for one in compactions:
                if _is_over(one, read) and asked < _compacted(one):
                    what = f"{in_words(read)} was answered, though {in_words(one)} was over"
                    yield Finding(f"{what}.", (one, read))
                    break
        elif COMPACTED in read.error and not any(
            one.status is not Status.FAIL
            and asked < _compacted(one)
            and (read.return_ns is None or one.call_ns <= read.return_ns)
            for one in compactions
        ):
            yield Finding(f"{in_words(read)}: compacted, though nobody compacted it.", (read,))
        elif FUTURE in read.error and not options(read).get("serializable"):
            yield from _not_future(history, read, asked)


def _not_future(history: History, read: Operation, asked: int) -> Iterator[Finding]:
    for one in history.operations:
        if one.revision >= asked and one.status is Status.OK and _is_before(one, read):
            what = f"{in_words(read)}: in the future, though {in_words(one)} was answered before"
            yield Finding(f"{what}.", (one, read))
            return


def _is_over(compaction: Operation, read: Operation) -> bool:
    """Whether the member that answered the read has certainly compacted."""
    is_own = not options(read).get("serializable") or compaction.member == read.member != ""
    return compaction.status is Status.OK and is_own and _is_before(compaction, read)


def _is_before(one: Operation, other: Operation) -> bool:
    return one.return_ns is not None and one.return_ns < other.call_ns


def _compacted(compaction: Operation) -> int:
    if type(compaction.value) is not int:
        raise MalformedError(f"compact takes a revision, not {compaction.value!r}")
    return compaction.value


def _backwards(history: History, past: list[Operation]) -> Iterator[Finding]:
    """Answers of one member that are older than what it had answered before."""
    by_member: dict[str, list[Operation]] = {}
    for read in past:
        if read.status is Status.OK and read.member:
            by_member.setdefault(read.member, []).append(read)
    for member, reads in sorted(by_member.items()):
        restarts = [
            band
            for band in history.faults
            if band.name in RESTARTS and not band.skipped and _hits(band.targets, member)
        ]
        yield from _of_member(member, reads, [band.begin_ns for band in restarts])


def _of_member(member: str, reads: list[Operation], restarts_ns: list[int]) -> Iterator[Finding]:
    """The same of one member: each read against the newest that had returned before its call."""
    by_return = sorted(reads, key=lambda read: read.return_ns or 0)
    returned = 0
    newest: Operation | None = None
    for read in sorted(reads, key=lambda read: read.call_ns):
        while returned < len(by_return) and _is_before(by_return[returned], read):
            if newest is None or by_return[returned].revision >= newest.revision:
                newest = by_return[returned]
            returned += 1
        if newest is None or read.revision >= newest.revision:
            continue
        if any(newest.call_ns <= at_ns <= (read.return_ns or 0) for at_ns in restarts_ns):
            newest = None
            continue
        what = f"{member} went back: {in_words(read)}, after {in_words(newest)}"
        yield Finding(f"{what}.", (newest, read))


def _hits(targets: list[str], member: str) -> bool:
    """Whether a fault may have hit the member; targets by role may be anyone."""
    roles = {"leader", "follower", "any", "all", "majority", "minority"}
    return not targets or member in targets or bool(roles & set(targets))
