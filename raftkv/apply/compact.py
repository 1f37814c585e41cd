"""Compact: gives up history."""

from raftkv.apply.parts import Parts
from raftkv.command.types import Failure, Result
from raftkv.mvcc.compaction import compact
from raftkv.pb.rpc_pb2 import CompactionRequest


def apply_compact(parts: Parts, body: bytes) -> Result:
    """Applies a CompactionRequest; the rows go later, step by step."""
    revision = CompactionRequest.FromString(body).revision
    store = parts.store
    if revision <= store.compact_revision:
        return Failure.COMPACTED
    if revision > store.revision:
        return Failure.FUTURE_REVISION
    compact(store, revision)
    return store.revision, b""
