"""Asks a member how it is, in etcd's API over the wire, so that any etcd can be asked."""

import socket
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from raftkv.cli.cluster.layout import HOST
from raftkv.config import WireConfig
from raftkv.pb.rpc_pb2 import RangeRequest, StatusRequest, StatusResponse
from raftkv.wire.client import ClientConnection
from raftkv.wire.status import Code

READ_BYTES = 65_536
STATUS = "/etcdserverpb.Maintenance/Status"
RANGE = "/etcdserverpb.KV/Range"
HEALTH_KEY = b"health"
"""What etcdctl reads to see whether a member is healthy; it need not exist."""


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """What a member says of itself."""

    role: str
    """`leader`, `follower`, `learner`, or `no leader` when it knows of none."""
    term: int
    revision: int
    db_size_bytes: int


def status(port: int, seconds_max: float) -> MemberStatus | None:
    """A member's status, or None when it does not answer in time."""
    try:
        with _Conversation(port, seconds_max) as member:
            answer = member.ask(STATUS, StatusRequest().SerializeToString())
    except _NoAnswerError:
        return None
    return _read_status(StatusResponse.FromString(answer))


def trouble(port: int, seconds_max: float) -> str | None:
    """What keeps a member from serving linearizable reads; None when nothing does."""
    try:
        with _Conversation(port, seconds_max) as member:
            answer = member.ask(STATUS, StatusRequest().SerializeToString())
            if _read_status(StatusResponse.FromString(answer)).role == "no leader":
                return "has no leader"
            member.ask(RANGE, RangeRequest(key=HEALTH_KEY).SerializeToString())
    except _NoAnswerError as error:
        return str(error)
    return None


def _read_status(answer: StatusResponse) -> MemberStatus:
    """What a status response says."""
    role = "follower"
    if not answer.leader:
        role = "no leader"
    elif answer.isLearner:
        role = "learner"
    elif answer.leader == answer.header.member_id:
        role = "leader"
    return MemberStatus(role, answer.raftTerm, answer.header.revision, answer.dbSize)


class _NoAnswerError(Exception):
    """A member did not answer; the text says how."""


class _Conversation:
    """One connection, on which questions are asked one by one, with one deadline for all."""

    def __init__(self, port: int, seconds_max: float) -> None:
        """Connects.

        Raises:
            _NoAnswerError: Nobody listens.
        """
        self._deadline = time.monotonic() + seconds_max
        try:
            self._socket = socket.create_connection((HOST, port), timeout=seconds_max)
        except OSError as error:
            raise _NoAnswerError("does not answer") from error
        self._connection = ClientConnection(WireConfig(), on_output=lambda: None)

    def __enter__(self) -> Self:
        """Is connected already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Hangs up."""
        self._socket.close()

    def ask(self, path: str, message: bytes) -> bytes:
        """Calls a method and returns its response message.

        Raises:
            _NoAnswerError: There is none in time, or an error.
        """
        replies: list[tuple[int, str, bytes | None]] = []
        self._connection.start_unary(path, message, lambda *reply: replies.append(reply))
        try:
            while not replies:
                self._socket.sendall(self._connection.take_output())
                seconds_left = self._deadline - time.monotonic()
                if seconds_left <= 0:
                    raise _NoAnswerError("does not answer")
                self._socket.settimeout(seconds_left)
                data = self._socket.recv(READ_BYTES)
                if not data:
                    raise _NoAnswerError("does not answer")
                self._connection.receive(data)
        except OSError as error:
            raise _NoAnswerError("does not answer") from error
        code, text, answer = replies[0]
        if code != Code.OK or answer is None:
            raise _NoAnswerError(f"answers {text!r}")
        return answer
