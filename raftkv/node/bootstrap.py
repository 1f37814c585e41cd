"""The first entries of a new cluster's log: its first members, the same bytes on each of them.

They count as committed from the start: every first member is given the same list. A member that
joins later reads them as any other entry.
"""

from collections.abc import Iterable

from raftkv.command.types import CommandKind, encode_command
from raftkv.node.ports import WriteBatch
from raftkv.pb import rpc_pb2
from raftkv.raft.membership import encode_membership
from raftkv.raft.types import EntryKind, HardState, Membership, encode_entry

BOOTSTRAP_TERM = 1


def first_write(members: Iterable[rpc_pb2.Member]) -> WriteBatch:
    """The first write of each first member; `members` carry ID, peerURLs and nothing else."""
    entries = []
    voters: set[int] = set()
    for index, member in enumerate(sorted(members, key=lambda m: m.ID), start=1):
        voters.add(member.ID)
        command = encode_command(CommandKind.MEMBER_ADD, 0, 0, member.SerializeToString())
        payload = encode_membership(Membership(frozenset(voters)), command)
        entries.append(encode_entry(BOOTSTRAP_TERM, index, EntryKind.MEMBERSHIP, payload))
    hard_state = HardState(term=BOOTSTRAP_TERM, commit=len(entries))
    return WriteBatch(hard_state=hard_state, entries=entries)
