"""The log's writer: a thread that appends, in one frame, all that came while the disk was busy.

A small write may instead be appended in place, on the caller's thread, when nothing is under way
and the disk is known to be quick: for a single client the two thread switches would cost more than
the disk does. In place only if every write that was submitted is durable: then the thread waits for
work and touches nothing.

After a failed append nothing is written any more.
"""

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter
from typing import NamedTuple

from raftkv.config import StorageConfig
from raftkv.raft.stored import WriteBatch
from raftkv.raft.types import entry_index
from raftkv.storage.errors import describe_failure
from raftkv.storage.frames import LogBatch
from raftkv.storage.hooks import StorageHooks
from raftkv.storage.jobs import Append
from raftkv.storage.log_files import LogFiles
from raftkv.storage.statistics import WriteStatistics

_BYTES_IN_PLACE_MAX = 64 * 1024
"""A write with more bytes than this is not a small one."""
_FRAME_ENTRY_BYTES_MAX = 64 * 1024 * 1024
"""With so many bytes of entries a frame takes no further write: while the disk stalls more may
gather than the four bytes of a frame's length can say."""

logger = logging.getLogger(__name__)


class LogPlace(NamedTuple):
    """Where a log ends, and how far it is committed."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    commit: int


class LogWriter:
    """Appends writes in the order of their submission.

    Args:
        files: Where to.
        config: When to append in place.
        hooks: How the loop is reached.
        end: Where the log ends.
        on_appended: Called on the loop after an append on the thread; reads `durable`.
    """

    def __init__(
        self,
        files: LogFiles,
        config: StorageConfig,
        hooks: StorageHooks,
        end: LogPlace,
        on_appended: Callable[[], None],
    ) -> None:
        self._files = files
        self._end = end
        self._config = config
        self._hooks = hooks
        self._on_appended = on_appended
        self._queue: SimpleQueue[Append | None] = SimpleQueue()
        self._submitted = 0
        self._failed = False
        self.durable = (0, files.frame)
        """The last write that is durable, and the frame it is in."""
        self.statistics = WriteStatistics()
        self._thread = Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        """Whether everything that was submitted is durable."""
        return self._submitted == self.durable[0]

    def skip(self, sequence: int) -> None:
        """Counts a write that asks nothing of the log; only while the log is idle."""
        assert self.is_idle, f"write {sequence} skips {self._submitted}, which is under way"
        self._submitted, self.durable = sequence, (sequence, self.durable[1])

    def submit(self, append: Append) -> bool:
        """Takes a write; returns whether it is durable already, which nothing else will tell."""
        is_idle = self.is_idle
        self._submitted = append.sequence
        if is_idle and self._is_quick(append):
            return self._append([append])
        self._queue.put(append)
        return False

    def close(self) -> None:
        """Appends what was submitted and ends the thread."""
        self._queue.put(None)
        self._thread.join()
        self._files.close()

    def _is_quick(self, append: Append) -> bool:
        config, average = self._config, self.statistics.average_seconds
        entries = append.batch.entries
        if (
            average is None
            or average * 1_000 >= config.append_in_place_milliseconds_max
            or len(entries) > config.append_in_place_entries_max
        ):
            return False
        size = sum(map(len, entries))
        return size <= _BYTES_IN_PLACE_MAX and self._files.has_room(size, len(entries))

    def _run(self) -> None:
        try:
            going_on = True
            while going_on and not self._failed:
                appends, going_on = self._take()
                if appends and self._append(appends):
                    self._hooks.post(self._on_appended)
        except Exception as error:  # a thread must not end unseen, whatever it met
            logger.exception("the log's thread ended")
            self._fail(f"the log failed: {error!r}")

    def _take(self) -> tuple[list[Append], bool]:
        """Everything that waits, as far as one frame takes it; False at the end."""
        appends: list[Append] = []
        entry_bytes = 0
        append = self._queue.get()
        try:
            while append is not None:
                appends.append(append)
                entry_bytes += sum(map(len, append.batch.entries))
                if entry_bytes >= _FRAME_ENTRY_BYTES_MAX:
                    return appends, True
                append = self._queue.get_nowait()
        except Empty:
            return appends, True
        return appends, False

    def _append(self, appends: list[Append]) -> bool:
        """Appends writes as one frame; returns whether it did."""
        if self._failed:
            return False
        try:
            batches = list(map(self._follow, appends))
            started = perf_counter()
            written = self._files.append(batches, self._end.index)
        except OSError as error:
            self._fail(describe_failure(self._files.directory, error))
            return False
        except BaseException:
            self._failed = True
            raise
        self.statistics.observe(perf_counter() - started, written)
        self.durable = (appends[-1].sequence, self._files.frame)
        return True

    def _follow(self, append: Append) -> LogBatch:
        """What a write says to the log, which must go on where it ended."""
        said, self._end = _follow(self._end, append.batch)
        return said

    def _fail(self, reason: str) -> None:
        self._failed = True
        self._hooks.post(lambda: self._hooks.on_failed(reason))


def _follow(end: LogPlace, batch: WriteBatch) -> tuple[LogBatch, LogPlace]:
    """What a write says to a log that ended at `end`, and where it ends afterwards."""
    index, commit = end
    restart_after = 0
    if batch.truncate_from:
        assert batch.truncate_from > commit or batch.install_staged, (
            f"truncation from {batch.truncate_from}, commit index {commit}"
        )
        index = min(index, batch.truncate_from - 1)
    if batch.install_staged and index < batch.compact_to:
        index = restart_after = batch.compact_to
    if batch.entries:
        first, last = entry_index(batch.entries[0]), entry_index(batch.entries[-1])
        assert first == index + 1, f"entry {first} after entry {index}"
        assert last - first + 1 == len(batch.entries), f"entries from {first} to {last}"
        index = last
    said = LogBatch(batch.hard_state, batch.truncate_from, restart_after, batch.entries)
    return said, LogPlace(index, batch.hard_state.commit)
