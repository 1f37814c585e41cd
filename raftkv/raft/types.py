"""The words of consensus: members, membership, hard state, and how an entry looks as bytes.

An entry is `bytes` wherever it travels: made once by the leader, stored, sent and applied as it is.
Its head carries what consensus needs, and a checksum that every reader can verify.
"""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

NO_MEMBER = 0
"""The member id that stands for nobody: no vote, no leader."""


class EntryKind(IntEnum):
    """What an entry is to consensus."""

    NORMAL = 0
    """A command for the state machine; an empty payload is a new leader's no-op (section 8)."""
    MEMBERSHIP = 1
    """A change of membership: see `raft/membership.py` for the payload."""


class HardState(NamedTuple):
    """What must be durable before a message that depends on it leaves (figure 2, persistent state)."""

    term: int = 0
    vote: int = NO_MEMBER
    commit: int = 0


@dataclass(frozen=True, slots=True)
class Membership:
    """Who votes and who only listens; joint while `voters_outgoing` is not empty (section 6)."""

    voters: frozenset[int]
    voters_outgoing: frozenset[int] = frozenset()
    learners: frozenset[int] = frozenset()
    learners_next: frozenset[int] = frozenset()
    """Voters of the outgoing half that become learners when the joint configuration is left."""


class CorruptEntryError(Exception):
    """An entry's bytes do not match their checksum or their place."""


_HEAD = struct.Struct(">QQB")
_CHECKSUM_BYTES = 4
ENTRY_HEAD_BYTES = _CHECKSUM_BYTES + _HEAD.size
"""Checksum (4), term (8), index (8), kind (1); the payload follows."""


def encode_entry(term: int, index: int, kind: int, payload: bytes) -> bytes:
    """Makes an entry: checksum, term, index, kind, payload."""
    body = _HEAD.pack(term, index, kind) + payload
    return zlib.crc32(body).to_bytes(_CHECKSUM_BYTES, "big") + body


def entry_term(entry: bytes) -> int:
    """The term in which a leader made the entry."""
    return int.from_bytes(entry[4:12], "big")


def entry_index(entry: bytes) -> int:
    """The entry's place in the log."""
    return int.from_bytes(entry[12:20], "big")


def entry_kind(entry: bytes) -> int:
    """The entry's `EntryKind`, as an int."""
    return entry[20]


def entry_payload(entry: bytes) -> bytes:
    """What the entry carries."""
    return entry[ENTRY_HEAD_BYTES:]


def check_entry(entry: bytes, index: int) -> None:
    """Raises CorruptEntryError unless `entry` is whole and belongs at `index`."""
    if len(entry) < ENTRY_HEAD_BYTES:
        raise CorruptEntryError(f"entry {index}: {len(entry)} bytes, shorter than an entry's head")
    if zlib.crc32(entry[_CHECKSUM_BYTES:]) != int.from_bytes(entry[:_CHECKSUM_BYTES], "big"):
        raise CorruptEntryError(f"entry {index}: checksum does not match")
    if entry_index(entry) != index:
        raise CorruptEntryError(f"entry {index}: carries index {entry_index(entry)}")
