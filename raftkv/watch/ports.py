"""What watching needs of the store it reads history from, and of the stream it sends to."""

from typing import Protocol


class History(Protocol):
    """The store: every change by revision, back to the compact revision."""

    @property
    def revision(self) -> int:
        """The newest revision."""

    @property
    def compact_revision(self) -> int:
        """History below it is gone."""

    def scan(self, start: bytes, stop: bytes, rows_max: int) -> list[tuple[bytes, bytes]]:
        """Up to `rows_max` (row key, row) pairs with start <= row key < stop, in order."""

    def previous_row(self, key: bytes, main_revision: int) -> bytes | None:
        """The row of `key` that was live just before `main_revision`, or None."""


class Sink(Protocol):
    """One client's stream of responses; never blocks."""

    drained_below_bytes: int
    """When `output_bytes` falls back to it, whoever owns the sink calls `Hub.drained`."""

    @property
    def output_bytes(self) -> int:
        """What was sent and has not left yet."""

    def send(self, message: bytes) -> None:
        """Queues one response."""
