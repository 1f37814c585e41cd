"""etcd's messages as records have them: text for bytes, dictionaries for key-values."""

from collections.abc import Iterable
from typing import cast

from jepsen_tests.history import Event, Json, KeyValue
from raftkv.pb import kv_pb2


def text_of(value: bytes) -> str:
    """Bytes as a record has them."""
    return value.decode("latin-1")


def bytes_of(value: str) -> bytes:
    """A record's text as bytes."""
    return value.encode("latin-1")


def key_value_of(kv: kv_pb2.KeyValue) -> KeyValue:
    """A key-value as a record has it."""
    return {
        "key": text_of(kv.key),
        "value": text_of(kv.value),
        "create_revision": kv.create_revision,
        "mod_revision": kv.mod_revision,
        "version": kv.version,
        "lease": kv.lease,
    }


def recorded(kvs: Iterable[kv_pb2.KeyValue]) -> list[Json]:
    """Key-values as the result of an operation."""
    return [cast("dict[str, Json]", key_value_of(kv)) for kv in kvs]


def event_of(event: kv_pb2.Event) -> Event:
    """A watch's event as a record has it."""
    kv = event.kv
    return {
        "type": kv_pb2.Event.EventType.Name(event.type),
        "key": text_of(kv.key),
        "value": text_of(kv.value),
        "create_revision": kv.create_revision,
        "mod_revision": kv.mod_revision,
        "version": kv.version,
        "lease": kv.lease,
        "prev": key_value_of(event.prev_kv) if event.HasField("prev_kv") else None,
    }
