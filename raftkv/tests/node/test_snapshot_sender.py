"""How a state is cut into chunks."""

from raftkv.config import NodeConfig
from raftkv.mvcc.revision import row_key
from raftkv.node.snapshots import SnapshotSender
from raftkv.tests.node.given import Row, Rows

SMALL = b"s" * 10
LARGE = b"l" * 100_000


def sent(rows: list[Row], config: NodeConfig) -> list[list[Row]]:
    """The chunks of a whole sending."""
    sender = SnapshotSender(2, 1, 1, 1, config)
    chunks = []
    while True:
        chunk, last = sender.next_rows(Rows(rows))
        chunks.append(chunk)
        if last:
            return chunks


def test_a_chunk_is_at_most_one_row_too_large_where_large_rows_follow_small_ones() -> None:
    values = [SMALL] * 3_000 + [LARGE] * 60 + [SMALL] * 50 + [LARGE] * 7
    rows = [(row_key(n, 0), value) for n, value in enumerate(values, start=1)]
    config = NodeConfig(snapshot_chunk_bytes=300_000)

    chunks = sent(rows, config)

    assert [row for chunk in chunks for row in chunk] == rows
    sizes = [sum(len(row) for _, row in chunk) for chunk in chunks]
    assert max(sizes) < 300_000 + len(LARGE)
    assert len(chunks) < 30


def test_a_sending_ends_whether_or_not_the_last_rows_fill_a_read_or_a_chunk() -> None:
    config = NodeConfig(snapshot_chunk_bytes=len(SMALL) * 20)
    for count in range(70):
        rows = [(row_key(n, 0), SMALL) for n in range(1, count + 1)]
        chunks = sent(rows, config)
        assert [row for chunk in chunks for row in chunk] == rows
        assert all(chunks[:-1])
