"""Messages as bytes: a msgpack array of the message's code, then its fields in their order.

A code, once given, keeps its meaning; a message that changes its fields gets a new one. Decoding
takes nothing on trust: whatever the bytes, it returns a message whose fields hold what they may
hold, or raises DecodeError.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import msgpack

from raftkv.peer import fields as f
from raftkv.peer import messages as p
from raftkv.peer.fields import DecodeError
from raftkv.raft import messages as r

__all__ = ["AnyMessage", "DecodeError", "Shape", "decode", "encode", "pack", "unpack"]

AnyMessage: TypeAlias = r.Message | p.PeerMessage
T = TypeVar("T")
Shape: TypeAlias = tuple[Callable[..., T], tuple[f.Check, ...]]
"""What makes a message, and the check of each of its fields."""

_TO = (f.member_id, f.member_id)
"""Receiver and sender."""
_TO_TERM = (*_TO, f.counter)

_SHAPES: dict[int, Shape[AnyMessage]] = {
    1: (r.RequestVote, (*_TO_TERM, f.counter, f.counter, f.flag, f.flag)),
    2: (r.RequestVoteResponse, (*_TO_TERM, f.flag, f.flag)),
    3: (r.AppendEntries, (*_TO_TERM, f.counter, f.counter, f.counter, f.octets_list)),
    4: (r.AppendEntriesResponse, (*_TO_TERM, f.flag, f.counter, f.counter, f.counter)),
    5: (r.Heartbeat, (*_TO_TERM, f.counter, f.counter)),
    6: (r.HeartbeatResponse, (*_TO_TERM, f.counter)),
    7: (r.InstallSnapshot, (*_TO_TERM, f.counter, f.counter, f.membership)),
    8: (r.TimeoutNow, _TO_TERM),
    20: (p.ForwardProposals, (*_TO_TERM, f.octets_list)),
    21: (p.ForwardMembership, (*_TO_TERM, f.changes, f.octets)),
    22: (p.ProposalsRejected, (*_TO, f.identifiers, f.text)),
    23: (p.ReadIndexRequest, (*_TO_TERM, f.identifier)),
    24: (p.ReadIndexResponse, (*_TO, f.identifier, f.signed)),
    25: (p.LeaseRequest, (*_TO, f.identifier, f.flag, f.signed)),
    26: (p.LeaseResponse, (*_TO, f.identifier, f.signed, f.signed)),
    27: (p.ProposalsReturned, (*_TO, f.octets_list)),
    30: (p.SnapshotBegin, (*_TO_TERM, f.identifier)),
    31: (p.SnapshotChunk, (*_TO, f.identifier, f.counter, f.rows)),
    32: (
        p.SnapshotEnd,
        (
            *(*_TO_TERM, f.identifier, f.counter, f.rows, f.tables),
            *(f.counter, f.counter, f.membership),
        ),
    ),
    33: (p.SnapshotAck, (*_TO, f.identifier, f.counter, f.flag)),
}
_CODES: dict[object, int] = {kind: code for code, (kind, _) in _SHAPES.items()}
_APPEND_ENTRIES = _CODES[r.AppendEntries]

pack: Callable[[Any], bytes] = msgpack.Packer(default=f.membership_groups).pack
"""An array of plain values, and Membership among them, as bytes."""


def encode(message: AnyMessage, packed_entries: dict[int, bytes] | None = None) -> bytes:
    """Makes the bytes of a message.

    Args:
        message: What to send.
        packed_entries: The caller's, empty at first and thrown away after one call of `send`: a
            list of entries that goes to several members is then packed once. It is keyed by the
            list's identity, so the messages must stay alive and unchanged as long as it.
    """
    code = _CODES[type(message)]
    if code != _APPEND_ENTRIES or packed_entries is None:
        return pack((code, *message))
    entries = message[-1]
    packed = packed_entries.get(id(entries))
    if packed is None:
        packed = packed_entries[id(entries)] = pack(entries)
    # 0x97 starts an array of seven, 0x98 one of eight: the eighth element is put behind by hand.
    return b"".join((b"\x98", pack((code, *message[:-1]))[1:], packed))


def decode(data: bytes | memoryview) -> AnyMessage:
    """Reads a message; raises DecodeError unless it is one, whole and alone."""
    return unpack(data, _SHAPES)


def unpack(data: bytes | memoryview, shapes: Mapping[int, Shape[T]]) -> T:
    """Reads a code and its fields as `shapes` say; raises DecodeError when they are not so."""
    try:
        values = msgpack.unpackb(data, use_list=False)
    except (ValueError, TypeError, OverflowError) as error:
        raise DecodeError(f"not msgpack: {type(error).__name__}") from None
    if type(values) is not tuple or not values or type(values[0]) is not int:
        raise DecodeError("not an array that starts with a code")
    shape = shapes.get(values[0])
    if shape is None:
        raise DecodeError(f"unknown code {values[0]}")
    make, checks = shape
    if len(values) != len(checks) + 1:
        raise DecodeError(f"code {values[0]} with {len(values) - 1} fields, not {len(checks)}")
    return make(*[check(value) for check, value in zip(checks, values[1:], strict=True)])
