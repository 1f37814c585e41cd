"""What a log entry means: a fixed head, then the checked request's protobuf bytes as they came.

The head names the member that waits for the outcome and its request id, so that the member which
took the request answers it when it applies the entry, whoever leads by then.
"""

import struct
from enum import Enum, IntEnum, auto
from typing import TypeAlias

FORMAT_VERSION = 1

_HEAD = struct.Struct(">BBQQ")
COMMAND_HEAD_BYTES = _HEAD.size
"""Format version (1), kind (1), origin member (8), request id (8); the request's bytes follow."""


class CommandKind(IntEnum):
    """What a command does. The comment names the message its body is."""

    PUT = 1  # etcdserverpb.PutRequest
    DELETE_RANGE = 2  # etcdserverpb.DeleteRangeRequest
    TXN = 3  # etcdserverpb.TxnRequest
    COMPACT = 4  # etcdserverpb.CompactionRequest
    LEASE_GRANT = 5  # etcdserverpb.LeaseGrantRequest, its ID already chosen
    LEASE_REVOKE = 6  # etcdserverpb.LeaseRevokeRequest
    ALARM = 7  # etcdserverpb.AlarmRequest
    MEMBER_ADD = 8  # etcdserverpb.Member: ID, peerURLs, isLearner (rides on a membership entry)
    MEMBER_REMOVE = 9  # etcdserverpb.MemberRemoveRequest (rides on a membership entry)
    MEMBER_PROMOTE = 10  # etcdserverpb.MemberPromoteRequest (rides on a membership entry)
    MEMBER_UPDATE = 11  # etcdserverpb.MemberUpdateRequest
    MEMBER_PUBLISH = 12  # etcdserverpb.Member: ID, name, clientURLs
    MEMBER_KEEP_ONLY = 13  # etcdserverpb.Member: ID, peerURLs (rides on a membership entry)


RIDES_ON_MEMBERSHIP = frozenset(
    (CommandKind.MEMBER_ADD, CommandKind.MEMBER_REMOVE, CommandKind.MEMBER_PROMOTE)
)
"""Commands that are part of a change of consensus's own membership."""


class Failure(Enum):
    """Why a request was not carried out; the service maps it to etcd's code and text."""

    KEY_NOT_FOUND = auto()
    LEASE_NOT_FOUND = auto()
    LEASE_EXISTS = auto()
    LEASE_TTL_TOO_LARGE = auto()
    COMPACTED = auto()
    FUTURE_REVISION = auto()
    NO_SPACE = auto()
    CORRUPT = auto()
    MEMBER_NOT_FOUND = auto()
    MEMBER_EXISTS = auto()
    PEER_URL_EXISTS = auto()
    MEMBER_NOT_LEARNER = auto()
    LEARNER_NOT_READY = auto()
    TOO_MANY_LEARNERS = auto()
    NOT_ENOUGH_STARTED_MEMBERS = auto()
    UNHEALTHY = auto()
    NO_LEADER = auto()
    NOT_LEADER = auto()
    LEADER_CHANGED = auto()
    BAD_LEADER_TRANSFEREE = auto()
    TIMEOUT = auto()
    TIMEOUT_LEADER_FAILED = auto()
    TIMEOUT_CONNECTION_LOST = auto()
    TOO_MANY_REQUESTS = auto()
    STOPPED = auto()
    REQUEST_TOO_LARGE = auto()
    DUPLICATE_KEY = auto()
    TOO_MANY_OPERATIONS = auto()


Result: TypeAlias = tuple[int, bytes] | Failure
"""(revision for the response header, the response's bytes after its header), or why not."""


def encode_command(kind: int, origin: int, request_id: int, body: bytes) -> bytes:
    """Makes a command; `body` is the protobuf message that `kind` names."""
    return _HEAD.pack(FORMAT_VERSION, kind, origin, request_id) + body


def decode_head(command: bytes, offset: int = 0) -> tuple[int, int, int, int]:
    """(format version, kind, origin, request id) of the command at `offset`; then the body."""
    version, kind, origin, request_id = _HEAD.unpack_from(command, offset)
    return version, kind, origin, request_id
