"""One match over what other members say: consensus to the core, the rest to whom it concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raftkv.peer.messages import (
    ForwardMembership,
    ForwardProposals,
    LeaseRequest,
    LeaseResponse,
    MemberRemoved,
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

if TYPE_CHECKING:
    from raftkv.node.applying import Answer
    from raftkv.node.node import Node


def receive(node: Node, message: Message | PeerMessage) -> list[Answer]:
    """Carries out one message; returns the answers it has for this member's clients."""
    match message:
        case ForwardProposals():
            node.leading.on_proposals(message)
        case ForwardMembership():
            node.leading.on_membership(message)
        case ProposalsRejected():
            return list(node.offers.on_rejected(message))
        case ReadIndexRequest():
            node.leading.on_read_index(message)
        case ReadIndexResponse():
            node.offers.on_read_index(message)
        case LeaseRequest():
            node.leading.on_lease_request(
                message,
                node.read_barrier,
                lambda lease, renew: node.leading.lease_answer(
                    node.state, lease, renew, node.tick_count
                ),
            )
        case LeaseResponse():
            answer = node.offers.on_lease(message)
            if answer is not None:
                on_answer, ttl, granted = answer
                on_answer(ttl, granted)
        case SnapshotBegin():
            node.receiving.begin(message, busy=node.writes.is_installing)
        case SnapshotChunk():
            node.receiving.chunk(message)
        case SnapshotEnd():
            install = node.receiving.end(message)
            if install is not None:
                node.raft.step(Receive(install))
        case SnapshotAck():
            node.sending.acknowledge(message)
        case MemberRemoved():
            node.hooks.removed()
        case _:
            node.raft.step(Receive(message))
    return []
