"""Makes a member's clocks run wrong while it runs, through memory shared with its shim."""

import mmap
import struct
import time
from pathlib import Path
from typing import Self

_STATE = struct.Struct("=Qqqdq")
_SEQUENCE = struct.Struct("=Q")
_SECOND_NS = 1_000_000_000


class ClockControl:
    """The clock file of one member; it holds over the member's restarts."""

    def __init__(self, path: Path) -> None:
        """Opens it, and makes it, with clocks that are right."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("r+b") as file:
            file.truncate(_STATE.size)
            self._memory = mmap.mmap(file.fileno(), _STATE.size)
        if not self._state()[3]:
            now = time.monotonic_ns()
            self._change(now, now, 1.0, 0)

    def skew(self, *, rate: float = 1.0, wall_ahead_seconds: float = 0.0) -> None:
        """From now on all clocks go at this rate, and the wall clock is so far ahead besides."""
        assert rate > 0, f"a clock's rate is positive, not {rate}"
        now = time.monotonic_ns()
        shown = now + self._ahead_ns(now)
        self._change(now, shown, rate, round(wall_ahead_seconds * _SECOND_NS))

    def ahead_seconds(self) -> float:
        """How far the monotonic clock is ahead of the real one by now."""
        return self._ahead_ns(time.monotonic_ns()) / _SECOND_NS

    def __enter__(self) -> Self:
        """Is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def close(self) -> None:
        """Lets go of the file."""
        self._memory.close()

    def _ahead_ns(self, now: int) -> int:
        _, real, shown, rate, _ = self._state()
        return shown + int((now - real) * rate) - now

    def _state(self) -> tuple[int, int, int, float, int]:
        sequence, real, shown, rate, wall = _STATE.unpack_from(self._memory, 0)
        return sequence, real, shown, rate, wall

    def _change(self, real: int, shown: int, rate: float, wall: int) -> None:
        """Odd numbers tell readers to wait."""
        sequence = self._state()[0]
        _SEQUENCE.pack_into(self._memory, 0, sequence + 1)
        _STATE.pack_into(self._memory, 0, sequence + 1, real, shown, rate, wall)
        _SEQUENCE.pack_into(self._memory, 0, sequence + 2)
