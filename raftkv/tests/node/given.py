"""One node with a disk and a network that only take note of what they are told."""

from collections.abc import Iterator

from raftkv.config import LimitsConfig, NodeConfig, RaftConfig, WatchConfig
from raftkv.node.assembly import Start, assemble
from raftkv.node.settings import NodeSettings
from raftkv.peer.messages import PeerMessage
from raftkv.raft.messages import Message
from raftkv.raft.stored import StoredLog, WriteBatch
from raftkv.raft.types import HardState, Membership

ME, OTHER, THIRD = 1, 2, 3
Row = tuple[bytes, bytes]


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
        self.sequence = 0
        self.durable = 0

    def write(self, batch: WriteBatch) -> int:
        self.writes.append(batch)
        return self._note("install" if batch.install_staged else "write")

    def stage_reset(self) -> None:
        self._note("reset")

    def stage(self, rows: list[Row]) -> int:
        return self._note(f"stage {len(rows)}")

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

    def send(self, messages: list[Message | PeerMessage]) -> None:
        self.sent += messages

    def is_connected(self, member: int) -> bool:  # noqa: ARG002 - a port
        return True

    def active_since_ticks(self, member: int) -> int:  # noqa: ARG002 - a port
        return 1_000


class World:
    """The node of member 1 of three, and what is around it."""

    def __init__(self) -> None:
        self.disk = Disk()
        self.network = Network()
        self.node = assemble(
            Start(
                member_id=ME,
                raft=RaftConfig(pre_vote=False),
                watch=WatchConfig(),
                limits=LimitsConfig(),
                settings=NodeSettings(
                    cluster_id=7,
                    first_request_id=1,
                    ticks_per_second=10,
                    election_timeout_ticks=10,
                    strict_reconfig_check=True,
                    auto_compaction_seconds=0,
                    auto_compaction_revisions=0,
                    config=NodeConfig(),
                ),
                election_timeout=lambda: 10,
                wake=lambda: None,
                flush=lambda: None,
                members_changed=lambda: None,
            ),
            StoredLog(HardState(1), 0, 0, Membership(frozenset({ME, OTHER, THIRD})), [], 0, 0),
            self.disk,
            self.network,
        )

    def meets(self, *messages: Message | PeerMessage, ticks: int = 0) -> None:
        """All of it arrives before one turn; the disk is done before the turn after it."""
        for message in messages:
            self.node.receive(message)
        for _ in range(ticks):
            self.node.tick()
        self.node.turn()

    def disk_is_done(self) -> None:
        """Everything written is durable."""
        self.node.durable(self.disk.sequence)
        self.node.turn()

    def last_sent(self, kind: type) -> Message | PeerMessage:
        """The last message of a kind."""
        return [message for message in self.network.sent if isinstance(message, kind)][-1]
