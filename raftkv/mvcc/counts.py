"""What was asked of a store since the member started."""


class Counts:
    """Counts operations as etcd does: alike whether they came alone or within a transaction."""

    __slots__ = ("deletes", "puts", "ranges", "rows_removed", "txns")

    def __init__(self) -> None:
        self.puts = 0
        self.deletes = 0
        """DeleteRanges, each as one however many keys it deleted; and keys of revoked leases."""
        self.ranges = 0
        """Ranges, and the conditions of transactions."""
        self.txns = 0
        """Transactions that did more than one thing."""
        self.rows_removed = 0
        """Rows that compaction has removed."""

    @property
    def operations(self) -> int:
        """Puts, deletes and ranges."""
        return self.puts + self.deletes + self.ranges
