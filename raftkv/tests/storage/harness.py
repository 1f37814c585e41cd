"""A loop without asyncio, around a real directory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from raftkv.config import StorageConfig
from raftkv.raft.stored import StoredLog, WriteBatch
from raftkv.raft.types import HardState, Membership, encode_entries
from raftkv.storage import DiskStorage, Identity, StorageHooks
from raftkv.storage.log_writer import LogWriter
from raftkv.storage.state_writer import StateWriter

if TYPE_CHECKING:
    from collections.abc import Callable

IDENTITY = Identity(cluster=0xC1, member=0xA1)
MEMBERS = Membership(frozenset({1, 2, 3}), learners=frozenset({4}))
ON_THREAD = StorageConfig(
    append_in_place_entries_max=-1, save_interval_milliseconds=1, probe_before_open=False
)
"""Every write is appended on the log's thread, state is stored at once, and a directory is opened
without looking first."""
IDLE = StorageHooks(
    post=lambda _: None,
    on_durable=lambda _: None,
    on_staged=lambda _: None,
    on_failed=lambda _: None,
)
"""What a storage calls that is only looked at, not run."""
WAIT_SECONDS_MAX = 30


def row_key(revision: int, sub: int = 0) -> bytes:
    return revision.to_bytes(8, "big") + b"_" + sub.to_bytes(8, "big")


def entries(first: int, count: int, term: int = 1, body: bytes = b"body") -> list[bytes]:
    return encode_entries(term, first, 0, [body] * count)


def batch_of(some: list[bytes], commit: int = 0, applied: int = 0, term: int = 1) -> WriteBatch:
    return WriteBatch(
        hard_state=HardState(term, 1, commit),
        entries=some,
        applied_index=applied,
        applied_term=term if applied else 0,
    )


class Disk:
    """A storage and the callbacks it was made with, run when the test asks."""

    def __init__(
        self,
        path: Path,
        config: StorageConfig = ON_THREAD,
        first: WriteBatch | None = None,
        identity: Identity = IDENTITY,
    ) -> None:
        self.path = path
        self.scheduled: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.durable: list[int] = []
        self.staged: list[int] = []
        self.failures: list[str] = []
        hooks = StorageHooks(
            post=self.scheduled.put,
            on_durable=self.durable.append,
            on_staged=self.staged.append,
            on_failed=self.failures.append,
        )
        self.storage = DiskStorage(path, config, hooks)
        try:
            if self.storage.identity is None:
                self.storage.bootstrap(identity, first)
            self.stored: StoredLog = self.storage.load()
        except BaseException:
            self.storage.close()
            raise
        self.rows = self.storage.rows
        self.tables = self.storage.tables

    def wait(self, sequence: int) -> None:
        """Runs what is scheduled until a write is durable, or storage has failed."""
        self._run_until(lambda: self.storage.durable >= sequence)

    def wait_stored(self, sequence: int) -> None:
        """Runs what is scheduled until the state has what came with a write."""
        self._run_until(lambda: self.state.stored.sequence >= sequence)

    def wait_staged(self, number: int) -> None:
        """Runs what is scheduled until a staged chunk is on the disk."""
        self._run_until(lambda: max(self.staged, default=0) >= number)

    def write(self, batch: WriteBatch) -> None:
        """A write to its end."""
        sequence = self.storage.write(batch)
        self.wait(sequence)
        self.wait_stored(sequence)

    def write_log(self, batch: WriteBatch) -> None:
        """A write until it is durable."""
        self.wait(self.storage.write(batch))

    @property
    def log(self) -> LogWriter:
        """The log's writer."""
        return self.storage._loaded[0]

    @property
    def state(self) -> StateWriter:
        """The state's writer."""
        return self.storage._loaded[1]

    def _run_until(self, is_done: "Callable[[], bool]") -> None:
        while not self.failures and not is_done():
            self.scheduled.get(timeout=WAIT_SECONDS_MAX)()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.storage.close()


class _Held:
    """A writer's queue whose other end gets nothing new."""

    def __init__(self, reached: SimpleQueue[Any]) -> None:
        self.waiting: SimpleQueue[Any] = SimpleQueue()
        self.put = self.waiting.put
        self.get = reached.get
        self.get_nowait = reached.get_nowait


@contextmanager
def held_back(writer: LogWriter | StateWriter) -> Iterator[SimpleQueue[Any]]:
    """What is submitted meanwhile reaches the writer's thread only afterwards."""
    reached: SimpleQueue[Any] = writer._queue
    held = _Held(reached)
    setattr(writer, "_queue", held)  # noqa: B010 - a queue is stood in for
    try:
        yield held.waiting
    finally:
        writer._queue = reached
        while not held.waiting.empty():
            writer._queue.put(held.waiting.get())
