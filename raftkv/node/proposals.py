"""Requests on their way into the log and out of it: queued, sent, answered, given up.

Request ids rise by one, so "every request up to this id" names what was sent in a term or what is
older than a deadline, and no request needs a timer or a record of its own.
"""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from raftkv.command.types import Failure, Result, decode_head, encode_command
from raftkv.config import NodeConfig

OnResult: TypeAlias = Callable[[Result], None]


class Proposals:
    """The requests that this member's clients wait for.

    Invariants: a queued command is in no log; a sent command is sent again only when it was put
    back, because who got it did not take it; every callback is handed out exactly once.
    """

    def __init__(self, member_id: int, first_request_id: int, config: NodeConfig) -> None:
        self._member_id = member_id
        self._last_id = first_request_id - 1
        self._waiting_max = config.proposals_waiting_max
        self._bytes_max = config.proposal_bytes_waiting_max
        self.waiting: dict[int, OnResult] = {}
        """Request id -> callback, in the order of ids."""
        self.queued: list[bytes] = []
        """Commands not yet handed to a leader."""
        self._queued_bytes = 0
        self._sent: deque[tuple[int, int]] = deque()
        """(term, last id): what was not sent before, up to that id, went to that term's leader."""
        self._put_back: set[int] = set()
        """Ids of queued commands that were sent before."""
        self._sent_again: dict[int, int] = {}
        """The term in which a command that had been put back was sent again, by its id."""
        self._deadlines: deque[tuple[int, int]] = deque()
        """(tick, last id): requests up to that id are given up at that tick."""

    def __len__(self) -> int:
        """How many requests wait."""
        return len(self.waiting)

    def add(self, kind: int, body: bytes, on_result: OnResult) -> Failure | None:
        """Queues a command; the failure when there is no room: then the callback is not kept."""
        if len(self.waiting) >= self._waiting_max or self._queued_bytes >= self._bytes_max:
            return Failure.TOO_MANY_REQUESTS
        self._last_id = request_id = self._last_id + 1
        self.waiting[request_id] = on_result
        self.queued.append(encode_command(kind, self._member_id, request_id, body))
        self._queued_bytes += len(body)
        return None

    def register(self, kind: int, body: bytes, on_result: OnResult) -> bytes | None:
        """The same for one that travels alone (a membership change): not queued, but returned."""
        if len(self.waiting) >= self._waiting_max:
            return None
        self._last_id = request_id = self._last_id + 1
        self.waiting[request_id] = on_result
        return encode_command(kind, self._member_id, request_id, body)

    def take(self, term: int) -> list[bytes]:
        """The queued commands, which from now on count as sent to the leader of `term`."""
        taken = self.queued
        self.queued = []
        self._queued_bytes = 0
        if self._put_back:
            self._sent_again.update(dict.fromkeys(self._put_back, term))
            self._put_back.clear()
        if not self._sent or self._sent[-1][0] != term:
            self._sent.append((term, self._last_id))
        else:
            self._sent[-1] = (term, self._last_id)
        return taken

    def put_back(self, commands: list[bytes]) -> None:
        """Queues commands again that certainly were not taken into any log."""
        again = self._still_waiting(commands)
        self._put_back.update(decode_head(command)[3] for command in again)
        self.queued[:0] = again
        self._queued_bytes = sum(map(len, self.queued))

    def deadline(self, tick: int) -> None:
        """Every request so far is given up at `tick`, unless an earlier deadline holds it."""
        if self.waiting and (not self._deadlines or self._deadlines[-1][1] < self._last_id):
            self._deadlines.append((tick, self._last_id))

    def expire(self, tick: int) -> list[OnResult]:
        """The callbacks of the requests whose time is up; they no longer wait."""
        expired: list[OnResult] = []
        while self._deadlines and self._deadlines[0][0] <= tick:
            expired += self._pop_up_to(self._deadlines.popleft()[1])
        if expired and self.queued:
            self.queued = self._still_waiting(self.queued)
            self._queued_bytes = sum(map(len, self.queued))
        return expired

    def decided_before(self, term: int) -> list[OnResult]:
        """The callbacks of requests sent in terms before `term`, which can no longer be committed.

        Called when the first entry of `term` was applied: what an earlier leader had taken into a
        log that survived lies before it, and no leader of `term` takes a command sent to an earlier
        one.
        """
        last_id = 0
        while self._sent and self._sent[0][0] < term:
            last_id = self._sent.popleft()[1]
        self._sent_again = {i: sent for i, sent in self._sent_again.items() if sent >= term}
        unsent = {decode_head(command)[3] for command in self.queued} | self._sent_again.keys()
        if not last_id or (unsent and min(unsent) <= last_id):
            return self._pop_sent(last_id, unsent)
        return self._pop_up_to(last_id)

    def fail(self, request_ids: list[int]) -> list[OnResult]:
        """The callbacks of the requests with these ids; they no longer wait."""
        found = [self.waiting.pop(request_id, None) for request_id in request_ids]
        return [callback for callback in found if callback is not None]

    def _still_waiting(self, commands: list[bytes]) -> list[bytes]:
        return [command for command in commands if decode_head(command)[3] in self.waiting]

    def abandon(self) -> list[OnResult]:
        """Every callback, for a member that stops."""
        callbacks = list(self.waiting.values())
        self.waiting.clear()
        self.queued.clear()
        return callbacks

    def _pop_up_to(self, last_id: int) -> list[OnResult]:
        popped = []
        for request_id in self.waiting:
            if request_id > last_id:
                break
            popped.append(request_id)
        return [self.waiting.pop(request_id) for request_id in popped]

    def _pop_sent(self, last_id: int, unsent: set[int]) -> list[OnResult]:
        sent = [i for i in self.waiting if i <= last_id and i not in unsent]
        return [self.waiting.pop(i) for i in sent]
