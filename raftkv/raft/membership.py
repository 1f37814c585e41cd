"""Configurations: how changes turn one into the next, how an entry carries one, which one rules.

A membership entry carries the whole configuration that it brings, not the steps that led there, so
that a log gives the same answer wherever one starts to read it: a member that joins with an empty
disk, and does not know the first configuration, can't compute a wrong one from the changes since.

The newest configuration in the log rules from the moment it is appended, committed or not (section
6, thesis 4.1). Changes of one voter keep majorities overlapping and take effect in one entry
(thesis 4.1); any others pass through a joint configuration, which a second entry leaves (section
6).
"""

import struct
from collections.abc import Iterable

from raftkv.raft.events import MembershipChange
from raftkv.raft.types import (
    NO_MEMBER,
    CorruptEntryError,
    EntryKind,
    Membership,
    entry_index,
    entry_kind,
    entry_payload,
)

_COUNTS = struct.Struct(">HHHH")
"""How many voters, outgoing voters, learners, learners-to-be; their ids (8 bytes each) follow."""

_ID_BYTES = 8
_ID_MAX = (1 << 64) - 1


def encode_membership(membership: Membership, context: bytes) -> bytes:
    """Makes a membership entry's payload: the configuration, then the command that goes along."""
    groups = (
        membership.voters,
        membership.voters_outgoing,
        membership.learners,
        membership.learners_next,
    )
    ids = [member.to_bytes(_ID_BYTES, "big") for group in groups for member in sorted(group)]
    return b"".join([_COUNTS.pack(*map(len, groups)), *ids, context])


def decode_membership(payload: bytes) -> Membership:
    """Reads the configuration in a membership entry's payload.

    Raises:
        CorruptEntryError: It is too short, or is not a configuration that could rule.
    """
    start = _COUNTS.size
    if len(payload) < _context_offset(payload):
        raise CorruptEntryError(f"membership entry: {len(payload)} bytes are too few")
    groups = []
    for count in _COUNTS.unpack_from(payload):
        end = start + count * _ID_BYTES
        places = range(start, end, _ID_BYTES)
        groups.append(
            frozenset(int.from_bytes(payload[at : at + _ID_BYTES], "big") for at in places)
        )
        start = end
    membership = Membership(*groups)
    if not is_valid(membership):
        raise CorruptEntryError(f"membership entry: {membership} can't rule")
    return membership


def membership_context(payload: bytes) -> bytes:
    """The command that goes along with a membership entry; empty where a joint one was left.

    Raises:
        CorruptEntryError: The payload is not a membership entry's.
    """
    return payload[_context_offset(payload) :]


def _context_offset(payload: bytes) -> int:
    if len(payload) < _COUNTS.size:
        raise CorruptEntryError(f"membership entry: {len(payload)} bytes are too few")
    counts: tuple[int, ...] = _COUNTS.unpack_from(payload)
    return _COUNTS.size + sum(counts) * _ID_BYTES


def is_valid(membership: Membership) -> bool:
    """Whether a configuration could rule: somebody votes, nobody both votes and only listens."""
    voting = membership.voters | membership.voters_outgoing
    return (
        bool(membership.voters)
        and all(NO_MEMBER < member <= _ID_MAX for member in membership.members)
        and not membership.learners & voting
        and not membership.learners & membership.learners_next
        and membership.learners_next <= membership.voters_outgoing - membership.voters
    )


def changed(membership: Membership, changes: Iterable[MembershipChange]) -> Membership | None:
    """The configuration that `changes` lead to, joint if they change more than one voter at once.

    Returns None for what can't be done: changing a joint configuration, no changes, a member named
    twice, an unknown action, nobody left to vote.
    """
    changes = list(changes)
    named = {change.member for change in changes}
    if membership.is_joint or not changes or len(named) < len(changes):
        return None
    voters, learners = set(membership.voters), set(membership.learners)
    for change in changes:
        voters.discard(change.member)
        learners.discard(change.member)
        if change.action == "add_voter":
            voters.add(change.member)
        elif change.action == "add_learner":
            learners.add(change.member)
        elif change.action != "remove":
            return None
    if len(voters ^ membership.voters) <= 1:
        result = Membership(frozenset(voters), learners=frozenset(learners))
    else:
        # Section 6: log entries are replicated to all servers in both configurations, and a voter
        # of the outgoing half can only become a learner once that half no longer votes.
        still_voting = learners & membership.voters
        result = Membership(
            frozenset(voters),
            membership.voters,
            frozenset(learners - still_voting),
            frozenset(still_voting),
        )
    return result if is_valid(result) else None


def left_joint(membership: Membership) -> Membership:
    """The configuration after the joint one: its incoming half alone."""
    assert membership.is_joint, f"{membership} is not joint"
    return Membership(membership.voters, learners=membership.learners | membership.learners_next)


class MembershipHistory:
    """Which configuration rules at which index of the log.

    Invariant: `_points` ascend by index; the first is the configuration as of the log's start or
    before, each other one belongs to a membership entry that is in the log.
    """

    __slots__ = ("_points",)

    def __init__(self, index: int, membership: Membership) -> None:
        """Starts with the configuration as of `index`."""
        self._points = [(index, membership)]

    @property
    def latest(self) -> Membership:
        """The configuration that rules."""
        return self._points[-1][1]

    @property
    def latest_index(self) -> int:
        """The index from which on it does."""
        return self._points[-1][0]

    def at(self, index: int) -> Membership | None:
        """The configuration as of `index`; None before the history starts."""
        for since, membership in reversed(self._points):
            if since <= index:
                return membership
        return None

    def since(self, index: int) -> list[Membership]:
        """The configuration as of `index`, and all later ones."""
        first = max(0, sum(start <= index for start, _ in self._points) - 1)
        return [membership for _, membership in self._points[first:]]

    def read(self, entries: list[bytes]) -> None:
        """Takes over the changes among a stored log's entries."""
        for entry in entries:
            if entry_kind(entry) == EntryKind.MEMBERSHIP:
                self.append(entry_index(entry), decode_membership(entry_payload(entry)))

    def append(self, index: int, membership: Membership) -> None:
        """Lets a configuration rule from the entry at `index` on."""
        assert index > self.latest_index, f"{index} is not after {self.latest_index}"
        self._points.append((index, membership))

    def truncate(self, index: int) -> None:
        """Falls back to what ruled before the entry at `index`."""
        while self._points[-1][0] >= index:
            self._points.pop()
        assert self._points, f"the log was truncated at {index}, before its start"

    def compact(self, index: int) -> None:
        """Forgets what ruled only before `index`."""
        while len(self._points) > 1 and self._points[1][0] <= index:
            del self._points[0]

    def restart_after(self, index: int, membership: Membership, *, keep_later: bool) -> None:
        """Starts with a snapshot's configuration; what came after `index` stays if the log does."""
        later = [point for point in self._points if keep_later and point[0] > index]
        self._points = [(index, membership), *later]
