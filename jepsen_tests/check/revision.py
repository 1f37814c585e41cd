"""Strict serializability of an etcd history, nearly in linear time: the revisions are the order.

Every write has its own revision, and every linearizable read says at which it read. That gives one
total order, writes at place 2r and reads of revision r at 2r + 1, and leaves three questions:

- Does real time agree? Nothing may return before something is called that comes earlier. One pass
  in the order of places answers it, with the latest call so far.
- Does each answer agree with the writes before it (`replay.py`)?
- Does each revision belong to one write, and is none missing?

Writes without an answer have no place. The watches' events tell it (`event_log.py`), and where they
do not, the linearizability search decides on the key in question (`unknown_writes.py`).

Operations are fed as they complete. `settle` judges all whose place can no longer change, so a run
can be checked while it goes on, and what is kept is the keys, and what is not settled.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter

from jepsen_tests.check.etcd_operations import (
    UNDERSTOOD,
    WITHOUT_REVISION,
    WRITES,
    WROTE,
    changes_of,
    is_of_the_past,
    plain,
)
from jepsen_tests.check.replay import Mismatch, Replay
from jepsen_tests.check.told import EventLog
from jepsen_tests.check.unknown_writes import UnknownWrites
from jepsen_tests.check.words import in_words, many
from jepsen_tests.history import History, Json, Operation, Status, WatchEvents
from jepsen_tests.verdict import Finding, State, Verdict

NAME = "revisions"
FINDINGS_MAX = 20
"""More are counted, not told."""
_NEVER_NS = 1 << 64


@dataclass(frozen=True, slots=True)
class Revisions:
    """Checks a whole history by its revisions."""

    name: str = NAME

    def check(self, history: History) -> Verdict:
        """Whether the revisions order all answers."""
        stream = RevisionStream()
        for response in history.watches:
            stream.feed_events(response)
        for operation in history.operations:
            stream.feed(operation)
        return stream.finish()


class RevisionStream:
    """The same, operation by operation, in the order of completion."""

    def __init__(self) -> None:
        self._log = EventLog()
        self._unknown = UnknownWrites()
        self._replay = Replay(self._disagree)
        self._findings: list[Finding] = []
        self._findings_left_out = 0
        self._left_out: set[str] = set()
        self._undecided: dict[str, None] = {}
        self._waiting: list[tuple[int, Operation]] = []
        """Fed, with its place, and not settled."""
        self._new_unknown: list[Operation] = []
        self._place = 0
        """Of the last that was settled."""
        self._latest_before: Operation | None = None
        """The latest call of those settled at earlier places."""
        self._latest: Operation | None = None
        """The same, with those at this place."""
        self._first_revision = 0
        self._owned = 0
        """How many revisions have a known owner."""
        self._newest_revision = 0
        self._first_missing = 0

    def feed(self, operation: Operation) -> None:
        """Takes an operation that is complete."""
        function = operation.function
        wrote = WROTE.get(function)
        if wrote is None:
            self._left_out.add(function)
        elif operation.status is Status.OK:
            if operation.value is not None and is_of_the_past(operation):
                return
            if not operation.revision:
                self._leave_open(f"{in_words(operation)} has no revision")
                return
            self._waiting.append((2 * operation.revision + (not wrote(operation)), operation))
        elif operation.status is Status.INFO and function in WRITES:
            self._new_unknown.append(operation)

    def feed_events(self, response: WatchEvents) -> None:
        """Takes what a watch was told."""
        self._log.add(response)

    def settle(self, oldest_open_call_ns: int) -> None:
        """Judges what is certain; whatever is fed from now on was called at that time or later."""
        returned = [
            place
            for place, operation in self._waiting
            if operation.return_ns is not None and operation.return_ns < oldest_open_call_ns
        ]
        if returned:
            self._settle_to(max(returned))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong so far."""
        return (*self._findings, *self._log.findings[:FINDINGS_MAX])

    def so_far(self) -> Verdict:
        """The verdict on what is settled; writes without an answer are decided at the end."""
        state = State.INVALID if self.findings else State.VALID
        return Verdict(NAME, state, self.findings, f"up to revision {self._place // 2}")

    def finish(self) -> Verdict:
        """The verdict, when all has been fed."""
        self._settle_to(max((place for place, _ in self._waiting), default=self._place))
        for key, verdict in self._unknown.decide(self._is_told):
            if verdict.state is State.INVALID:
                self._find(verdict.findings[0])
            elif verdict.state is State.UNKNOWN:
                self._leave_open(f"{key!r}: {verdict.note}")
        self._count_revisions()
        notes = [f"left out: {', '.join(sorted(self._left_out))}"] if self._left_out else []
        if self._findings_left_out:
            notes.append(f"{many(self._findings_left_out, 'more finding')} of the same kinds")
        if self._undecided:
            notes.append(f"undecided: {'; '.join(self._undecided)}")
        state = State.UNKNOWN if self._undecided else State.VALID
        if self.findings:
            state = State.INVALID
        return Verdict(NAME, state, self.findings, "; ".join(notes))

    def _settle_to(self, last_place: int) -> None:
        """Judges all that is waiting at places up to this one."""
        self._place_unknown()
        settled = [entry for entry in self._waiting if entry[0] <= last_place]
        self._waiting = [entry for entry in self._waiting if entry[0] > last_place]
        if self._log.changes:
            settled += self._told(dict(settled), last_place)
        settled.sort(key=itemgetter(0))
        self._judge(settled)
        self._log.forget(last_place // 2)

    def _place_unknown(self) -> None:
        """Finds the place after which each new unknown write must come, by real time."""
        if not self._new_unknown:
            return
        returns = sorted((operation.return_ns or 0, place) for place, operation in self._waiting)
        newest = list(accumulate((place for _, place in returns), max))
        for operation in self._new_unknown:
            before = bisect_left(returns, (operation.call_ns, 0))
            after = newest[before - 1] if before else 0
            self._unknown.add(operation, max(after, self._place))
        self._new_unknown = []

    def _told(self, answered: dict[int, Operation], last_place: int) -> list[tuple[int, Operation]]:
        """The revisions that watches told of and no answer did: unknown writes, or nobody's."""
        entries = []
        for revision, changes in sorted(self._log.changes.items()):
            place = 2 * revision
            if not self._place < place <= last_place:
                continue
            owner = answered.get(place)
            if owner is not None:
                self._compare(owner, changes)
                continue
            writer = self._unknown.resolve(changes)
            if writer is None and self._is_all_understood:
                self._find(_nobodys(revision, changes))
            entries.append((place, _as_told(revision, changes, writer)))
        return entries

    def _compare(self, owner: Operation, told: dict[str, Json]) -> None:
        """Holds what watches were told of a revision against the write that was answered so."""
        wrote = changes_of(owner)
        if wrote is None or told.items() <= wrote.items():
            return
        if not all(key in wrote and plain(value) == wrote[key] for key, value in told.items()):
            what = f"Watches were told of revision {owner.revision}: {told}"
            self._find(Finding(f"{what}, and {in_words(owner)} was answered so.", (owner,)))

    def _judge(self, entries: Iterable[tuple[int, Operation]]) -> None:
        """Takes operations in the order of their places; those of one place are concurrent."""
        apply, held, keep = self._replay.apply, self._replay.held, self._unknown.keep
        has_unknown = self._unknown.count > 0
        current, before, latest = self._place, self._latest_before, self._latest
        before_ns = before.call_ns if before is not None else -1
        latest_ns = latest.call_ns if latest is not None else -1
        for place, operation in entries:
            if place > current:
                self._count(current, place)
                current, before, before_ns = place, latest, latest_ns
            elif place < current or not place & 1:
                self._out_of_place(place, current, operation)
                continue
            if operation.return_ns is not None and operation.return_ns < before_ns:
                assert before is not None, "its call is the latest"
                self._find(_back_in_time(operation, before))
            if operation.call_ns > latest_ns:
                latest, latest_ns = operation, operation.call_ns
            if has_unknown:
                keep(place, operation, held)
            apply(operation)
        self._place, self._latest_before, self._latest = current, before, latest

    def _count(self, current: int, place: int) -> None:
        """Counts the revisions between two places that follow each other."""
        revision = place // 2
        is_write = not place & 1
        if not self._first_revision:
            self._first_revision = revision + (not is_write)
        elif revision > current // 2 + is_write and not self._first_missing:
            self._first_missing = current // 2 + 1
        self._owned += is_write
        self._newest_revision = revision

    def _out_of_place(self, place: int, current: int, operation: Operation) -> None:
        if place == current:
            what = f"Two writes have revision {operation.revision}: {in_words(operation)}."
            self._find(Finding(what, (operation,)))
        else:
            newer = self._latest
            self._find(
                Finding(
                    f"{in_words(operation)} came at revision {operation.revision}, after "
                    f"revision {current // 2} had been told.",
                    (operation,) if newer is None else (newer, operation),
                )
            )

    def _disagree(self, mismatch: Mismatch) -> None:
        if self._unknown.suspect(mismatch.key):
            return
        if self._unknown.may_be_in(mismatch.span):
            self._leave_open(f"{mismatch.key!r}: an unknown write may be about several keys")
            return
        if not self._is_all_understood and not self._log.covers(
            mismatch.key, self._first_revision, mismatch.operation.revision
        ):
            self._leave_open(f"{mismatch.key!r}: a lease may have ended")
            return
        writer = mismatch.writer
        since = f" by {in_words(writer)}" if writer is not None else " by nobody"
        operation = mismatch.operation
        self._find(
            Finding(
                f"{in_words(operation)} is not what the writes before it left: {mismatch.what}, "
                f"written{since}.",
                (operation,) if writer is None else (writer, operation),
            )
        )

    def _count_revisions(self) -> None:
        """Whether more revisions are missing than unknown writes can have made."""
        if not self._first_revision or not self._is_all_understood:
            return
        missing = self._newest_revision - self._first_revision + 1 - self._owned
        if missing > self._unknown.count:
            self._find(
                Finding(
                    f"{many(missing, 'revision')} from {self._first_missing} on are not those of "
                    f"an answered write, and only {many(self._unknown.count, 'write')} got no "
                    "answer."
                )
            )

    @property
    def _is_all_understood(self) -> bool:
        return self._left_out <= WITHOUT_REVISION

    def _is_told(self, key: str) -> bool:
        return self._log.covers(key, self._first_revision or 1, self._newest_revision)

    def _leave_open(self, why: str) -> None:
        if len(self._undecided) < FINDINGS_MAX:
            self._undecided[why] = None

    def _find(self, finding: Finding) -> None:
        if len(self._findings) < FINDINGS_MAX:
            self._findings.append(finding)
        else:
            self._findings_left_out += 1


def _back_in_time(operation: Operation, before: Operation) -> Finding:
    return Finding(
        f"{in_words(operation)} had returned before {in_words(before)} was called, "
        "and yet comes after it in the order of revisions: what was called later is stale.",
        (operation, before),
    )


def _nobodys(revision: int, changes: dict[str, Json]) -> Finding:
    return Finding(f"Watches were told of revision {revision}, {changes}, which nobody wrote.")


def _as_told(revision: int, changes: dict[str, Json], writer: Operation | None) -> Operation:
    """The write that a revision told of, with no more of a time than is known."""
    return Operation(
        process=writer.process if writer is not None else 0,
        function="told",
        value=changes,
        call_ns=writer.call_ns if writer is not None else 0,
        return_ns=_NEVER_NS,
        status=Status.OK,
        revision=revision,
    )


assert UNDERSTOOD.isdisjoint(WITHOUT_REVISION), "a function makes revisions or does not"
