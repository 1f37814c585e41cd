"""A slow, obvious state machine: the whole history in a list, replayed for every question."""

from collections.abc import Callable, Iterator
from functools import cmp_to_key
from typing import Any

from google.protobuf.message import Message

from raftkv.command.types import CommandKind, Failure
from raftkv.pb import kv_pb2
from raftkv.pb import rpc_pb2 as pb

KeyValue = kv_pb2.KeyValue
Request = pb.RangeRequest


class Model:
    """etcd's semantics, spelled out on protobuf messages."""

    def __init__(self) -> None:
        self.revision = 1
        self.compact_revision = -1
        self.history: list[tuple[int, KeyValue]] = []
        """(main revision, row) in order; a row of version 0 is a tombstone."""
        self.leases: dict[int, int] = {}
        self._writing = 0

    # -- reading

    def state_at(self, revision: int) -> dict[bytes, KeyValue]:
        state: dict[bytes, KeyValue] = {}
        for main, row in self.history:
            if main > revision:
                break
            state.pop(row.key, None)
            if row.version:
                state[row.key] = row
        return dict(sorted(state.items()))

    @property
    def newest(self) -> int:
        return self._writing or self.revision

    def in_range(self, key: bytes, range_end: bytes, revision: int) -> list[KeyValue]:
        def covers(k: bytes) -> bool:
            if not range_end:
                return k == key
            return k >= key and (range_end == b"\0" or k < range_end)

        return [row for k, row in self.state_at(revision).items() if covers(k)]

    def range(self, request: Request) -> pb.RangeResponse | Failure:
        revision = request.revision if request.revision > 0 else self.newest
        if revision > self.newest:
            return Failure.FUTURE_REVISION
        if revision < self.compact_revision:
            return Failure.COMPACTED
        rows = self.in_range(request.key, request.range_end, revision)
        answer = pb.RangeResponse(count=len(rows))
        if request.count_only:
            return answer
        filtered = any(
            getattr(request, f"{end}_{field}_revision")
            for end in ("min", "max")
            for field in ("mod", "create")
        )
        if request.limit > 0 and request.sort_order == Request.NONE and not filtered:
            rows = rows[: request.limit + 1]
        for field in ("mod_revision", "create_revision"):
            low, high = getattr(request, f"min_{field}"), getattr(request, f"max_{field}")
            rows = [row for row in rows if not low or getattr(row, field) >= low]
            rows = [row for row in rows if not high or getattr(row, field) <= high]
        rows = self._sorted(request, rows)
        if request.limit > 0:
            answer.more = len(rows) > request.limit
            rows = rows[: request.limit]
        for row in rows:
            copy = answer.kvs.add()
            copy.CopyFrom(row)
            if request.keys_only:
                copy.ClearField("value")
        return answer

    def _sorted(self, request: Request, rows: list[KeyValue]) -> list[KeyValue]:
        name = {
            Request.KEY: "key",
            Request.VERSION: "version",
            Request.CREATE: "create_revision",
            Request.MOD: "mod_revision",
            Request.VALUE: "value",
        }[request.sort_target]
        sign = -1 if request.sort_order == Request.DESCEND else 1

        def compare(one: KeyValue, other: KeyValue) -> int:
            a, b = getattr(one, name), getattr(other, name)
            return sign * (int(a > b) - int(a < b))

        return sorted(rows, key=cmp_to_key(compare))

    # -- writing

    def apply(self, kind: int, request: Message) -> tuple[int, Message] | Failure:
        self._writing = 0
        verbs: dict[int, Callable[[Any], Message | Failure]] = {
            CommandKind.PUT: self.put,
            CommandKind.DELETE_RANGE: self.delete_range,
            CommandKind.TXN: self.txn,
            CommandKind.COMPACT: self.compact,
            CommandKind.LEASE_GRANT: self.lease_grant,
            CommandKind.LEASE_REVOKE: self.lease_revoke,
        }
        answer = verbs[kind](request)
        if self._writing:
            self.revision = self._writing
            self._writing = 0
        return answer if isinstance(answer, Failure) else (self.revision, answer)

    def _write(self, row: KeyValue) -> None:
        self._writing = self.revision + 1
        row.mod_revision = self._writing
        if row.version and not row.create_revision:
            row.create_revision = self._writing
        self.history.append((self._writing, row))

    def check_put(self, request: pb.PutRequest) -> Failure | None:
        if request.lease and request.lease not in self.leases:
            return Failure.LEASE_NOT_FOUND
        missing = request.key not in self.state_at(self.newest)
        if missing and (request.ignore_value or request.ignore_lease):
            return Failure.KEY_NOT_FOUND
        return None

    def put(self, request: pb.PutRequest) -> pb.PutResponse | Failure:
        return self.check_put(request) or self.do_put(request)

    def do_put(self, request: pb.PutRequest) -> pb.PutResponse:
        before = self.state_at(self.newest).get(request.key)
        answer = pb.PutResponse(prev_kv=before if request.prev_kv else None)
        row = KeyValue(key=request.key, value=request.value, lease=request.lease, version=1)
        if before is not None:
            row.version = before.version + 1
            row.create_revision = before.create_revision
            if request.ignore_value:
                row.value = before.value
            if request.ignore_lease:
                row.lease = before.lease
        self._write(row)
        return answer

    def delete_range(self, request: pb.DeleteRangeRequest) -> pb.DeleteRangeResponse:
        rows = self.in_range(request.key, request.range_end, self.newest)
        for row in rows:
            self._write(KeyValue(key=row.key))
        return pb.DeleteRangeResponse(deleted=len(rows), prev_kvs=rows if request.prev_kv else [])

    def compact(self, request: pb.CompactionRequest) -> pb.CompactionResponse | Failure:
        if request.revision <= self.compact_revision:
            return Failure.COMPACTED
        if request.revision > self.revision:
            return Failure.FUTURE_REVISION
        self.compact_revision = request.revision
        return pb.CompactionResponse()

    def kept(self) -> list[KeyValue]:
        """The rows that some reader at or after the compact revision can see, in order."""
        newest = {row.key: at for at, (main, row) in self._history_until(self.compact_revision)}
        return [
            row
            for at, (main, row) in enumerate(self.history)
            if main > self.compact_revision
            or (newest[row.key] == at if row.version else main == self.compact_revision)
        ]

    def _history_until(self, revision: int) -> list[tuple[int, tuple[int, KeyValue]]]:
        return [(at, item) for at, item in enumerate(self.history) if item[0] <= revision]

    def lease_grant(self, request: pb.LeaseGrantRequest) -> pb.LeaseGrantResponse | Failure:
        if request.ID in self.leases:
            return Failure.LEASE_EXISTS
        self.leases[request.ID] = request.TTL
        return pb.LeaseGrantResponse(ID=request.ID, TTL=request.TTL)

    def lease_revoke(self, request: pb.LeaseRevokeRequest) -> pb.LeaseRevokeResponse | Failure:
        if request.ID not in self.leases:
            return Failure.LEASE_NOT_FOUND
        for key in self.lease_keys(request.ID):
            self._write(KeyValue(key=key))
        del self.leases[request.ID]
        return pb.LeaseRevokeResponse()

    def lease_keys(self, lease: int) -> list[bytes]:
        state = self.state_at(self.revision)
        return [key for key, row in state.items() if row.lease == lease]

    # -- transactions

    def txn(self, request: pb.TxnRequest) -> pb.TxnResponse | Failure:
        path: list[bool] = []
        failure = self._choose(request, path)
        return failure or self._execute(request, iter(path))

    def _choose(self, request: pb.TxnRequest, path: list[bool]) -> Failure | None:
        """Appends which branch is taken, here and then in each nested transaction in order."""
        path.append(all(self._holds(compare) for compare in request.compare))
        for operation in request.success if path[-1] else request.failure:
            failure = None
            if operation.HasField("request_put"):
                failure = self.check_put(operation.request_put)
            elif operation.HasField("request_range"):
                revision = operation.request_range.revision
                if revision > self.revision:
                    failure = Failure.FUTURE_REVISION
                elif revision != 0 and revision < self.compact_revision:
                    failure = Failure.COMPACTED
            elif operation.HasField("request_txn"):
                failure = self._choose(operation.request_txn, path)
            if failure:
                return failure
        return None

    def _holds(self, compare: pb.Compare) -> bool:
        rows = self.in_range(compare.key, compare.range_end, self.revision)
        if not rows:
            if compare.target == pb.Compare.VALUE:
                return False
            rows = [KeyValue()]
        name = {
            pb.Compare.VERSION: "version",
            pb.Compare.CREATE: "create_revision",
            pb.Compare.MOD: "mod_revision",
            pb.Compare.VALUE: "value",
            pb.Compare.LEASE: "lease",
        }[compare.target]
        wanted = getattr(compare, name)
        return all(
            {
                pb.Compare.EQUAL: actual == wanted,
                pb.Compare.NOT_EQUAL: actual != wanted,
                pb.Compare.GREATER: actual > wanted,
                pb.Compare.LESS: actual < wanted,
            }[compare.result]
            for actual in (getattr(row, name) for row in rows)
        )

    def _execute(self, request: pb.TxnRequest, path: Iterator[bool]) -> pb.TxnResponse:
        answer = pb.TxnResponse(succeeded=next(path))
        for operation in request.success if answer.succeeded else request.failure:
            response = answer.responses.add()
            if operation.HasField("request_put"):
                response.response_put.CopyFrom(self.do_put(operation.request_put))
                response.response_put.header.revision = self.newest
            elif operation.HasField("request_delete_range"):
                deleted = self.delete_range(operation.request_delete_range)
                response.response_delete_range.CopyFrom(deleted)
                response.response_delete_range.header.revision = self.newest
            elif operation.HasField("request_range"):
                found = self.range(operation.request_range)
                assert not isinstance(found, Failure)
                response.response_range.CopyFrom(found)
                response.response_range.header.revision = self.newest
            elif operation.HasField("request_txn"):
                nested = self._execute(operation.request_txn, path)
                response.response_txn.CopyFrom(nested)
                response.response_txn.header.SetInParent()
        return answer
