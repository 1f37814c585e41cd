"""What a message's term and sender mean, before its content counts (section 5.1).

Handlers therefore only meet messages of the current term; the exceptions are the two messages of a
pre-vote, whose term is one that nobody has entered yet.
"""

from raftkv.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    HeartbeatResponse,
    InstallSnapshot,
    Message,
    RequestVote,
    RequestVoteResponse,
)
from raftkv.raft.state import (
    Role,
    State,
    become_follower,
    hasten_election,
    restart_election_timer,
)
from raftkv.raft.types import NO_MEMBER, TERM_MAX

_FROM_LEADERS = (AppendEntries, Heartbeat, InstallSnapshot)


def admit(state: State, message: Message) -> bool:
    """Says whether the message's handler is to see it; enters a newer term if it shows one."""
    if message.to != state.member_id or message.sender in {NO_MEMBER, state.member_id}:
        return False
    if message.term == state.term:
        return True
    if 0 <= message.term < state.term:
        _answer_old_term(state, message)
        return False
    return 0 <= message.term <= TERM_MAX and _admit_newer(state, message)


def _answer_old_term(state: State, message: Message) -> None:
    """Section 5.1: a request with a stale term is rejected; the answer's term brings its sender up.

    That also frees a member whose term got ahead of its leader's and which the leader therefore
    could never reach again: the leader learns of the higher term and steps down.
    """
    to, own, term = message.sender, state.member_id, state.term
    if isinstance(message, RequestVote):
        answer: Message = RequestVoteResponse(
            to, own, term, granted=False, pre_vote=message.pre_vote
        )
        state.update.messages.append(answer)
    elif isinstance(message, _FROM_LEADERS):
        answer = AppendEntriesResponse(
            to, own, term, rejected=True, index=0, hint_index=0, hint_term=0
        )
        state.update.messages.append(answer)


def _admit_newer(state: State, message: Message) -> bool:
    """Section 5.1: a member that sees a higher term enters it and becomes a follower."""
    if isinstance(message, RequestVote):
        if is_sticky(state) and not message.transfer:
            return False
        if not message.pre_vote:
            become_follower(state, message.term, NO_MEMBER)
        return True
    if isinstance(message, _FROM_LEADERS):
        become_follower(state, message.term, message.sender)
        return True
    if isinstance(message, RequestVoteResponse) and message.pre_vote and message.granted:
        return True
    is_answer = isinstance(message, RequestVoteResponse | AppendEntriesResponse | HeartbeatResponse)
    # Requests go to members only, so an answer from anyone else is not one.
    if is_answer and message.sender in state.peers:
        campaigned = state.role in {Role.PRE_CANDIDATE, Role.CANDIDATE}
        become_follower(state, message.term, NO_MEMBER)
        if campaigned and state.config.pre_vote:
            # It lost for its term, not for its log: with the new term it may win, and if there is a
            # leader, asking once more before hearing from it does no harm.
            hasten_election(state)
    return False


def follow(state: State, sender: int) -> bool:
    """Recognizes the sender as the term's leader; returns False if somebody else is.

    Section 5.2: a candidate that hears from a leader of its own term returns to follower state.
    """
    if state.leader not in {NO_MEMBER, sender}:
        # Election Safety: this can't be, so it is not listened to.
        return False
    if state.role is not Role.FOLLOWER or state.leader != sender:
        become_follower(state, state.term, sender)
    state.election_elapsed = 0
    if state.hastened:
        restart_election_timer(state)
    return True


def is_sticky(state: State) -> bool:
    """Whether a leader was heard so lately that nobody may depose it (thesis 4.2.3, 6.4).

    A leader's own timer starts again whenever a quorum was heard, so that it protects itself too.
    """
    return (
        state.config.check_quorum
        and state.leader != NO_MEMBER
        and not state.hastened
        and state.election_elapsed < state.config.election_timeout_ticks
    )
