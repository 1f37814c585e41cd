"""A leadership transfer that somebody waits for."""

from collections.abc import Callable
from typing import TypeAlias

from raftkv.command.types import Failure
from raftkv.raft.core import Raft
from raftkv.raft.events import TransferLeadership

OnDone: TypeAlias = Callable[[Failure | None], None]


class Handover:
    """At most one transfer at a time, and who is told how it went."""

    def __init__(self, raft: Raft) -> None:
        self._raft = raft
        self._on_done: OnDone | None = None
        self._target = 0
        self._term = 0

    @property
    def is_under_way(self) -> bool:
        """Whether this leader is about to hand over, and takes no requests meanwhile."""
        return self._on_done is not None

    def begin(self, target: int, on_done: OnDone) -> None:
        """Asks the core to hand over to `target`, which must be another voter."""
        raft = self._raft
        if raft.leader != raft.member_id:
            on_done(Failure.NOT_LEADER)
        elif target == raft.member_id:
            on_done(None)
        elif target not in raft.membership.voters:
            on_done(Failure.BAD_LEADER_TRANSFEREE)
        elif self._on_done is not None:
            on_done(Failure.TOO_MANY_REQUESTS)
        else:
            self._on_done, self._target, self._term = on_done, target, raft.term
            raft.step(TransferLeadership(target))

    def leader_changed(self) -> None:
        """There is a new leader, or none for the moment."""
        raft = self._raft
        if raft.leader and raft.term != self._term:  # this member again, perhaps
            self._end(None if raft.leader == self._target else Failure.TIMEOUT)

    def failed(self) -> None:
        """The core gave the transfer up."""
        self._end(Failure.TIMEOUT)

    def _end(self, failure: Failure | None) -> None:
        on_done, self._on_done = self._on_done, None
        if on_done is not None:
            on_done(failure)
