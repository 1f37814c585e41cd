"""Committed entries become state, and answers for those who wait for them here."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from raftkv.apply.state import StateMachine
from raftkv.command.types import (
    COMMAND_HEAD_BYTES,
    FORMAT_VERSION,
    CommandKind,
    Failure,
    Result,
    decode_head,
)
from raftkv.node.proposals import OnResult, Proposals
from raftkv.raft.membership import membership_context
from raftkv.raft.types import (
    ENTRY_HEAD_BYTES,
    EntryKind,
    entry_index,
    entry_kind,
    entry_payload,
    entry_term,
)

Answer: TypeAlias = tuple[OnResult, Result]

_BODY_AT = ENTRY_HEAD_BYTES + COMMAND_HEAD_BYTES
_MEMBER_KINDS = frozenset(
    (
        CommandKind.MEMBER_ADD,
        CommandKind.MEMBER_REMOVE,
        CommandKind.MEMBER_PROMOTE,
        CommandKind.MEMBER_UPDATE,
        CommandKind.MEMBER_PUBLISH,
    )
)


class Applied(NamedTuple):
    """A state, and the last entry whose effect is in it."""

    state: StateMachine
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    term: int


class Applying:
    """Applies committed entries in order, each exactly once.

    Invariant: `index` and `term` are those of the last entry whose effect is in `state`.
    """

    def __init__(
        self,
        member_id: int,
        applied: Applied,
        proposals: Proposals,
        on_members_changed: Callable[[], None],
    ) -> None:
        self.state, self.index, self.term = applied
        self.committed: list[bytes] = []
        """Committed entries that wait to be applied."""
        self._member_id = member_id
        self._proposals = proposals
        self._on_members_changed = on_members_changed

    @property
    def applied(self) -> Applied:
        """The state with its place in the log."""
        return Applied(self.state, self.index, self.term)

    def restart(self, applied: Applied) -> list[Answer]:
        """Goes on from another state, as after a snapshot; entries that it contains are dropped.

        Returns the answers for requests of earlier terms: nobody will ever see their entries here.
        """
        self.state, self.index, self.term = applied
        self.committed = [entry for entry in self.committed if entry_index(entry) > self.index]
        return self._begin_term(self.term)

    def run(self, entries_max: int) -> list[Answer]:
        """Applies up to `entries_max` entries; returns the answers for requests of this member."""
        batch = self.committed[:entries_max]
        del self.committed[:entries_max]
        answers: list[Answer] = []
        apply = self.state.apply
        take_waiting = self._proposals.waiting.pop
        me = self._member_id
        for entry in batch:
            self._enter(entry, answers)
            if entry[ENTRY_HEAD_BYTES - 1] != EntryKind.NORMAL or len(entry) < _BODY_AT:
                self._apply_special(entry, answers)
                continue
            version, kind, origin, request_id = decode_head(entry, ENTRY_HEAD_BYTES)
            assert version == FORMAT_VERSION, f"entry {self.index}: command format {version}"
            result = apply(kind, entry[_BODY_AT:])
            if origin == me:
                on_result = take_waiting(request_id, None)
                if on_result is not None:
                    answers.append((on_result, result))
            if kind in _MEMBER_KINDS:
                self._on_members_changed()
        return answers

    def _enter(self, entry: bytes, answers: list[Answer]) -> None:
        index = entry_index(entry)
        assert index == self.index + 1, f"applied {self.index}, then {index}"
        self.index = index
        term = entry_term(entry)
        if term != self.term:
            self.term = term
            answers += self._begin_term(term)

    def _begin_term(self, term: int) -> list[Answer]:
        failed = self._proposals.decided_before(term)
        return [(on_result, Failure.TIMEOUT_LEADER_FAILED) for on_result in failed]

    def _apply_special(self, entry: bytes, answers: list[Answer]) -> None:
        """A leader's no-op, or a membership entry with or without a command."""
        if entry_kind(entry) != EntryKind.MEMBERSHIP:
            assert len(entry) == ENTRY_HEAD_BYTES, f"entry {self.index}: {len(entry)} bytes"
            return
        context = membership_context(entry_payload(entry))
        if not context:
            return
        _, kind, origin, request_id = decode_head(context)
        result = self.state.apply(kind, context[COMMAND_HEAD_BYTES:])
        if origin == self._member_id:
            on_result = self._proposals.waiting.pop(request_id, None)
            if on_result is not None:
                answers.append((on_result, result))
        self._on_members_changed()
