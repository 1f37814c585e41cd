"""One node with a disk and a network that only take note of what they are told."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from raftkv.command.types import CommandKind, Failure, Result, encode_command
from raftkv.config import LimitsConfig, NodeConfig, RaftConfig, WatchConfig
from raftkv.node.assembly import Start, assemble
from raftkv.node.settings import NodeSettings
from raftkv.pb import rpc_pb2 as pb
from raftkv.peer.messages import PeerMessage
from raftkv.raft.messages import (
    COMMIT_NOTICE,
    AppendEntries,
    AppendEntriesResponse,
    Heartbeat,
    HeartbeatResponse,
    Message,
    RequestVoteResponse,
)
from raftkv.raft.stored import StoredLog, WriteBatch
from raftkv.raft.types import EntryKind, HardState, Membership, encode_entry

ME, OTHER, THIRD = 1, 2, 3
Row = tuple[bytes, bytes]
Kind = TypeVar("Kind")


class Rows:
    """Rows in memory."""

    def __init__(self, rows: list[Row] | None = None) -> None:
        self.rows = dict(rows or [])

    def get(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def get_many(self, keys: list[bytes]) -> list[bytes]:
        return [self.rows[key] for key in keys]

    def put(self, key: bytes, row: bytes) -> None:
        self.rows[key] = row

    def delete(self, keys: list[bytes]) -> None:
        for key in keys:
            del self.rows[key]

    def scan(self, start: bytes, stop: bytes, rows_max: int) -> list[Row]:
        return [row for row in sorted(self.rows.items()) if start <= row[0] < stop][:rows_max]


class Tables:
    """Tables in memory."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[bytes, bytes]] = {}

    def get(self, table: str, key: bytes) -> bytes | None:
        return self.tables.get(table, {}).get(key)

    def put(self, table: str, key: bytes, value: bytes) -> None:
        self.tables.setdefault(table, {})[key] = value

    def delete(self, table: str, key: bytes) -> None:
        self.tables.get(table, {}).pop(key, None)

    def items(self, table: str) -> Iterator[Row]:
        return iter(sorted(self.tables.get(table, {}).items()))


class Disk:
    """Takes note of every call; what it stages, it does not keep."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.tables = Tables()
        self.calls: list[str] = []
        self.writes: list[WriteBatch] = []
        self.sequence = self.staged = 0
        self.durable = 0
        self.stored_applied_index = 0

    def write(self, batch: WriteBatch) -> int:
        self.writes.append(batch)
        return self._note("install" if batch.install_staged else "write")

    def stage_reset(self) -> None:
        self._note("reset")

    def stage(self, rows: list[Row]) -> int:
        self._note(f"stage {len(rows)}")
        self.staged += 1
        return self.staged

    def stage_tables(self, tables: dict[str, list[Row]]) -> None:  # noqa: ARG002 - a port
        self._note("tables")

    def _note(self, call: str) -> int:
        self.calls.append(call)
        self.sequence += 1
        return self.sequence


class Network:
    """Takes note of what is sent."""

    def __init__(self) -> None:
        self.sent: list[Message | PeerMessage] = []
        self.connected_ticks: dict[int, int] = {}
        """For how long a member has been connected; for those not named, long enough."""

    def send(self, messages: list[Message | PeerMessage]) -> None:
        self.sent += messages

    def is_connected(self, member: int) -> bool:
        return self.active_since_ticks(member) > 0

    def active_since_ticks(self, member: int) -> int:
        return self.connected_ticks.get(member, 1_000)


class Clock:
    """What a run of the loop asks for, besides."""

    def __init__(self) -> None:
        self.wakes = 0
        self.flushes: list[int] = []
        """How many messages had been sent at each flush."""
        self.members_changed = 0


class World:
    """The node of member 1, of three if not told otherwise, and what is around it.

    What arrives is met by one turn each time. Nothing is durable until `disk_is_done`.
    """

    def __init__(
        self,
        voters: Iterable[int] = (ME, OTHER, THIRD),
        *,
        config: NodeConfig | None = None,
        settings: dict[str, Any] | None = None,
        raft: RaftConfig | None = None,
        stored: StoredLog | None = None,
        rows: list[Row] | None = None,
    ) -> None:
        self.disk = Disk()
        self.disk.rows.rows.update(rows or [])
        self.network = Network()
        self.asked = asked = Clock()
        chosen = {
            "cluster_id": 7,
            "first_request_id": 1,
            "ticks_per_second": 10,
            "election_timeout_ticks": 10,
            "strict_reconfig_check": True,
            "auto_compaction_seconds": 0,
            "auto_compaction_revisions": 0,
            "config": config or NodeConfig(),
            **(settings or {}),
        }

        def wake() -> None:
            asked.wakes += 1

        def members_changed() -> None:
            asked.members_changed += 1

        self.node = assemble(
            Start(
                member_id=ME,
                raft=raft or RaftConfig(pre_vote=False),
                watch=WatchConfig(),
                limits=LimitsConfig(),
                settings=NodeSettings(**chosen),
                election_timeout=lambda: 10,
                wake=wake,
                flush=lambda: asked.flushes.append(len(self.network.sent)),
                members_changed=members_changed,
            ),
            stored or StoredLog(HardState(1), 0, 0, Membership(frozenset(voters)), [], 0, 0),
            self.disk,
            self.network,
        )

    # -- what happens

    def meets(self, *messages: Message | PeerMessage, ticks: int = 0) -> None:
        """All of it arrives before one turn; the disk is done before the turn after it."""
        for message in messages:
            self.node.receive(message)
        for _ in range(ticks):
            self.node.tick()
        self.node.turn()

    def passes(self, ticks: int) -> None:
        """So many ticks, a turn each."""
        for _ in range(ticks):
            self.meets(ticks=1)

    def disk_is_done(self) -> None:
        """Everything written is durable, stored, and staged."""
        self.disk.stored_applied_index = max(
            (batch.applied_index for batch in self.disk.writes), default=0
        )
        self.node.staged(self.disk.staged)
        self.node.durable(self.disk.sequence)
        self.node.turn()

    def follows(self, leader: int = OTHER, term: int = 1) -> None:
        """A leader makes itself known."""
        self.meets(Heartbeat(ME, leader, term, 0, 1))

    def is_sent(
        self, *entries: bytes, leader: int = OTHER, commit: int = 0, term: int | None = None
    ) -> None:
        """The leader sends what follows this member's log."""
        raft = self.node.raft
        last = raft.last_index
        term = term or raft.term
        prev_term = raft.term_at(last)
        self.meets(AppendEntries(ME, leader, term, last, prev_term, commit, list(entries)))

    def leads(self) -> None:
        """This member is elected, and its first entry is committed and applied."""
        self.passes(10)
        self.disk_is_done()
        term = self.node.status.term
        self.meets(RequestVoteResponse(ME, OTHER, term, granted=True, pre_vote=False))
        self.disk_is_done()
        self.is_acknowledged()
        assert self.node.status.leader == ME, f"{self.node.status.leader} leads"

    def is_acknowledged(self, by: int = OTHER) -> None:
        """Another member has everything that this leader has."""
        status = self.node.status
        self.meets(
            AppendEntriesResponse(
                ME,
                by,
                status.term,
                rejected=False,
                index=status.last_index,
                hint_index=0,
                hint_term=0,
            )
        )
        self.disk_is_done()

    def heartbeats_are_answered(self, by: int = OTHER) -> None:
        """Another member answers the last heartbeat that asked for it."""
        beat = [m for m in self.sent(Heartbeat) if m.round != COMMIT_NOTICE][-1]
        self.meets(HeartbeatResponse(ME, by, beat.term, beat.round))

    def puts(self, key: bytes = b"k", value: bytes = b"v") -> list[Result]:
        """A client puts a key; the answers come into the returned list. There is no turn yet."""
        answers: list[Result] = []
        body = pb.PutRequest(key=key, value=value).SerializeToString()
        self.node.propose(CommandKind.PUT, body, answers.append)
        return answers

    def reads(self) -> list[Failure | None]:
        """A client asks for a linearizable read. There is no turn yet."""
        answers: list[Failure | None] = []
        self.node.read_barrier(answers.append)
        return answers

    # -- what came of it

    def sent(self, kind: type[Kind]) -> list[Kind]:
        """The messages of a kind that left, in order."""
        return [message for message in self.network.sent if isinstance(message, kind)]

    def last_sent(self, kind: type[Kind]) -> Kind:
        """The last of them."""
        return self.sent(kind)[-1]


def entry(term: int, index: int, *, origin: int = OTHER, request_id: int = 0) -> bytes:
    """An entry that puts the key `k` to its index."""
    body = pb.PutRequest(key=b"k", value=b"%d" % index).SerializeToString()
    command = encode_command(CommandKind.PUT, origin, request_id, body)
    return encode_entry(term, index, EntryKind.NORMAL, command)


def compaction(term: int, index: int, revision: int) -> bytes:
    """An entry that compacts."""
    body = pb.CompactionRequest(revision=revision).SerializeToString()
    command = encode_command(CommandKind.COMPACT, OTHER, 0, body)
    return encode_entry(term, index, EntryKind.NORMAL, command)


def no_op(term: int, index: int) -> bytes:
    """The first entry of a leader."""
    return encode_entry(term, index, EntryKind.NORMAL, b"")
