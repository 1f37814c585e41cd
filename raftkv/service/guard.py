"""The rules that hold for every call: a leader may be wanted, learners may refuse.

A guard stands between the route table and a service's method. While there is a leader and this
member votes it does next to nothing.
"""

from collections.abc import Callable
from typing import TypeAlias

from google.protobuf.message import DecodeError

from raftkv.command.types import Failure
from raftkv.pb import rpc_pb2 as pb
from raftkv.service.ports import Call, Node, Stream
from raftkv.service.status import BAD_MESSAGE, NOT_FOR_LEARNERS, fail, finish

UnaryHandler: TypeAlias = Callable[[Call, bytes], None]
StreamHandler: TypeAlias = Callable[[Stream], None]
LearnerRule: TypeAlias = Callable[[bytes], bool]
"""Whether a learner may answer a request."""

WANTS_LEADER = "hasleader"
"""The metadata by which a client says that it rather fails than waits for a leader."""
_YES = "true"
LEADERLESS_ELECTION_TIMEOUTS = 3
"""After so many, streams that want a leader are cancelled (refusing new ones starts at once)."""


def always(_message: bytes) -> bool:
    """The rule of Status: learners answer it."""
    return True


def is_serializable(message: bytes) -> bool:
    """The rule of Range: learners answer what needs no leader."""
    return pb.RangeRequest.FromString(message).serializable


def never(_message: bytes) -> bool:
    """The rule of almost every method: learners don't answer it."""
    return False


class MethodCount:
    """How often a method was called."""

    __slots__ = ("kind", "started")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        """unary, server_stream or bidi_stream."""
        self.started = 0


class Guard:
    """Guards the methods of one member."""

    def __init__(self, node: Node, election_timeout_ticks: int) -> None:
        self._node = node
        self._me = node.status.member_id
        self._leaderless_ticks_max = LEADERLESS_ELECTION_TIMEOUTS * election_timeout_ticks
        self._streams_wanting_leader: set[Stream] = set()
        self.counts: dict[str, MethodCount] = {}
        """By path."""

    def unary(
        self, path: str, handler: UnaryHandler, learner_may: LearnerRule = never
    ) -> UnaryHandler:
        """`handler` with the rules before it."""
        count = self.counts[path] = MethodCount("unary")
        raft = self._node.raft
        me = self._me

        def guarded(call: Call, message: bytes) -> None:
            count.started += 1
            try:
                if (not raft.leader or me in raft.membership.learners) and not self._admit(
                    call, message, learner_may
                ):
                    return
                handler(call, message)
            except DecodeError:
                fail(call, BAD_MESSAGE)

        return guarded

    def _admit(self, call: Call, message: bytes, learner_may: LearnerRule) -> bool:
        """Whether the call may go on; if not, it has been failed."""
        raft = self._node.raft
        if self._me in raft.membership.learners and not learner_may(message):
            fail(call, NOT_FOR_LEARNERS)
            return False
        if not raft.leader and call.metadata(WANTS_LEADER) == _YES:
            fail(call, Failure.NO_LEADER)
            return False
        return True

    def stream(self, path: str, handler: StreamHandler, kind: str) -> StreamHandler:
        """`handler` with the rules before it, and watched over while it lives."""
        count = self.counts[path] = MethodCount(kind)

        def guarded(stream: Stream) -> None:
            count.started += 1
            raft = self._node.raft
            if self._me in raft.membership.learners:
                finish(stream, NOT_FOR_LEARNERS)
                return
            wants_leader = stream.metadata(WANTS_LEADER) == _YES
            if wants_leader and not raft.leader:
                finish(stream, Failure.NO_LEADER)
                return
            handler(stream)
            if wants_leader:
                self._watch_over(stream)

        return guarded

    def _watch_over(self, stream: Stream) -> None:
        """Remembers a stream that is to end when there is no leader for long."""
        on_close = stream.on_close

        def forget() -> None:
            self._streams_wanting_leader.discard(stream)
            if on_close is not None:
                on_close()

        stream.on_close = forget
        self._streams_wanting_leader.add(stream)

    def tick(self) -> None:
        """Cancels the streams that want a leader when there has been none for too long."""
        if not self._streams_wanting_leader:
            return
        if self._node.leaderless_ticks >= self._leaderless_ticks_max:
            streams = list(self._streams_wanting_leader)
            self._streams_wanting_leader.clear()
            for stream in streams:
                finish(stream, Failure.NO_LEADER)
