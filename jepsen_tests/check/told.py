"""What all watches of a run together say was written, revision by revision.

A watch that sees all keys from the first revision on is the store's log as it was told to a client,
so it settles what became of writes that got no answer. Whether watches are right by themselves is
the watch checker's question; here only what two of them say of the same key at the same revision
is compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from jepsen_tests.check.etcd_operations import Span
from jepsen_tests.check.words import shown
from jepsen_tests.history import Event, Json, WatchEvents
from jepsen_tests.verdict import Finding


@dataclass(slots=True)
class _Reach:
    """What one watch has seen for certain."""

    keys: Span
    start_revision: int
    revision: int
    """Everything up to this was told."""


@dataclass(slots=True)
class EventLog:
    """The changes that were told, by revision and key."""

    changes: dict[int, dict[str, Json]] = field(default_factory=dict)
    """Null is a deletion."""
    findings: list[Finding] = field(default_factory=list)
    _told_by: dict[tuple[int, str], str] = field(default_factory=dict)
    _reach: dict[str, _Reach] = field(default_factory=dict)

    @classmethod
    def of(cls, responses: Iterable[WatchEvents]) -> "EventLog":
        """The log of all the responses of a run."""
        log = cls()
        for response in responses:
            log.add(response)
        return log

    def add(self, response: WatchEvents) -> None:
        """Takes what a watch told."""
        for event in response.events:
            self._tell(response.watch, event)
        if not response.start_revision or response.filters or response.canceled:
            return
        reach = self._reach.get(response.watch)
        if reach is None:
            keys = Span(response.key, response.range_end)
            before = response.start_revision - 1
            reach = self._reach[response.watch] = _Reach(keys, response.start_revision, before)
        if response.fragment:
            return
        if response.events:
            reach.revision = max(reach.revision, response.events[-1]["mod_revision"])
        elif not response.created:
            # A notification of progress: all events up to its revision have been sent.
            reach.revision = max(reach.revision, response.revision)

    def covers(self, key: str, first: int, last: int) -> bool:
        """Whether each change of the key in these revisions was told."""
        return any(
            key in reach.keys and reach.start_revision <= first and last <= reach.revision
            for reach in self._reach.values()
        )

    def forget(self, revision: int) -> None:
        """Drops what was told up to a revision, once nobody will ask for it."""
        for old in [number for number in self.changes if number <= revision]:
            for key in self.changes.pop(old):
                self._told_by.pop((old, key), None)

    def _tell(self, watch: str, event: Event) -> None:
        value = event["value"] if event["type"] == "PUT" else None
        revision, key = event["mod_revision"], event["key"]
        changes = self.changes.setdefault(revision, {})
        if key not in changes:
            changes[key] = value
            self._told_by[revision, key] = watch
        elif changes[key] != value:
            other = self._told_by[revision, key]
            self.findings.append(
                Finding(
                    f"Watches disagree on revision {revision} of {key!r}: "
                    f"{other} was told {shown(changes[key])}, {watch} {shown(value)}."
                )
            )
