"""Elections (section 5.2), restricted to up-to-date logs (5.4.1).

With pre-vote (thesis 9.6), and the check that a leader still reaches a quorum (thesis 6.2).
Who wins is all this file decides; what a new leader then does is `replication`'s.
"""

from raftkv.raft.messages import RequestVote, RequestVoteResponse
from raftkv.raft.quorum import VoteResult, vote_result
from raftkv.raft.state import (
    Role,
    State,
    become_candidate,
    become_follower,
    become_leader,
    become_pre_candidate,
    hasten_election,
    restart_election_timer,
)
from raftkv.raft.types import NO_MEMBER


def on_tick(state: State) -> bool:
    """Counts silence towards an election; returns whether this member is leader now (alone)."""
    state.election_elapsed += 1
    if state.election_elapsed < state.election_due:
        return False
    if not state.may_stand:
        # Learners and former members wait to be told who leads.
        become_follower(state, state.term, NO_MEMBER)
        restart_election_timer(state)
        return False
    return campaign(state) if state.config.pre_vote else _stand(state, transfer=False)


def campaign(state: State) -> bool:
    """Starts with a pre-vote; returns whether this member is leader now (alone)."""
    become_pre_candidate(state)
    if vote_result(state.halves, state.votes) is VoteResult.WON:
        return _stand(state, transfer=False)
    _request_votes(state, pre_vote=True, transfer=False)
    return False


def campaign_by_transfer(state: State) -> bool:
    """Stands at once: the leader itself asked for it (thesis 3.10). Returns as `campaign`."""
    return state.may_stand and _stand(state, transfer=True)


def on_leader_lost(state: State) -> None:
    """Stops protecting a leader whose connection closed, and makes an election due early."""
    if state.role is Role.FOLLOWER and not state.hastened:
        hasten_election(state)


def on_request_vote(state: State, message: RequestVote) -> None:
    """Answers a candidate, or a pre-candidate, whose term is not below ours."""
    sender, term = message.sender, message.term
    # Section 5.2: at most one candidate a term, first come, first served. In a term that is not
    # entered yet (only a pre-vote asks about one) everybody is still free to vote.
    is_free = (
        term > state.term
        or state.vote == sender
        or (state.vote == NO_MEMBER and state.leader == NO_MEMBER)
    )
    # Section 5.4.1: the voter denies its vote if its own log is more up-to-date: a later last term,
    # or the same last term and a longer log.
    own = (state.log.last_term, state.log.last_index)
    granted = is_free and (message.last_term, message.last_index) >= own
    if message.pre_vote:
        # Promises nothing, so there is nothing to write before answering.
        answered_term = term if granted else state.term
        state.update.messages.append(
            RequestVoteResponse(sender, state.member_id, answered_term, granted, pre_vote=True)
        )
        return
    if granted:
        state.vote = sender
        restart_election_timer(state)
    # Figure 2: the vote is durable before it is given.
    state.update.messages_after_write.append(
        RequestVoteResponse(sender, state.member_id, term, granted, pre_vote=False)
    )


def on_vote_response(state: State, message: RequestVoteResponse) -> bool:
    """Counts a vote, or a pre-vote; returns whether it made this member leader."""
    role = state.role
    if message.pre_vote:
        term_asked = state.term + 1 if message.granted else state.term
        counts = role is Role.PRE_CANDIDATE and message.term == term_asked
    else:
        counts = role is Role.CANDIDATE and message.term == state.term
    # Section 6: who is not a member of the configuration has no say.
    if not counts or message.sender not in state.peers:
        return False
    state.votes.setdefault(message.sender, message.granted)
    if role is Role.CANDIDATE and not message.granted and state.config.pre_vote:
        # The pre-vote was won, so this vote went to another candidate: should nobody win, the next
        # attempt need not wait for a whole timeout. It starts with a pre-vote, which harms nobody.
        hasten_election(state)
    result = vote_result(state.halves, state.votes)
    if result is VoteResult.LOST:
        become_follower(state, state.term, NO_MEMBER)
    elif result is VoteResult.WON:
        if role is Role.PRE_CANDIDATE:
            return _stand(state, transfer=False)
        become_leader(state)
        return True
    return False


def has_quorum_lately(state: State) -> bool:
    """Whether a quorum was heard since the last time this was asked; starts to count anew."""
    heard = {state.member_id: True}
    for member in state.peers:
        progress = state.progress[member]
        heard[member] = progress.recently_active
        progress.recently_active = False
    return vote_result(state.halves, heard) is VoteResult.WON


def on_leader_tick(state: State) -> None:
    """Once an election timeout, steps down unless a quorum was heard (thesis 6.2)."""
    state.election_elapsed += 1
    if state.election_elapsed < state.config.election_timeout_ticks:
        return
    state.election_elapsed = 0
    if state.config.check_quorum and not has_quorum_lately(state):
        become_follower(state, state.term, NO_MEMBER)


def _stand(state: State, *, transfer: bool) -> bool:
    become_candidate(state)
    if vote_result(state.halves, state.votes) is VoteResult.WON:
        become_leader(state)
        return True
    _request_votes(state, pre_vote=False, transfer=transfer)
    return False


def _request_votes(state: State, *, pre_vote: bool, transfer: bool) -> None:
    """Asks every other voter, in parallel (section 5.2)."""
    own, term = state.member_id, state.term
    last_index, last_term = state.log.last_index, state.log.last_term
    update = state.update
    # Section 5.2: the vote for itself is durable before anyone else is asked for one.
    out = update.messages if pre_vote else update.messages_after_write
    for member in state.peers:
        if any(member in voters for voters in state.halves):
            out.append(
                RequestVote(member, own, term + pre_vote, last_index, last_term, pre_vote, transfer)
            )
