"""Reads the Raft log's files when a member starts.

A frame that a crash tore is dropped: nobody was told of it. Anything else that is not as it was
written is refused: a member that has answered for entries it no longer has must not vote again as
if it never had.
"""

from pathlib import Path
from typing import NamedTuple

from raftkv.raft.types import (
    CorruptEntryError,
    HardState,
    check_entry,
    entry_index,
    entry_term,
)
from raftkv.storage.errors import StorageError
from raftkv.storage.frames import (
    FILE_HEAD_BYTES,
    FileHead,
    Frame,
    LogBatch,
    decode_file_head,
    decode_frame,
    has_frame_after,
)
from raftkv.storage.log_files import ClosedFile, LogEnd, empty_log, log_paths
from raftkv.storage.schema import Identity, LogStart, SystemState


class ReplayedLog(NamedTuple):
    """What the log's files say."""

    hard_state: HardState
    entries: list[bytes]
    """Those after the log's start, every one checked."""
    end: LogEnd
    correction: LogBatch | None
    """To be appended before anything else: the files do not yet know of the log's start."""


def replay_log(
    directory: Path, identity: Identity, state: SystemState, start: LogStart
) -> ReplayedLog:
    """Reads the log, which must hold all that the stored state says it held.

    Raises:
        StorageError: Something that was durable is damaged or missing, or another member's.
    """
    replay = _Replay(state.hard_state)
    end = _read_files(directory, identity, state.log_frame, replay)
    if end.frame < state.log_frame:
        raise StorageError(
            f"{directory} is damaged: the log ends at frame {end.frame}, "
            f"it had {state.log_frame} when the state was stored"
        )
    entries, correction = replay.after(directory, start)
    return ReplayedLog(replay.hard_state, entries, end, correction)


def is_used(directory: Path) -> bool:
    """Whether a log has more than the one frame that a crash during bootstrap can leave."""
    for path in log_paths(directory):
        data = path.read_bytes()
        head = decode_file_head(data)
        if head is None or has_frame_after(data, FILE_HEAD_BYTES, head.marker):
            return True
    return False


class _Replay:
    """The log as the batches read so far leave it."""

    def __init__(self, hard_state: HardState) -> None:
        self.hard_state = hard_state
        self.base: int | None = None
        """The index before the first entry; None before anything was said of it."""
        self.entries: list[bytes] = []
        self.index_max = 0

    def add(self, path: Path, batch: LogBatch) -> None:
        """What one write did."""
        self.hard_state = _newer(self.hard_state, batch.hard_state)
        if batch.truncate_from and self.base is not None:
            # Files whose entries a snapshot stands for are gone: it may reach back into those.
            self.base = min(self.base, batch.truncate_from - 1)
            del self.entries[batch.truncate_from - self.base - 1 :]
        if batch.restart_after:
            self.base, self.entries = batch.restart_after, []
        if batch.entries:
            first = entry_index(batch.entries[0])
            if self.base is None:
                self.base = first - 1
            if first != self._last + 1:
                raise StorageError(f"{path} is damaged: entry {self._last + 1} is missing")
            self.entries += batch.entries
            self.index_max = max(self.index_max, self._last)

    def after(self, directory: Path, start: LogStart) -> tuple[list[bytes], LogBatch | None]:
        """The entries after the log's start, and what the files must be told first, if anything.

        The start is stored with a received snapshot before the files learn of it. So they may end
        before it, or go on from an entry that the snapshot contradicts (section 7: such a log is
        discarded whole).
        """
        base = start.index if self.base is None else self.base
        if base > start.index:
            raise StorageError(f"{directory} is damaged: entry {start.index + 1} is missing")
        skip = start.index - base
        contradicts = 0 < skip <= len(self.entries) and (
            entry_term(self.entries[skip - 1]) != start.term
        )
        if skip > len(self.entries) or contradicts:
            return [], LogBatch(self.hard_state, base + 1, start.index, [])
        entries = self.entries[skip:]
        for index, entry in enumerate(entries, start.index + 1):
            try:
                check_entry(entry, index)
            except CorruptEntryError as error:
                raise StorageError(f"{directory} is damaged: {error}") from error
        return entries, None

    @property
    def _last(self) -> int:
        assert self.base is not None, "a log without a beginning has no end"
        return self.base + len(self.entries)


def _newer(one: HardState, other: HardState) -> HardState:
    """What two hard states of one member say together: within a term a vote is only ever given."""
    term, vote, _ = max(one, other)
    return HardState(term, vote, max(one.commit, other.commit))


def _read_files(directory: Path, identity: Identity, frames_stored: int, replay: _Replay) -> LogEnd:
    end = empty_log(identity)
    closed: list[ClosedFile] = []
    paths = log_paths(directory)
    for path in paths:
        data = path.read_bytes()
        head = _read_head(path, data, identity)
        expected = (
            end.frame + 1 if end.path is not None else min(head.first_frame, frames_stored + 1)
        )
        if head.first_frame != expected:
            raise StorageError(
                f"{path} is damaged or follows a file that is: frame {expected} is missing"
            )
        if end.path is not None:
            closed.append(ClosedFile(end.path, end.frame, end.entry_index))
        number, last, offset = head.first_frame - 1, FILE_HEAD_BYTES, FILE_HEAD_BYTES
        while (frame := decode_frame(data, offset, head.marker)) is not None:
            last = offset
            number, offset = _add(path, replay, frame, number)
        if has_frame_after(data, offset, head.marker):
            raise StorageError(f"{path} is damaged: frame {number + 1} of the log can't be read")
        end = LogEnd(number, replay.index_max, path, head, last, offset, closed)
    return end


def _read_head(path: Path, data: bytes, identity: Identity) -> FileHead:
    head = decode_file_head(data)
    if head is None:
        raise StorageError(f"{path} is damaged: it does not begin as a file of the log")
    if head.identity != identity:
        raise StorageError(
            f"{path} is of the log of {_named(head.identity)}, the data file beside it of "
            f"{_named(identity)}: two directories were mixed"
        )
    return head


def _named(identity: Identity) -> str:
    return f"member {identity.member:x} of cluster {identity.cluster:x}"


def _add(path: Path, replay: _Replay, frame: Frame, previous: int) -> tuple[int, int]:
    """Replays a frame; returns its number and where the next one begins."""
    if frame.number != previous + 1:
        raise StorageError(f"{path} is damaged: frame {frame.number} follows frame {previous}")
    for batch in frame.batches:
        replay.add(path, batch)
    return frame.number, frame.end
