"""Counts what a peer makes us do for nothing, and says when it is enough.

PING, SETTINGS, RST_STREAM, WINDOW_UPDATE, PRIORITY, CONTINUATION, empty and unknown frames, and
every stream that we have to reset: each is cheap to send and none is useful by itself
(CVE-2019-9512 and its kin, CVE-2023-44487 "rapid reset", CVE-2024-27316, CVE-2025-8671). Honest
peers send them between useful frames, so the count starts again whenever data was sent in between,
and each second.
"""

from raftkv.wire.errors import ConnectionViolationError, ErrorCode

FORGIVE_INTERVAL_MS = 1_000


class FloodGuard:
    """One connection's count."""

    __slots__ = ("_frames", "_frames_max", "_progress")

    def __init__(self, frames_max: int) -> None:
        self._frames = 0
        self._frames_max = frames_max
        self._progress = 0

    def count(self, progress: int, frames: int = 1) -> None:
        """Counts frames; `progress` is any number that grows with useful work.

        Raises:
            ConnectionViolationError: ENHANCE_YOUR_CALM, too many and nothing useful in between.
        """
        self._frames += frames
        if self._frames > self._frames_max:
            if progress == self._progress:
                raise ConnectionViolationError(
                    ErrorCode.ENHANCE_YOUR_CALM, "too many frames that carry nothing"
                )
            self._progress = progress
            self._frames = 0

    def forgive(self) -> None:
        """Starts again; called every `FORGIVE_INTERVAL_MS`."""
        self._frames = 0
