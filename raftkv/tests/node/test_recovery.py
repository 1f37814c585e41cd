"""What one member's log must say for it to go on alone."""

import pytest

from raftkv.command.types import CommandKind, decode_head
from raftkv.config import RaftConfig
from raftkv.node.recovery import sole_member_write
from raftkv.pb import rpc_pb2 as pb
from raftkv.raft.core import Raft
from raftkv.raft.membership import encode_membership, membership_context
from raftkv.raft.stored import StoredLog
from raftkv.raft.types import (
    EntryKind,
    HardState,
    Membership,
    encode_entry,
    entry_payload,
    entry_term,
)

ME = pb.Member(ID=3, peerURLs=["http://three:1"])
THREE = Membership(frozenset({1, 2, 3}))
JOINT = Membership(frozenset({1, 2, 4}), frozenset({1, 2, 3}))
LEARNING = Membership(frozenset({1, 2}), learners=frozenset({3}))
ALONE = Membership(frozenset({3}))


def stored(start: Membership | None, *entries: bytes, commit: int = 5) -> StoredLog:
    """A log that starts after entry 5, with a vote for another in term 7."""
    return StoredLog(HardState(7, 1, commit), 5, 2, start, list(entries), 5, 2)


def change(index: int, membership: Membership) -> bytes:
    payload = encode_membership(membership, b"")
    return encode_entry(6, index, EntryKind.MEMBERSHIP, payload)


def put(index: int) -> bytes:
    return encode_entry(6, index, EntryKind.NORMAL, b"put")


def restarted(log: StoredLog) -> Raft:
    """The consensus core of a member that starts with a log after it was amended."""
    write = sole_member_write(log, ME)
    assert write is not None
    return Raft(
        ME.ID,
        RaftConfig(),
        lambda: 10,
        write.hard_state,
        log.snapshot_index,
        log.snapshot_term,
        log.membership or Membership(frozenset()),
        log.entries + write.entries,
        log.applied_index,
    )


@pytest.mark.parametrize(
    "log",
    [
        stored(THREE),
        stored(THREE, put(6), put(7)),
        stored(LEARNING, put(6)),
        stored(THREE, put(6), change(7, JOINT), put(8), commit=7),
        stored(THREE, put(6), change(7, JOINT), commit=6),
        stored(None, change(6, THREE), commit=6),
    ],
    ids=["nothing since the start", "voter", "learner", "joint", "joint, maybe", "from the start"],
)
def test_whatever_ruled_before_the_member_is_the_only_voter_and_has_all_of_its_log(
    log: StoredLog,
) -> None:
    raft = restarted(log)
    assert raft.membership == ALONE
    update = raft.take_update()
    assert update is not None
    assert update.committed[:-1] == log.entries
    assert raft.commit == raft.last_index == 5 + len(log.entries) + 1


def test_the_entry_is_of_a_term_in_which_nobody_else_was_elected() -> None:
    write = sole_member_write(stored(THREE, put(6)), ME)
    assert write is not None
    assert write.hard_state == HardState(8, ME.ID, 7)
    assert write.truncate_from == 0
    assert [entry_term(entry) for entry in write.entries] == [8]


def test_the_members_table_is_told_the_same() -> None:
    write = sole_member_write(stored(LEARNING), ME)
    assert write is not None
    command = membership_context(entry_payload(write.entries[0]))
    assert decode_head(command)[1:] == (CommandKind.MEMBER_KEEP_ONLY, 0, 0)
    assert command.endswith(ME.SerializeToString())


def test_a_member_that_is_alone_already_is_left_as_it_is() -> None:
    assert sole_member_write(stored(ALONE, put(6)), ME) is None
    assert sole_member_write(stored(THREE, put(6), change(7, ALONE)), ME) is None
