"""What this member's clients ask, handed to whoever leads: to the own core, or forwarded.

Without a leader everything waits here until there is one, or until its time is up.
"""

from raftkv.command.types import Failure, decode_head
from raftkv.node.lease_queries import UNANSWERED, LeaseQueries
from raftkv.node.ports import Transport
from raftkv.node.proposals import OnResult, Proposals
from raftkv.node.reads import Reads
from raftkv.peer.messages import (
    ForwardMembership,
    ForwardProposals,
    LeaseRequest,
    LeaseResponse,
    ProposalsRejected,
    ProposalsReturned,
    ReadIndexRequest,
    ReadIndexResponse,
)
from raftkv.raft.core import Raft
from raftkv.raft.events import MembershipChange, Propose, ReadIndex


class Offers:
    """The requests of this member on their way to the leader."""

    def __init__(
        self,
        raft: Raft,
        transport: Transport,
        proposals: Proposals,
        reads: Reads,
        leases: LeaseQueries,
    ) -> None:
        self._raft = raft
        self._me = raft.member_id
        self._transport = transport
        self._proposals = proposals
        self._reads = reads
        self._leases = leases
        self._asked_in = (0, 0)
        """(leader, term) that the read round under way was asked of."""
        self._returned_by = 0
        """Who gave commands back since the last tick: it is not asked again at once."""

    def proposals(self) -> None:
        """Hands over the queued commands, in one piece."""
        raft = self._raft
        if not self._proposals.queued or raft.leader in (0, self._returned_by):
            return
        commands = self._proposals.take(raft.term)
        if raft.leader == self._me:
            raft.step(Propose(commands))
        else:
            forward = ForwardProposals(raft.leader, self._me, raft.term, commands)
            self._transport.send([forward])

    def membership(self, changes: tuple[MembershipChange, ...], command: bytes) -> Failure | None:
        """Hands a membership change to another member that leads; a failure if there is none."""
        raft = self._raft
        if not raft.leader:
            return Failure.NO_LEADER
        pairs = [(change.action, change.member) for change in changes]
        self._transport.send([ForwardMembership(raft.leader, self._me, raft.term, pairs, command)])
        return None

    def read_round(self, tick: int) -> None:
        """Begins a round for the reads that gathered, or asks again when that is due."""
        raft = self._raft
        if not raft.leader:
            return
        asked_in = (raft.leader, raft.term)
        if asked_in != self._asked_in:
            context = self._reads.restart(tick) or self._reads.begin(tick)
        else:
            context = self._reads.begin(tick) or self._reads.retry(tick)
        if not context:
            return
        self._asked_in = asked_in
        if raft.leader == self._me:
            raft.step(ReadIndex(context))
        else:
            request = ReadIndexRequest(raft.leader, self._me, raft.term, context)
            self._transport.send([request])

    def lease_query(self, context: int) -> None:
        """Asks the leader, when that is another member."""
        query = self._leases.get(context)
        if query is not None and self._raft.leader not in (0, self._me):
            self._transport.send(
                [LeaseRequest(self._raft.leader, self._me, context, query.renew, query.lease)]
            )

    def on_rejected(self, message: ProposalsRejected) -> list[tuple[OnResult, Failure]]:
        """The leader refused requests of ours."""
        failure = Failure.__members__.get(message.reason, Failure.LEADER_CHANGED)
        return [(callback, failure) for callback in self._proposals.fail(message.request_ids)]

    def on_returned(self, message: ProposalsReturned) -> None:
        """Requests of ours were not taken by who leads no more: they wait for who is next."""
        self._returned_by = message.sender
        self._proposals.put_back(message.commands)

    def tick(self) -> None:
        """Who gave commands back and leads all the same may be asked again."""
        self._returned_by = 0

    def on_read_index(self, message: ReadIndexResponse) -> None:
        """The leader answered a round; a refusal is asked again when the retry is due."""
        if message.index >= 0:
            self._reads.confirm(message.context, message.index)

    def on_lease(self, message: LeaseResponse) -> None:
        """The leader answered about a lease; when it could not, it is asked again when due."""
        if message.ttl == UNANSWERED:
            return
        on_answer = self._leases.answer(message.context)
        if on_answer is not None:
            on_answer(message.ttl, message.granted_ttl)


def request_ids(commands: list[bytes]) -> list[int]:
    """The request id of each command."""
    return [decode_head(command)[3] for command in commands]
