"""What two processes say to each other before messages flow.

The one that dials sends `PREAMBLE` and one question; the other answers once. After `Hello` and
`Accepted`, messages flow from the dialer to the other. A process that does not yet know who it is
asks `AskClusterInfo` instead, is told `ClusterInfo`, and the connection ends.
"""

from typing import NamedTuple, TypeAlias

from raftkv.peer import fields as f
from raftkv.peer.codec import DecodeError, Shape, pack, unpack

PROTOCOL_VERSION = 1
MAGIC = b"raftkv"
PREAMBLE = MAGIC + PROTOCOL_VERSION.to_bytes(2, "big")
"""The first bytes of a connection between members: what this is, and the version that follows."""
QUESTION_BYTES_MAX = 4_096
"""A process that has not introduced itself may send no larger frame than this."""


class Hello(NamedTuple):
    """Opens a stream of messages from `sender` to `receiver`."""

    cluster: int
    sender: int
    receiver: int


class AskClusterInfo(NamedTuple):
    """Asks which cluster this is and who belongs to it."""


class Accepted(NamedTuple):
    """The answer to Hello: messages may follow."""


class Refused(NamedTuple):
    """The answer to either question: no, and why, for a person to read."""

    reason: str


class Removed(NamedTuple):
    """The answer to Hello for a member that the cluster has removed, and that may not know it."""


class MemberInfo(NamedTuple):
    """A member as the cluster knows it."""

    member: int
    name: str
    """Empty until the member has started and said its name."""
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    is_learner: bool


class ClusterInfo(NamedTuple):
    """The answer to AskClusterInfo."""

    cluster: int
    members: tuple[MemberInfo, ...]


Question: TypeAlias = Hello | AskClusterInfo
Answer: TypeAlias = Accepted | Refused | Removed | ClusterInfo

_MEMBERS_MAX = 1_000


def _members(value: object) -> tuple[MemberInfo, ...]:
    return tuple(map(_member, f.array(value, _MEMBERS_MAX)))


def _member(value: object) -> MemberInfo:
    parts = f.array(value)
    if len(parts) != len(MemberInfo._fields):
        raise DecodeError("not a member")
    member, name, peer_urls, client_urls, is_learner = parts
    return MemberInfo(
        f.member_id(member),
        f.text(name),
        f.texts(peer_urls),
        f.texts(client_urls),
        f.flag(is_learner),
    )


_QUESTIONS: dict[int, Shape[Question]] = {
    1: (Hello, (f.identifier, f.member_id, f.member_id)),
    2: (AskClusterInfo, ()),
}
_ANSWERS: dict[int, Shape[Answer]] = {
    1: (Accepted, ()),
    2: (Refused, (f.text,)),
    3: (ClusterInfo, (f.identifier, _members)),
    4: (Removed, ()),
}
_CODES: dict[object, int] = {
    **{kind: code for code, (kind, _) in _QUESTIONS.items()},
    **{kind: code for code, (kind, _) in _ANSWERS.items()},
}


def encode_handshake(message: Question | Answer) -> bytes:
    """Makes the bytes of a question or an answer."""
    return pack((_CODES[type(message)], *message))


def decode_question(data: bytes | memoryview) -> Question:
    """Reads a question; raises DecodeError if it is none."""
    return unpack(data, _QUESTIONS)


def decode_answer(data: bytes | memoryview) -> Answer:
    """Reads an answer; raises DecodeError if it is none."""
    return unpack(data, _ANSWERS)
