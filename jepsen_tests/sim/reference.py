"""What the committed log means: every entry applied once, in order, by one machine with no disk.

Members are held against it: their states, their answers, their watches. It runs the production
verbs, whose every result is held against the plain store, and so finds both a verb that is wrong
and what goes wrong around the verbs: twice, not at all, out of order, half stored.
"""

from typing import TYPE_CHECKING, NamedTuple

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.plain import Event, PlainStore
from raftkv.apply.state import StateMachine
from raftkv.command.types import COMMAND_HEAD_BYTES, CommandKind, Failure, Result, decode_head
from raftkv.config import LimitsConfig
from raftkv.mvcc.memory import MemoryRows, MemoryTables
from raftkv.mvcc.record import decode
from raftkv.mvcc.store import Change
from raftkv.pb import rpc_pb2
from raftkv.raft.membership import decode_membership, membership_context
from raftkv.raft.types import EntryKind, Membership, entry_kind, entry_payload

if TYPE_CHECKING:
    from google.protobuf.message import Message

__all__ = ["Digest", "Event", "Reference", "digest"]

_RESPONSES: dict[int, type["Message"]] = {
    CommandKind.PUT: rpc_pb2.PutResponse,
    CommandKind.DELETE_RANGE: rpc_pb2.DeleteRangeResponse,
    CommandKind.TXN: rpc_pb2.TxnResponse,
    CommandKind.COMPACT: rpc_pb2.CompactionResponse,
    CommandKind.LEASE_GRANT: rpc_pb2.LeaseGrantResponse,
    CommandKind.LEASE_REVOKE: rpc_pb2.LeaseRevokeResponse,
}


class Digest(NamedTuple):
    """What of a state can be told at a glance."""

    rolling_hash: int
    revision: int
    compact_revision: int
    keys: int
    leases: int


def digest(state: StateMachine) -> Digest:
    """A state at a glance."""
    store = state.store
    return Digest(
        store.rolling_hash,
        store.revision,
        store.compact_revision,
        store.key_count,
        len(state.lessor),
    )


class Reference:
    """The one state that all members are on their way to."""

    def __init__(self) -> None:
        self.state = StateMachine(MemoryRows(), MemoryTables(), LimitsConfig())
        self.state.load()
        self.state.on_changes = self._record
        self.plain = PlainStore()
        self.digests = [digest(self.state)]
        """The state at a glance by the index of the last applied entry."""
        self.memberships = [Membership(frozenset())]
        """The configuration by the index of the last applied entry."""
        self.results: dict[tuple[int, int], Result] = {}
        """(origin, request id) -> what the request came to."""
        self.revoked: list[tuple[int, int, int]] = []
        """(lease, origin, request id) of leases that went, since this was last emptied."""
        self._changes: list[Event] = []
        """Of the command being applied."""

    @property
    def events(self) -> list[Event]:
        """All that ever happened, in order."""
        return self.plain.events

    def apply(self, entry: bytes) -> None:
        """Applies the next committed entry."""
        command = entry_payload(entry)
        membership = self.memberships[-1]
        if entry_kind(entry) == EntryKind.MEMBERSHIP:
            membership = decode_membership(command)
            command = membership_context(command)
        result = self._apply_command(command) if command else None
        if isinstance(result, Failure) and membership != self.memberships[-1]:
            raise BrokenPromiseError(
                f"consensus went from {self.memberships[-1]} to {membership}, which the members "
                f"table refuses: {result.name}"
            )
        self.memberships.append(membership)
        self.digests.append(digest(self.state))

    def _apply_command(self, command: bytes) -> Result:
        _, kind, origin, request_id = decode_head(command)
        body = command[COMMAND_HEAD_BYTES:]
        self._changes = []
        result = self.state.apply(kind, body)
        self._hold_against_plain(kind, body, result)
        if request_id:
            if (origin, request_id) in self.results:
                raise BrokenPromiseError(
                    f"request {request_id:#x} of member {origin} is in the log twice"
                )
            self.results[origin, request_id] = result
        if kind == CommandKind.LEASE_REVOKE and not isinstance(result, Failure):
            lease = rpc_pb2.LeaseRevokeRequest.FromString(body).ID
            self.revoked.append((lease, origin, request_id))
        return result

    def _hold_against_plain(self, kind: int, body: bytes, result: Result) -> None:
        """The verb did what etcd promises: the answer, the revision, each change."""
        plain = self.plain
        if not plain.knows(kind):
            return
        known = len(plain.events)
        wanted = plain.apply(kind, body)
        got = (
            result
            if isinstance(result, Failure)
            else (result[0], _RESPONSES[kind].FromString(result[1]))
        )
        if got != wanted:
            raise BrokenPromiseError(
                f"{CommandKind(kind).name} at revision {plain.revision} is answered {got}, "
                f"due is {wanted}"
            )
        if self._changes != plain.events[known:]:
            raise BrokenPromiseError(
                f"{CommandKind(kind).name} at revision {plain.revision} made the changes "
                f"{self._changes}, due are {plain.events[known:]}"
            )
        if self.state.store.compact_revision != plain.compact_revision:
            raise BrokenPromiseError(
                f"compacted at {self.state.store.compact_revision}, not {plain.compact_revision}"
            )

    def _record(self, revision: int, changes: list[Change]) -> None:
        for key, _, row, _ in changes:
            fields = decode(row)
            value = fields.value if fields.version else None
            created, version, lease = fields.create_revision, fields.version, fields.lease
            self._changes.append(Event(revision, key, value, created, version, lease))
