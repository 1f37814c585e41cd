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

TERM_MAX = (1 << 63) - 1
"""No message with a higher term or index is believed, so that all of them fit their 8 bytes."""


class EntryKind(IntEnum):
    """What an entry is to consensus."""

    NORMAL = 0
    """A command for the state machine; an empty payload is a new leader's no-op (section 8)."""
    MEMBERSHIP = 1
    """A change of membership: see `raft/membership.py` for the payload."""


class HardState(NamedTuple):
    """What must be durable before a message that rests on it leaves (figure 2)."""

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

    @property
    def is_joint(self) -> bool:
        """Whether two configurations rule together."""
        return bool(self.voters_outgoing)

    @property
    def members(self) -> frozenset[int]:
        """Everyone whom a leader replicates to."""
        return self.voters | self.voters_outgoing | self.learners | self.learners_next


class CorruptEntryError(Exception):
    """An entry's bytes do not match their checksum or their place."""


_HEAD = struct.Struct(">QQB")
_CHECKED_HEAD = struct.Struct(">IQQB")
_CHECKSUM_BYTES = 4
ENTRY_HEAD_BYTES = _CHECKED_HEAD.size
"""Checksum (4), term (8), index (8), kind (1); the payload follows."""


def encode_entry(term: int, index: int, kind: int, payload: bytes) -> bytes:
    """Makes an entry: checksum, term, index, kind, payload."""
    return encode_entries(term, index, kind, [payload])[0]


def encode_entries(term: int, first_index: int, kind: int, payloads: list[bytes]) -> list[bytes]:
    """Makes entries with consecutive indexes, the first of them at `first_index`."""
    pack, checksum = _HEAD.pack, zlib.crc32
    entries = []
    for index, payload in enumerate(payloads, first_index):
        body = pack(term, index, kind) + payload
        entries.append(checksum(body).to_bytes(_CHECKSUM_BYTES, "big") + body)
    return entries


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
    check_entries([entry], index - 1, 0, TERM_MAX)


def check_entries(entries: list[bytes], index: int, term: int, term_max: int) -> list[int]:
    """Checks a run of entries and says where among them the changes of membership are.

    Args:
        entries: What is to follow in the log.
        index: The index of the entry before the first; the run must go on from there without a gap.
        term: The term of that entry; terms never decrease along a log.
        term_max: The term of the leader that sent the run, which no entry can exceed.

    Raises:
        CorruptEntryError: An entry is damaged, or not where it belongs.
    """
    unpack, checksum = _CHECKED_HEAD.unpack_from, zlib.crc32
    changes = []
    for place, entry in enumerate(entries):
        index += 1
        if len(entry) < ENTRY_HEAD_BYTES:
            raise CorruptEntryError(f"entry {index}: {len(entry)} bytes, shorter than its head")
        expected, entry_term, entry_index, kind = unpack(entry)
        if checksum(entry[_CHECKSUM_BYTES:]) != expected:
            raise CorruptEntryError(f"entry {index}: checksum does not match")
        if entry_index != index:
            raise CorruptEntryError(f"entry {index}: carries index {entry_index}")
        if not term <= entry_term <= term_max:
            raise CorruptEntryError(f"entry {index}: term {entry_term} not in {term}..{term_max}")
        if kind:
            if kind != EntryKind.MEMBERSHIP:
                raise CorruptEntryError(f"entry {index}: unknown kind {kind}")
            changes.append(place)
        term = entry_term
    return changes
