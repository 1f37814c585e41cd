"""Messages, entries and updates in words, for traces that people read."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from raftkv.raft.core import Raft
from raftkv.raft.membership import decode_membership, membership_context
from raftkv.raft.messages import (
    COMMIT_NOTICE,
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    HeartbeatResponse,
    InstallSnapshot,
    Message,
    RequestVote,
    RequestVoteResponse,
)
from raftkv.raft.types import (
    EntryKind,
    Membership,
    entry_index,
    entry_kind,
    entry_payload,
    entry_term,
)
from raftkv.raft.update import Update


class StateTransfer(NamedTuple):
    """A snapshot on its way: what the loop sends in chunks."""

    to: int
    sender: int
    install: InstallSnapshot
    state: tuple[bytes, ...]


Parcel: TypeAlias = Message | StateTransfer


def parcel(value: Parcel) -> str:
    """A message or a snapshot."""
    if isinstance(value, StateTransfer):
        install = value.install
        return f"m{value.to} (state at {install.last_index}@{install.last_term})"
    return message(value)


def place(entry: bytes) -> str:
    """Index and term: 5@2."""
    return f"{entry_index(entry)}@{entry_term(entry)}"


def places(entries: list[bytes]) -> str:
    """The places of a run of entries: [3@1..5@2]."""
    if len(entries) > 3:
        return f"[{place(entries[0])}..{place(entries[-1])}]"
    return f"[{' '.join(map(place, entries))}]"


def content(entry: bytes) -> str:
    """What an entry carries."""
    payload = entry_payload(entry)
    if entry_kind(entry) == EntryKind.MEMBERSHIP:
        context = membership_context(payload).decode()
        ruling = membership(decode_membership(payload))
        return f"{ruling} {context}" if context else ruling
    return payload.decode() or "(no-op)"


def entries(run: Iterable[bytes]) -> str:
    """Places and contents."""
    return ", ".join(f"{place(entry)} {content(entry)}" for entry in run)


def membership(value: Membership) -> str:
    """The four groups, as far as there is anybody in them."""

    def group(members: frozenset[int]) -> str:
        return ",".join(map(str, sorted(members)))

    words = f"voters={group(value.voters)}"
    if value.voters_outgoing:
        words += f" outgoing={group(value.voters_outgoing)}"
    if value.learners:
        words += f" learners={group(value.learners)}"
    if value.learners_next:
        words += f" learners-next={group(value.learners_next)}"
    return words


def message(value: Message) -> str:
    """The receiver, the kind, the term, and what the kind says."""
    details = _DETAILS.get(type(value))
    said = details(value) if details else ""
    return f"m{value.to} {type(value).__name__} term={value.term}{said}"


def _request_vote(value: RequestVote) -> str:
    log = f" log={value.last_index}@{value.last_term}"
    return log + " pre-vote" * value.pre_vote + " transfer" * value.transfer


def _vote_response(value: RequestVoteResponse) -> str:
    return (" granted" if value.granted else " refused") + " pre-vote" * value.pre_vote


def _append(value: AppendEntries) -> str:
    log = f" prev={value.prev_index}@{value.prev_term} {places(value.entries)}"
    return f"{log} commit={value.commit}"


def _append_response(value: AppendEntriesResponse) -> str:
    if value.rejected:
        return f" rejected={value.index} hint={value.hint_index}@{value.hint_term}"
    return f" index={value.index}"


def _heartbeat(value: Heartbeat) -> str:
    mark = "" if value.round == COMMIT_NOTICE else f" round={value.round}"
    return f" commit={value.commit}{mark}"


def _heartbeat_response(value: HeartbeatResponse) -> str:
    return f" round={value.round}"


_DETAILS: dict[type[Any], Callable[[Any], str]] = {
    RequestVote: _request_vote,
    RequestVoteResponse: _vote_response,
    AppendEntries: _append,
    AppendEntriesResponse: _append_response,
    Heartbeat: _heartbeat,
    HeartbeatResponse: _heartbeat_response,
}


def changes(raft: Raft, before: tuple[object, ...]) -> Iterator[str]:
    """What became of role, term, leader and configuration."""
    role, term, leader, ruling = before
    if raft.term != term:
        yield f"enters term {raft.term}"
    if raft.role != role:
        yield f"becomes {raft.role.name.lower().replace('_', '-')}"
    if raft.leader not in {leader, raft.member_id}:
        yield f"follows m{raft.leader}" if raft.leader else "follows nobody"
    if raft.membership != ruling:
        yield f"is ruled by {membership(raft.membership)}"


def update(value: Update) -> Iterator[str]:
    """What an update asks for, but for its messages."""
    if value.install is not None:
        yield f"installs the state at {value.install.last_index}@{value.install.last_term}"
    if value.truncate_from:
        yield f"truncates from {value.truncate_from}"
    if value.entries:
        yield f"appends {entries(value.entries)}"
    if value.committed:
        yield f"commits {entries(value.committed)}"
    for context, index in value.reads:
        yield f"may serve read {context} at {index}"
    for context in value.reads_dropped:
        yield f"drops read {context}"
    for payload in value.rejected:
        yield f"rejects {payload.decode()}"
    for member in value.snapshots:
        yield f"asks to send a snapshot to m{member}"
    if value.transfer_failed:
        yield "gives up the transfer"
