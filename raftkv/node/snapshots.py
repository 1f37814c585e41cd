"""A whole state on its way to a member whose place in the log is gone (section 7).

Rows never change and lie in revision order, so the sender reads them chunk by chunk, each chunk in
its own short read, and takes the small tables and the last rows in one moment at the end. The state
sent is the one of that last moment.
"""

from typing import TypeAlias

from raftkv.config import NodeConfig
from raftkv.mvcc.ports import Rows
from raftkv.peer.messages import SnapshotBegin, SnapshotChunk

Row: TypeAlias = tuple[bytes, bytes]

ROWS_END = b"\xff" * 17
"""Past every row key."""
_ROWS_PER_CHUNK_MAX = 4_096
_ROWS_PER_READ = 16
"""Few, since each may be as large as a request: only what was read tells."""


class SnapshotSender:
    """One sending to one member."""

    def __init__(self, to: int, sender: int, term: int, transfer: int, config: NodeConfig) -> None:
        self.to = to
        self.sender = sender
        self.term = term
        self.transfer = transfer
        self.ended_index = 0
        """The index of the state sent, once the end was sent."""
        self.idle_ticks = 0
        """Ticks since the last acknowledgement."""
        self._config = config
        self._cursor = b""
        self._sequence = 0
        self._unacknowledged = 0

    def begin(self) -> SnapshotBegin:
        """The message that opens the sending."""
        return SnapshotBegin(self.to, self.sender, self.term, self.transfer)

    @property
    def may_send(self) -> bool:
        """Whether another chunk fits into what may be unacknowledged."""
        return (
            not self.ended_index
            and self._unacknowledged < self._config.snapshot_chunks_inflight_max
        )

    def next_rows(self, rows: Rows) -> tuple[list[Row], bool]:
        """The next rows, no more than one beyond a chunk's size, and whether they are the last."""
        chunk: list[Row] = []
        bytes_left = self._config.snapshot_chunk_bytes
        while bytes_left > 0 and len(chunk) < _ROWS_PER_CHUNK_MAX:
            page = rows.scan(self._cursor, ROWS_END, _ROWS_PER_READ)
            taken = 0
            for _, row in page:
                if bytes_left <= 0:
                    break
                bytes_left -= len(row)
                taken += 1
            chunk += page[:taken]
            if taken:
                self._cursor = chunk[-1][0] + b"\x00"
            if taken == len(page) < _ROWS_PER_READ:
                return chunk, True
        return chunk, False

    def chunk(self, rows: list[Row]) -> SnapshotChunk:
        """The message that carries `rows`."""
        return SnapshotChunk(self.to, self.sender, self.transfer, self.next_sequence(), rows)

    def next_sequence(self) -> int:
        """Numbers a chunk, which is unacknowledged from now on."""
        self._sequence += 1
        self._unacknowledged += 1
        return self._sequence

    def acknowledge(self) -> None:
        """One more chunk arrived."""
        self.idle_ticks = 0
        self._unacknowledged -= 1

    @property
    def done(self) -> bool:
        """Whether the end was sent and everything is acknowledged."""
        return self.ended_index > 0 and self._unacknowledged <= 0
