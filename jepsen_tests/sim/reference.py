"""What the committed log means: every entry applied once, in order, by one machine with no disk.

Members are held against it: their states, their answers, their watches. It runs the production
verbs, so it finds what goes wrong around them (twice, not at all, out of order, half stored); that
the verbs themselves are right is shown elsewhere, against models.
"""

from bisect import bisect_right
from typing import NamedTuple

from jepsen_tests.sim.broken import BrokenPromiseError
from raftkv.apply.state import StateMachine
from raftkv.command.types import COMMAND_HEAD_BYTES, CommandKind, Failure, Result, decode_head
from raftkv.config import LimitsConfig
from raftkv.mvcc.memory import MemoryRows, MemoryTables
from raftkv.mvcc.store import Change
from raftkv.pb import kv_pb2, rpc_pb2
from raftkv.raft.membership import membership_context
from raftkv.raft.types import EntryKind, entry_kind, entry_payload


class Event(NamedTuple):
    """One change as a watch tells it."""

    revision: int
    key: bytes
    value: bytes | None
    """None: the key was deleted."""


class Reference:
    """The one state that all members are on their way to."""

    def __init__(self) -> None:
        self.state = StateMachine(MemoryRows(), MemoryTables(), LimitsConfig())
        self.state.load()
        self.state.on_changes = self._record
        self.hashes = [self.state.rolling_hash]
        """The state's rolling hash by the index of the last applied entry."""
        self.results: dict[tuple[int, int], Result] = {}
        """(origin, request id) -> what the request came to."""
        self.events: list[Event] = []
        """All that ever happened, in order."""
        self.expired: list[int] = []
        """Leases that a leader revoked of its own accord, since this was last emptied."""
        self._by_key: dict[bytes, list[Event]] = {}

    def apply(self, entry: bytes) -> None:
        """Applies the next committed entry."""
        command = entry_payload(entry)
        if entry_kind(entry) == EntryKind.MEMBERSHIP:
            command = membership_context(command)
        if command:
            self._apply_command(command)
        self.hashes.append(self.state.rolling_hash)

    def value_at(self, key: bytes, revision: int) -> Event | None:
        """The change that made the key what it was at a revision; None if it did not exist."""
        changes = self._by_key.get(key, [])
        at = bisect_right(changes, revision, key=lambda event: event.revision)
        found = changes[at - 1] if at else None
        return None if found is None or found.value is None else found

    def _apply_command(self, command: bytes) -> None:
        _, kind, origin, request_id = decode_head(command)
        body = command[COMMAND_HEAD_BYTES:]
        result = self.state.apply(kind, body)
        if request_id:
            if (origin, request_id) in self.results:
                raise BrokenPromiseError(
                    f"request {request_id:#x} of member {origin} is in the log twice"
                )
            self.results[origin, request_id] = result
        elif kind == CommandKind.LEASE_REVOKE and not isinstance(result, Failure):
            self.expired.append(rpc_pb2.LeaseRevokeRequest.FromString(body).ID)

    def _record(self, revision: int, changes: list[Change]) -> None:
        for key, _, row, _ in changes:
            kv = kv_pb2.KeyValue.FromString(row)
            event = Event(revision, key, kv.value if kv.version else None)
            self.events.append(event)
            self._by_key.setdefault(key, []).append(event)
