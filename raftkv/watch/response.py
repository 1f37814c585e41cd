"""The bytes of a WatchResponse, made from parts that many watches share.

A response is its header field, its watch id field, and event fields that were encoded once, in the
order of their numbers: header 1, watch_id 2, created 3, canceled 4, compact_revision 5,
cancel_reason 6, fragment 7, events 11. As proto3 asks, a field that holds zero is not there.
"""

from raftkv.mvcc.record import delimited, varint

_EVENT_TAG = b"\x5a"
_DELETE_TYPE = b"\x08\x01"
_KV_TAG = b"\x12"
_PREVIOUS_TAG = b"\x1a"
_HEADER_TAG = b"\x0a"
_REVISION_TAG = b"\x18"
_WATCH_ID_TAG = b"\x10"
_CREATED = b"\x18\x01"
_CANCELED = b"\x20\x01"
_COMPACT_REVISION_TAG = b"\x28"
_CANCEL_REASON_TAG = b"\x32"
FRAGMENT = b"\x38\x01"
"""The field that says that more of the same batch follows."""


def revision_header(revision: int) -> bytes:
    """A header field that names nothing but the revision: for who has no cluster around."""
    body = _REVISION_TAG + varint(revision) if revision else b""
    return delimited(_HEADER_TAG, body)


def watch_id_field(watch_id: int) -> bytes:
    """The field that says which watch a response is for."""
    return _WATCH_ID_TAG + varint(watch_id) if watch_id else b""


def event_field(row: bytes, previous: bytes | None, *, is_delete: bool) -> bytes:
    """One event: `row` is its kv as stored, `previous` its prev_kv."""
    body = delimited(_KV_TAG, row)
    if is_delete:
        body = _DELETE_TYPE + body
    if previous is not None:
        body += delimited(_PREVIOUS_TAG, previous)
    return delimited(_EVENT_TAG, body)


def created(header: bytes, watch_id: int) -> bytes:
    """A watch has begun."""
    return header + watch_id_field(watch_id) + _CREATED


def refused(header: bytes, reason: str) -> bytes:
    """A watch could not begin: created and cancelled in one, with no watch's id (-1)."""
    return (
        header
        + watch_id_field(-1)
        + _CREATED
        + _CANCELED
        + delimited(_CANCEL_REASON_TAG, reason.encode())
    )


def canceled(header: bytes, watch_id: int) -> bytes:
    """A watch has ended as its client asked."""
    return header + watch_id_field(watch_id) + _CANCELED


def compacted(header: bytes, watch_id: int, compact_revision: int) -> bytes:
    """A watch has ended because history that it still needed is gone."""
    gone = _COMPACT_REVISION_TAG + varint(compact_revision)
    return header + watch_id_field(watch_id) + _CANCELED + gone
