"""Cores in a given situation, and a step as one call: where tests of a sentence start from."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from raftkv.config import RaftConfig
from raftkv.raft.core import Raft
from raftkv.raft.events import Event, Persisted, Receive, Tick
from raftkv.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    HeartbeatResponse,
    Message,
    RequestVote,
    RequestVoteResponse,
)
from raftkv.raft.state import Role
from raftkv.raft.types import HardState, Membership, encode_entry, entry_index, entry_term
from raftkv.raft.update import Update

TIMEOUT = 10
"""Every election timeout drawn here, in ticks."""

PLAIN = RaftConfig(election_timeout_ticks=TIMEOUT, pre_vote=False, check_quorum=False)
"""The paper's algorithm, without the thesis' pre-vote and check of the quorum."""

FULL = RaftConfig(election_timeout_ticks=TIMEOUT)

M = TypeVar("M", bound=Message)


def log_of(*terms: int, first: int = 1) -> list[bytes]:
    """Entries with these terms, from index `first` on; each carries its place."""
    return [
        encode_entry(term, index, 0, b"%d@%d" % (index, term))
        for index, term in enumerate(terms, first)
    ]


def member(
    member_id: int = 1,
    *,
    voters: Iterable[int] = (1, 2, 3),
    learners: Iterable[int] = (),
    log: Iterable[int] = (),
    hard_state: HardState | None = None,
    applied: int = 0,
    config: RaftConfig = PLAIN,
    election_timeout: Callable[[], int] = lambda: TIMEOUT,
) -> Raft:
    """A member that has just started with a stored log of these terms."""
    terms = tuple(log)
    return Raft(
        member_id,
        config,
        election_timeout,
        hard_state or HardState(term=terms[-1] if terms else 0),
        0,
        0,
        Membership(frozenset(voters), learners=frozenset(learners)),
        log_of(*terms),
        applied,
    )


def take(raft: Raft, *events: Event) -> Update:
    """Lets events happen and gives what follows."""
    for event in events:
        raft.step(event)
    return raft.take_update() or Update()


def ticks(raft: Raft, count: int = TIMEOUT) -> Update:
    """Lets time pass."""
    return take(raft, *[Tick()] * count)


def receive(raft: Raft, *messages: Message) -> Update:
    """Lets messages arrive."""
    return take(raft, *map(Receive, messages))


def sent(update: Update, kind: type[M]) -> list[M]:
    """The messages of a kind that an update sends, before or after its write."""
    messages = update.messages + update.messages_after_write
    return [message for message in messages if isinstance(message, kind)]


def persist(raft: Raft, update: Update) -> Update:
    """Makes an update's entries durable."""
    last = update.entries[-1]
    return take(raft, Persisted(entry_term(last), entry_index(last)))


def candidate(member_id: int = 1, **given: object) -> Raft:
    """A member that stands for election, its requests sent."""
    raft = member(member_id, **given)  # type: ignore[arg-type]
    ticks(raft)
    if raft.role is Role.PRE_CANDIDATE:
        answer(raft, sorted(raft.membership.voters - {member_id}))
    assert raft.role is Role.CANDIDATE, f"{raft.role.name} instead of a candidate"
    return raft


def answer(raft: Raft, voters: Iterable[int], *, granted: bool = True) -> Update:
    """Lets voters answer what a candidate or pre-candidate asked."""
    pre_vote = raft.role is Role.PRE_CANDIDATE
    term = raft.term + 1 if pre_vote and granted else raft.term
    return receive(
        raft,
        *[RequestVoteResponse(raft.member_id, voter, term, granted, pre_vote) for voter in voters],
    )


def leader(member_id: int = 1, **given: object) -> tuple[Raft, Update]:
    """A member that was just elected, and the update that followed."""
    raft = member(member_id, **given)  # type: ignore[arg-type]
    others = sorted(raft.membership.voters - {member_id})
    update = ticks(raft)
    for role in (Role.PRE_CANDIDATE, Role.CANDIDATE):
        if raft.role is role:
            update = answer(raft, others[: (len(others) + 1) // 2])
    assert raft.role is Role.LEADER, f"{raft.role.name} instead of a leader"
    return raft, update


def settled_leader(member_id: int = 1, **given: object) -> Raft:
    """A leader that committed its first entry, everybody's log being equal to its own."""
    raft, update = leader(member_id, **given)
    persist(raft, update)
    for other in sorted(raft.membership.members - {member_id}):
        accept(raft, other)
    assert raft.commit == raft.last_index, "the leader's log is not committed"
    return raft


def accept(raft: Raft, sender: int, index: int | None = None) -> Update:
    """Lets a follower say that it has the leader's log up to an index (by default, to the end)."""
    index = raft.last_index if index is None else index
    return _append_response(raft, sender, index, (0, 0), rejected=False)


def refuse(raft: Raft, sender: int, index: int, hint: tuple[int, int]) -> Update:
    """Lets a follower say that it lacks the entry at `index`; logs may agree at the hint."""
    return _append_response(raft, sender, index, hint, rejected=True)


def _append_response(
    raft: Raft, sender: int, index: int, hint: tuple[int, int], *, rejected: bool
) -> Update:
    response = AppendEntriesResponse(raft.member_id, sender, raft.term, rejected, index, *hint)
    return receive(raft, response)


def append(
    raft: Raft,
    sender: int,
    term: int,
    prev: tuple[int, int],
    terms: Iterable[int] = (),
    commit: int = 0,
) -> Update:
    """Lets a leader append entries of these terms after `prev` (index, term)."""
    entries = log_of(*terms, first=prev[0] + 1)
    return receive(raft, AppendEntries(raft.member_id, sender, term, *prev, commit, entries))


def ask_vote(
    raft: Raft, sender: int, term: int, log: tuple[int, int] = (0, 0), *, pre_vote: bool = False
) -> bool:
    """Lets a candidate with a log that ends at (index, term) ask; whether it gets the vote."""
    request = RequestVote(raft.member_id, sender, term, *log, pre_vote, transfer=False)
    responses = sent(receive(raft, request), RequestVoteResponse)
    return bool(responses) and responses[0].granted


def hear(raft: Raft, *senders: int) -> Update:
    """Lets followers answer the current heartbeat."""
    current = raft._state.round
    return receive(
        raft, *[HeartbeatResponse(raft.member_id, other, raft.term, current) for other in senders]
    )


def role_of(raft: Raft) -> Role:
    """The role, for a second look in a test: the type checker believes the first for ever."""
    return raft.role


def terms_of(raft: Raft) -> list[int]:
    """The terms of the log's entries."""
    return [raft.term_at(index) for index in range(raft.first_index, raft.last_index + 1)]


def with_config(**changes: object) -> RaftConfig:
    """The full algorithm with some tunables changed."""
    return replace(FULL, **changes)  # type: ignore[arg-type]
