"""What reaches the disk, and in which order."""

from raftkv.command.types import CommandKind, encode_command
from raftkv.pb import rpc_pb2 as pb
from raftkv.raft.messages import AppendEntries
from raftkv.raft.types import EntryKind, encode_entry
from raftkv.tests.node.given import ME, OTHER, World


def put_entry(term: int, index: int) -> bytes:
    """An entry that puts a key."""
    body = pb.PutRequest(key=b"k", value=b"%d" % index).SerializeToString()
    command = encode_command(CommandKind.PUT, OTHER, index, body)
    return encode_entry(term, index, EntryKind.NORMAL, command)


def test_no_write_says_that_entries_are_committed_which_the_disk_does_not_have_yet() -> None:
    world = World()
    first = [put_entry(1, 1), put_entry(1, 2)]
    world.meets(AppendEntries(ME, OTHER, 1, 0, 0, 2, first))
    world.disk_is_done()  # applied, and so the state waits to be written with the next tick
    second = [put_entry(1, 3), put_entry(1, 4)]
    world.meets(AppendEntries(ME, OTHER, 1, 2, 1, 4, second), ticks=1)

    stored = 0
    for batch in world.disk.writes:
        stored += len(batch.entries)
        assert batch.hard_state.commit <= stored
    assert stored == 4
