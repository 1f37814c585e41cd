"""Who answers a question about a lease: the leader, once it has proved that it still leads.

The leader may change while a question waits, so each time it is asked again it goes to whoever
leads then, which may be the very member that asks.
"""

from collections.abc import Callable

from raftkv.command.types import Failure
from raftkv.node.lease_queries import UNANSWERED
from raftkv.node.parts import Parts
from raftkv.peer.messages import LeaseRequest, LeaseResponse


def ask_about_lease(parts: Parts, context: int) -> None:
    """Asks the leader what one of this member's clients wants to know."""
    if parts.raft.leader != parts.raft.member_id:
        parts.offers.lease_query(context)
        return
    query = parts.lease_queries.get(context)
    if query is None:
        return

    def when_known(ttl: int, granted_ttl: int) -> None:
        if ttl == UNANSWERED:
            return  # asked again when it is due
        on_answer = parts.lease_queries.answer(context)
        if on_answer is not None:
            on_answer(ttl, granted_ttl)

    _answer_when_proved(parts, query.lease, renew=query.renew, on_answer=when_known)


def on_lease_request(parts: Parts, message: LeaseRequest) -> None:
    """Answers another member."""

    def when_known(ttl: int, granted_ttl: int) -> None:
        answer = LeaseResponse(message.sender, message.to, message.context, ttl, granted_ttl)
        parts.transport.send([answer])

    _answer_when_proved(parts, message.lease, renew=message.renew, on_answer=when_known)


def _answer_when_proved(
    parts: Parts, lease: int, *, renew: bool, on_answer: Callable[[int, int], None]
) -> None:
    def when_proved(failure: Failure | None) -> None:
        if failure is not None:
            on_answer(UNANSWERED, 0)
            return
        on_answer(*parts.leading.lease_answer(parts.state, lease, parts.tick_count, renew=renew))

    failure = parts.reads.add(when_proved, parts.tick_count)
    if failure is not None:
        when_proved(failure)
