"""The store once more, as plainly as it can be said: what etcd promises of each request.

Nothing of the product runs here but its messages and its names of failures. The whole history of
each key is a list, and every question is answered by looking through it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from google.protobuf.message import Message

from raftkv.command.types import CommandKind, Failure
from raftkv.pb import kv_pb2
from raftkv.pb import rpc_pb2 as pb

Answer: TypeAlias = tuple[int, Message] | Failure
"""(revision, the response without its header), or why not."""

NOT_COMPACTED = -1
_TARGETS: dict[int, str] = {
    pb.Compare.VERSION: "version",
    pb.Compare.CREATE: "create_revision",
    pb.Compare.MOD: "mod_revision",
    pb.Compare.VALUE: "value",
    pb.Compare.LEASE: "lease",
}


class Event(NamedTuple):
    """One change, as a watch tells it and as a read at its revision sees it."""

    revision: int
    key: bytes
    value: bytes | None
    """None: the key was deleted."""
    create_revision: int = 0
    version: int = 0
    lease: int = 0

    def kv(self) -> kv_pb2.KeyValue:
        """As clients are told of it."""
        return kv_pb2.KeyValue(
            key=self.key,
            value=self.value or b"",
            create_revision=self.create_revision,
            mod_revision=self.revision,
            version=self.version,
            lease=self.lease,
        )


class PlainStore:
    """Keys, revisions, leases."""

    def __init__(self) -> None:
        self.revision = 1
        self.compact_revision = NOT_COMPACTED
        self.leases: dict[int, int] = {}
        """Lease -> TTL in seconds."""
        self.events: list[Event] = []
        """All that ever happened, in order."""
        self.key_count = 0
        self._by_key: dict[bytes, list[Event]] = {}
        self._main = 0
        """The revision of the changes being made; 0 between requests."""
        self._verbs: dict[int, Any] = {
            CommandKind.PUT: (pb.PutRequest, self._put),
            CommandKind.DELETE_RANGE: (pb.DeleteRangeRequest, self._delete_range),
            CommandKind.TXN: (pb.TxnRequest, self._txn),
            CommandKind.COMPACT: (pb.CompactionRequest, self._compact),
            CommandKind.LEASE_GRANT: (pb.LeaseGrantRequest, self._grant),
            CommandKind.LEASE_REVOKE: (pb.LeaseRevokeRequest, self._revoke),
        }

    def knows(self, kind: int) -> bool:
        """Whether the command is about keys or leases."""
        return kind in self._verbs

    def apply(self, kind: int, body: bytes) -> Answer:
        """What a command comes to."""
        request_type, verb = self._verbs[kind]
        self._main = 0
        answer: Message | Failure = verb(request_type.FromString(body))
        if self._main:
            self.revision, self._main = self._main, 0
        return answer if isinstance(answer, Failure) else (self.revision, answer)

    # -- reading

    def last_change(self, key: bytes, revision: int) -> Event | None:
        """The last change of a key up to a revision."""
        changes = self._by_key.get(key, [])
        at = bisect_right(changes, revision, key=lambda event: event.revision)
        return changes[at - 1] if at else None

    def value_at(self, key: bytes, revision: int) -> Event | None:
        """The change that made the key what it was at a revision; None if it did not exist."""
        found = self.last_change(key, revision)
        return None if found is None or found.value is None else found

    def since(self, revision: int) -> list[Event]:
        """The changes from a revision on."""
        return self.events[bisect_left(self.events, revision, key=lambda event: event.revision) :]

    def before(self, event: Event) -> Event | None:
        """What the key was before the revision of a change; None if it did not exist."""
        return self.value_at(event.key, event.revision - 1)

    def in_range(self, key: bytes, range_end: bytes, revision: int) -> list[Event]:
        """The keys of a range as they were at a revision, in order."""
        if not range_end:
            found = [self.value_at(key, revision)]
        else:
            names = sorted(name for name in self._by_key if covers(key, range_end, name))
            found = [self.value_at(name, revision) for name in names]
        return [event for event in found if event is not None]

    def range(self, request: pb.RangeRequest, revision: int) -> pb.RangeResponse:
        """What a range at a revision is answered."""
        rows = self.in_range(request.key, request.range_end, revision)
        answer = pb.RangeResponse(count=len(rows))
        if request.count_only:
            return answer
        if request.limit and len(rows) > request.limit:
            answer.more = True
            rows = rows[: request.limit]
        answer.kvs.extend(event.kv() for event in rows)
        if request.keys_only:
            for kv in answer.kvs:
                kv.ClearField("value")
        return answer

    def kept_rows(self) -> int:
        """How many rows a store holds that has removed all that compaction gave up."""
        return sum(self._kept(changes) for changes in self._by_key.values())

    def _kept(self, changes: list[Event]) -> int:
        at = bisect_right(changes, self.compact_revision, key=lambda event: event.revision)
        later = len(changes) - at
        if not at:
            return later
        newest = changes[at - 1]
        is_kept = newest.value is not None or newest.revision == self.compact_revision
        return later + is_kept

    # -- writing

    @property
    def _newest(self) -> int:
        return self._main or self.revision

    def _change(self, key: bytes, value: bytes | None, lease: int = 0) -> None:
        self._main = self.revision + 1
        before = self.value_at(key, self._main)
        if value is None:
            event = Event(self._main, key, None)
            self.key_count -= 1
        elif before is None:
            event = Event(self._main, key, value, self._main, 1, lease)
            self.key_count += 1
        else:
            created, version = before.create_revision, before.version + 1
            event = Event(self._main, key, value, created, version, lease)
        self.events.append(event)
        self._by_key.setdefault(key, []).append(event)

    def _check_put(self, request: pb.PutRequest) -> Failure | None:
        if request.lease and request.lease not in self.leases:
            return Failure.LEASE_NOT_FOUND
        wants_known = request.ignore_value or request.ignore_lease
        if wants_known and self.value_at(request.key, self.revision) is None:
            return Failure.KEY_NOT_FOUND
        return None

    def _put(self, request: pb.PutRequest) -> pb.PutResponse | Failure:
        return self._check_put(request) or self._put_checked(request)

    def _put_checked(self, request: pb.PutRequest) -> pb.PutResponse:
        before = self.value_at(request.key, self._newest)
        answer = pb.PutResponse()
        value, lease = request.value, request.lease
        if before is not None:
            if request.prev_kv:
                answer.prev_kv.CopyFrom(before.kv())
            value = before.value or b"" if request.ignore_value else value
            lease = before.lease if request.ignore_lease else lease
        self._change(request.key, value, lease)
        return answer

    def _delete_range(self, request: pb.DeleteRangeRequest) -> pb.DeleteRangeResponse:
        rows = self.in_range(request.key, request.range_end, self._newest)
        for row in rows:
            self._change(row.key, None)
        answer = pb.DeleteRangeResponse(deleted=len(rows))
        if request.prev_kv:
            answer.prev_kvs.extend(row.kv() for row in rows)
        return answer

    def _compact(self, request: pb.CompactionRequest) -> pb.CompactionResponse | Failure:
        if request.revision <= self.compact_revision:
            return Failure.COMPACTED
        if request.revision > self.revision:
            return Failure.FUTURE_REVISION
        self.compact_revision = request.revision
        return pb.CompactionResponse()

    def _grant(self, request: pb.LeaseGrantRequest) -> pb.LeaseGrantResponse | Failure:
        if request.ID in self.leases:
            return Failure.LEASE_EXISTS
        self.leases[request.ID] = request.TTL
        return pb.LeaseGrantResponse(ID=request.ID, TTL=request.TTL)

    def _revoke(self, request: pb.LeaseRevokeRequest) -> pb.LeaseRevokeResponse | Failure:
        if self.leases.pop(request.ID, None) is None:
            return Failure.LEASE_NOT_FOUND
        for row in self.in_range(b"\0", b"\0", self.revision):
            if row.lease == request.ID:
                self._change(row.key, None)
        return pb.LeaseRevokeResponse()

    # -- transactions

    def _txn(self, request: pb.TxnRequest) -> pb.TxnResponse | Failure:
        branches: list[bool] = []
        return self._choose(request, branches) or self._execute(request, iter(branches))

    def _choose(self, request: pb.TxnRequest, branches: list[bool]) -> Failure | None:
        """Notes which branch is taken, here and then in each nested transaction in order."""
        branches.append(all(self._holds(compare) for compare in request.compare))
        for operation in request.success if branches[-1] else request.failure:
            failure = None
            if operation.HasField("request_put"):
                failure = self._check_put(operation.request_put)
            elif operation.HasField("request_range"):
                failure = self._check_range(operation.request_range)
            elif operation.HasField("request_txn"):
                failure = self._choose(operation.request_txn, branches)
            if failure is not None:
                return failure
        return None

    def _check_range(self, request: pb.RangeRequest) -> Failure | None:
        if request.revision > self.revision:
            return Failure.FUTURE_REVISION
        is_gone = request.revision != 0 and request.revision < self.compact_revision
        return Failure.COMPACTED if is_gone else None

    def _holds(self, compare: pb.Compare) -> bool:
        rows = self.in_range(compare.key, compare.range_end, self.revision)
        if not rows and compare.target == pb.Compare.VALUE:
            return False
        name = _TARGETS[compare.target]
        wanted = getattr(compare, name)
        for kv in [row.kv() for row in rows] or [kv_pb2.KeyValue()]:
            actual = getattr(kv, name)
            holds = {
                pb.Compare.EQUAL: actual == wanted,
                pb.Compare.NOT_EQUAL: actual != wanted,
                pb.Compare.GREATER: actual > wanted,
                pb.Compare.LESS: actual < wanted,
            }
            if not holds[compare.result]:
                return False
        return True

    def _execute(self, request: pb.TxnRequest, branches: Iterator[bool]) -> pb.TxnResponse:
        answer = pb.TxnResponse(succeeded=next(branches))
        for operation in request.success if answer.succeeded else request.failure:
            response = answer.responses.add()
            if operation.HasField("request_put"):
                put = response.response_put
                put.CopyFrom(self._put_checked(operation.request_put))
                put.header.revision = self._newest
            elif operation.HasField("request_delete_range"):
                deleted = response.response_delete_range
                deleted.CopyFrom(self._delete_range(operation.request_delete_range))
                deleted.header.revision = self._newest
            elif operation.HasField("request_range"):
                found = response.response_range
                asked = operation.request_range
                found.CopyFrom(self.range(asked, asked.revision or self._newest))
                found.header.revision = self._newest
            elif operation.HasField("request_txn"):
                nested = response.response_txn
                nested.CopyFrom(self._execute(operation.request_txn, branches))
                nested.header.SetInParent()
        return answer


def covers(key: bytes, range_end: bytes, name: bytes) -> bool:
    """Whether a range of keys contains a key, as etcd reads a range end."""
    if not range_end:
        return name == key
    return name >= key and (range_end == b"\0" or name < range_end)
