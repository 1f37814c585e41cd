"""Every table and key of the data file, and how their values look.

    system        format     version of all that this page says, and of the Raft log's files
                  identity   cluster id, member id; absent until the member's first state is written
                  state      term, vote, commit index, applied index, applied term, generation in
                             use, frames in the log: all as of the last time the state was stored
                  log start  index and term of the entry before the log's first, membership as of it
    rows.G        revision of a row (17 bytes) -> the row
    NAME.G        small tables of the replicated state: their own keys and values

Numbers are big endian, so that keys sort as numbers do. G is a generation, 0 or 1: one is in use,
the other is empty or holds a snapshot that is being received. The data file is LMDB's `data.mdb`;
the Raft log lies beside it in files of its own (`frames.py`).
"""

import struct
from typing import NamedTuple

from raftkv.raft.types import HardState, Membership

FORMAT_VERSION = 2

SYSTEM = b"system"
TABLES = ("alarm", "lease", "lease_key", "member", "meta", "removed")
GENERATIONS = (0, 1)
DATABASES_MAX = 64
"""More than this page names, so that a later version can add some."""

FORMAT_KEY = b"format"
IDENTITY_KEY = b"identity"
STATE_KEY = b"state"
LOG_START_KEY = b"log start"

_FORMAT = struct.Struct(">I")
_IDENTITY = struct.Struct(">QQ")
_STATE = struct.Struct(">QQQQQBQ")
_LOG_START = struct.Struct(">QQ")
_COUNT = struct.Struct(">I")
_ID_BYTES = 8


class Identity(NamedTuple):
    """Whose data this is."""

    cluster: int
    member: int


class SystemState(NamedTuple):
    """What changes whenever the state is stored."""

    hard_state: HardState
    """The log knows a newer one, unless a crash came between a snapshot's switch and the log."""
    applied_index: int
    applied_term: int
    generation: int
    log_frame: int
    """The last frame that was durable in the log: it must be there at the next start."""


class LogStart(NamedTuple):
    """What lies before the log's first entry."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    term: int
    membership: Membership | None


NEW_STATE = SystemState(HardState(), 0, 0, 0, 0)
NEW_LOG = LogStart(0, 0, None)


def rows_name(generation: int) -> bytes:
    """The name of a generation's rows."""
    return b"rows.%d" % generation


def table_name(table: str, generation: int) -> bytes:
    """The name of a generation's small table."""
    return b"%s.%d" % (table.encode(), generation)


def encode_format() -> bytes:
    """The format version this code writes."""
    return _FORMAT.pack(FORMAT_VERSION)


def decode_format(data: bytes) -> int:
    """A stored format version; struct.error if it is none."""
    (version,) = _FORMAT.unpack(data)
    return int(version)


def encode_identity(identity: Identity) -> bytes:
    """An identity as stored."""
    return _IDENTITY.pack(*identity)


def decode_identity(data: bytes) -> Identity:
    """A stored identity; struct.error if it is none."""
    return Identity(*_IDENTITY.unpack(data))


def encode_state(state: SystemState) -> bytes:
    """The state as stored."""
    return _STATE.pack(*state.hard_state, *state[1:])


def decode_state(data: bytes) -> SystemState:
    """A stored state; struct.error if it is none."""
    term, vote, commit, *rest = _STATE.unpack(data)
    return SystemState(HardState(term, vote, commit), *rest)


def encode_log_start(start: LogStart) -> bytes:
    """The log's start as stored: index, term, then four counted groups of member ids, if any."""
    parts = [_LOG_START.pack(start.index, start.term)]
    if start.membership is not None:
        for group in _groups(start.membership):
            parts.append(_COUNT.pack(len(group)))
            parts += [member.to_bytes(_ID_BYTES, "big") for member in sorted(group)]
    return b"".join(parts)


def decode_log_start(data: bytes) -> LogStart:
    """A stored log start; struct.error if it is none."""
    index, term = _LOG_START.unpack_from(data)
    offset = _LOG_START.size
    if offset == len(data):
        return LogStart(index, term, None)
    groups = []
    for _ in range(4):
        (count,) = _COUNT.unpack_from(data, offset)
        groups.append(frozenset(struct.unpack_from(f">{count}Q", data, offset + _COUNT.size)))
        offset += _COUNT.size + count * _ID_BYTES
    return LogStart(index, term, Membership(*groups))


def _groups(membership: Membership) -> tuple[frozenset[int], ...]:
    return (
        membership.voters,
        membership.voters_outgoing,
        membership.learners,
        membership.learners_next,
    )
