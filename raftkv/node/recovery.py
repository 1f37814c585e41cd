"""What makes one member's data a cluster of one, when the others are lost for good.

A last entry says that this member alone votes. It rules from the moment it is in the log (section
6), whatever came before it: three voters, a joint configuration, or a learner's place. Its command
says the same to the members table, where the others count as removed: should one of them come back,
it is told so and stops.

Nothing of the log is dropped. Which of its last entries were committed this member can't know: a
leader acknowledges before its followers hear of it, and the commit index on the disk is older than
the one in memory was. So all of them stay, as they do when a member is elected (5.3: a leader never
removes entries of its own). Those that nobody acknowledged are requests whose clients were left
without an answer.

The entry has a term of its own, in which this member has voted for itself: no leader of the cluster
that was can have made another one in its place.
"""

from raftkv.command.types import CommandKind, encode_command
from raftkv.node.ports import StoredLog, WriteBatch
from raftkv.pb import rpc_pb2
from raftkv.raft.membership import MembershipHistory, encode_membership
from raftkv.raft.types import EntryKind, HardState, Membership, encode_entry


def sole_member_write(stored: StoredLog, member: rpc_pb2.Member) -> WriteBatch | None:
    """The write that leaves `member` (ID, peerURLs) alone; None when it is alone already."""
    history = MembershipHistory(stored.snapshot_index, stored.membership or Membership(frozenset()))
    history.read(stored.entries)
    alone = Membership(frozenset((member.ID,)))
    if history.latest == alone:
        return None
    term = stored.hard_state.term + 1
    index = stored.snapshot_index + len(stored.entries) + 1
    command = encode_command(CommandKind.MEMBER_KEEP_ONLY, 0, 0, member.SerializeToString())
    payload = encode_membership(alone, command)
    return WriteBatch(
        # The only voter has it: so it is committed, and with it everything before it (5.4.2).
        hard_state=HardState(term, vote=member.ID, commit=index),
        entries=[encode_entry(term, index, EntryKind.MEMBERSHIP, payload)],
    )
