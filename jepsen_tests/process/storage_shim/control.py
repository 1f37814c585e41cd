"""Makes a member's disk fail or wait while it runs, through memory shared with its shim."""

import errno
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

Operation = Literal["write", "sync"]
_ON: dict[Operation, int] = {"write": 1, "sync": 2}
_ORDERS = struct.Struct("=IIIIII")
_COUNTS = struct.Struct("=QQQ")
ALWAYS = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class DiskCounts:
    """What the shim has seen since the first start of this member."""

    writes: int
    syncs: int
    failures: int


class DiskControl:
    """The control file of one member's shim."""

    def __init__(self, journal: Path) -> None:
        """Opens it; the shim need not run yet."""
        path = journal / "control"
        path.touch()
        size = _ORDERS.size + _COUNTS.size
        with path.open("r+b") as file:
            file.truncate(size)
            self._memory = mmap.mmap(file.fileno(), size)

    def fail(
        self, operation: Operation, *, after: int = 0, times: int = 1, code: int = errno.EIO
    ) -> None:
        """Lets so many operations succeed, then so many fail with this error number."""
        sync_microseconds = self._orders()[4]
        # The operation comes last into force, when all that belongs to it is there.
        self._order(0, after, times, code, sync_microseconds)
        self._order(_ON[operation], after, times, code, sync_microseconds)

    def slow_syncs(self, seconds: float) -> None:
        """Makes every sync take so much longer."""
        operation, after, times, code, *_ = self._orders()
        self._order(operation, after, times, code, round(seconds * 1_000_000))

    def heal(self) -> None:
        """No failures and no waiting from now on."""
        self._order(0, 0, 0, 0, 0)

    def counts(self) -> DiskCounts:
        """What went through so far."""
        return DiskCounts(*_COUNTS.unpack_from(self._memory, _ORDERS.size))

    def __enter__(self) -> Self:
        """Is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def close(self) -> None:
        """Lets go of the file."""
        self._memory.close()

    def _orders(self) -> tuple[int, ...]:
        return _ORDERS.unpack_from(self._memory, 0)

    def _order(self, *numbers: int) -> None:
        _ORDERS.pack_into(self._memory, 0, *numbers, 0)
