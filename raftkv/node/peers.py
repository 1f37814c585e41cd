"""Which part of the loop meets which message: consensus's go to the core, others by this table."""

from collections.abc import Callable
from typing import Any

from raftkv.command.types import Failure
from raftkv.node.lease_queries import UNANSWERED
from raftkv.node.parts import Parts
from raftkv.peer.messages import (
    ForwardMembership,
    ForwardProposals,
    LeaseRequest,
    LeaseResponse,
    PeerMessage,
    ProposalsRejected,
    ReadIndexRequest,
    ReadIndexResponse,
    SnapshotAck,
    SnapshotBegin,
    SnapshotChunk,
    SnapshotEnd,
)
from raftkv.raft.events import Receive
from raftkv.raft.messages import Message


def receive(parts: Parts, message: Message | PeerMessage) -> None:
    """Carries out one message."""
    _HANDLERS.get(type(message), _on_consensus)(parts, message)


def _on_consensus(parts: Parts, message: Message) -> None:
    parts.raft.step(Receive(message))


def _on_lease_request(parts: Parts, message: LeaseRequest) -> None:
    """Answers another member about a lease, once leadership is proved."""

    def when_proved(failure: Failure | None) -> None:
        ttl, granted = UNANSWERED, 0
        if failure is None:
            ttl, granted = parts.leading.lease_answer(
                parts.state, message.lease, parts.tick_count, renew=message.renew
            )
        answer = LeaseResponse(message.sender, message.to, message.context, ttl, granted)
        parts.transport.send([answer])

    failure = parts.reads.add(when_proved, parts.tick_count)
    if failure is not None:
        when_proved(failure)


def _on_snapshot_end(parts: Parts, message: SnapshotEnd) -> None:
    install = parts.receiving.end(message)
    if install is not None:
        parts.raft.step(Receive(install))


_HANDLERS: dict[type, Callable[[Parts, Any], None]] = {
    ForwardProposals: lambda parts, message: parts.leading.on_proposals(message),
    ForwardMembership: lambda parts, message: parts.leading.on_membership(message),
    ProposalsRejected: lambda parts, message: parts.answers.extend(
        parts.offers.on_rejected(message)
    ),
    ReadIndexRequest: lambda parts, message: parts.leading.on_read_index(message),
    ReadIndexResponse: lambda parts, message: parts.offers.on_read_index(message),
    LeaseRequest: _on_lease_request,
    LeaseResponse: lambda parts, message: parts.offers.on_lease(message),
    SnapshotBegin: lambda parts, message: parts.receiving.begin(
        message, busy=parts.writes.is_installing
    ),
    SnapshotChunk: lambda parts, message: parts.receiving.chunk(message),
    SnapshotEnd: _on_snapshot_end,
    SnapshotAck: lambda parts, message: parts.sending.acknowledge(message),
}
