"""Which part of the loop meets which message: consensus's go to the core, others by this table."""

from collections.abc import Callable
from typing import Any

from raftkv.command.types import Failure
from raftkv.node.lease_answers import on_lease_request
from raftkv.node.parts import Parts
from raftkv.peer.messages import (
    ForwardMembership,
    ForwardProposals,
    LeaseRequest,
    LeaseResponse,
    PeerMessage,
    ProposalsRejected,
    ProposalsReturned,
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


def _on_proposals(parts: Parts, message: ForwardProposals) -> None:
    if parts.writes.bytes_waiting > parts.settings.config.log_bytes_waiting_max:
        parts.leading.reject(message.commands, Failure.TOO_MANY_REQUESTS)
    else:
        parts.leading.on_proposals(message)


def _on_snapshot_end(parts: Parts, message: SnapshotEnd) -> None:
    install = parts.receiving.end(message)
    if install is None:
        return
    commit = parts.raft.commit
    parts.raft.step(Receive(install))
    if parts.raft.commit == commit:
        parts.receiving.discard()


_HANDLERS: dict[type, Callable[[Parts, Any], None]] = {
    ForwardProposals: _on_proposals,
    ForwardMembership: lambda parts, message: parts.leading.on_membership(
        message, parts.applying.applied
    ),
    ProposalsRejected: lambda parts, message: parts.answers.extend(
        parts.offers.on_rejected(message)
    ),
    ProposalsReturned: lambda parts, message: parts.offers.on_returned(message),
    ReadIndexRequest: lambda parts, message: parts.leading.on_read_index(message),
    ReadIndexResponse: lambda parts, message: parts.offers.on_read_index(message),
    LeaseRequest: on_lease_request,
    LeaseResponse: lambda parts, message: parts.offers.on_lease(message),
    SnapshotBegin: lambda parts, message: parts.receiving.begin(message),
    SnapshotChunk: lambda parts, message: parts.receiving.chunk(message),
    SnapshotEnd: _on_snapshot_end,
    SnapshotAck: lambda parts, message: parts.sending.acknowledge(message),
}
