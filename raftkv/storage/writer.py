"""The one writer: a thread that commits, in one LMDB transaction, all that came while it committed.

A small write may instead be committed in place, on the caller's thread, when nothing is under way
and the disk is known to be quick: for a single client the two thread switches would cost more than
the commit. Which thread commits is decided by a lock and a count: in place only if every job that
was submitted is committed, and the thread is not cleaning up just then.

After a failed commit nothing is written any more.
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import perf_counter

import lmdb

from raftkv.config import StorageConfig
from raftkv.storage.environment import Environment, data_error
from raftkv.storage.hooks import StorageHooks
from raftkv.storage.jobs import Job, Write
from raftkv.storage.statistics import CommitStatistics
from raftkv.storage.transaction import Filler

_CLEANING_PAUSE_SECONDS = 0.01
"""Without writes for so long, the thread removes what is due for removal on its own."""
_ROWS_IN_PLACE_MAX = 64
"""A write with more rows than this is not a small one."""
_FREE_BYTES_MIN = 1 << 20
"""A disk with less space than this is full: a commit needs more than one page."""

logger = logging.getLogger(__name__)


class Writer:
    """Commits jobs in the order of their submission.

    Args:
        environment: Where to.
        config: When to commit in place, and how much to clean up.
        hooks: How the loop is reached.
        on_committed: Called on the loop after a commit; reads `committed`.
    """

    def __init__(
        self,
        environment: Environment,
        config: StorageConfig,
        hooks: StorageHooks,
        on_committed: Callable[[], None],
    ) -> None:
        self._environment = environment
        self._config = config
        self._hooks = hooks
        self._on_committed = on_committed
        self._filler = Filler(environment, config.deletes_per_write_max)
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._writing = Lock()
        self._submitted = 0
        self._failed = False
        self.committed = (0, 0)
        """The last job that is durable, and how many rows were removed from the disk by then."""
        self.statistics = CommitStatistics()
        self._thread = Thread(target=self._run, name="storage", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> bool:
        """Takes a job; returns whether it is committed already, which nothing else will tell."""
        previous, self._submitted = self._submitted, job.sequence
        if (
            previous == self.committed[0]
            and self._is_quick(job)
            and self._writing.acquire(blocking=False)
        ):
            try:
                return self._commit([job])
            finally:
                self._writing.release()
        self._queue.put(job)
        return False

    def close(self) -> None:
        """Commits what was submitted and ends the thread."""
        self._queue.put(None)
        self._thread.join()

    def _is_quick(self, job: Job) -> bool:
        config = self._config
        average = self.statistics.average_seconds
        return (
            isinstance(job, Write)
            and average is not None
            and average * 1_000 < config.commit_in_place_milliseconds_max
            and len(job.batch.entries) <= config.commit_in_place_entries_max
            and (job.changes is None or len(job.changes.rows) <= _ROWS_IN_PLACE_MAX)
        )

    def _run(self) -> None:
        try:
            going_on = True
            while going_on and not self._failed:
                jobs, going_on = self._take()
                if jobs or going_on:
                    with self._writing:
                        committed = self._commit(jobs)
                        if committed:
                            self._hooks.post(self._on_committed)
        except Exception as error:  # a thread must not end unseen, whatever it met
            logger.exception("the storage thread ended")
            self._fail(f"storage failed: {error!r}")

    def _take(self) -> tuple[list[Job], bool]:
        """Everything that waits; nothing when it is time to clean up; False at the end."""
        pause = _CLEANING_PAUSE_SECONDS if self._filler.cleaner.is_due else None
        jobs: list[Job] = []
        with suppress(Empty):
            job = self._queue.get(timeout=pause)
            while job is not None:
                jobs.append(job)
                job = self._queue.get_nowait()
            return jobs, False
        return jobs, True

    def _commit(self, jobs: list[Job]) -> bool:
        """Commits jobs, and cleans up a little; returns whether it did."""
        if self._failed or not (jobs or self._filler.cleaner.is_due):
            return False
        try:
            written, seconds = self._transact(jobs)
        except (lmdb.Error, OSError) as error:
            self._fail(describe_failure(self._environment, error))
            return False
        except BaseException:
            self._failed = True
            raise
        self.statistics.observe(seconds, written)
        sequence = jobs[-1].sequence if jobs else self.committed[0]
        self.committed = (sequence, self._filler.cleaner.rows_removed)
        return True

    def _transact(self, jobs: list[Job]) -> tuple[int, float]:
        """The bytes written, and how long LMDB took to make them durable."""
        txn = self._environment.lmdb.begin(write=True)
        try:
            written = self._filler.fill(txn, jobs)
            started = perf_counter()
            txn.commit()
        finally:
            txn.abort()  # of no effect after a commit
        return written, perf_counter() - started

    def _fail(self, reason: str) -> None:
        self._failed = True
        self._hooks.post(lambda: self._hooks.on_failed(reason))


def describe_failure(environment: Environment, error: Exception) -> str:
    """One line for a person: a full disk shows as any other error of input and output."""
    if isinstance(error, lmdb.Error) and error.code < 0:
        return str(data_error(environment.path, error))
    try:
        disk = os.statvfs(environment.path)
    except OSError as statvfs_error:
        return f"disk error at {environment.path}: {error} ({statvfs_error})"
    if disk.f_bavail * disk.f_frsize < _FREE_BYTES_MIN:
        return f"disk full: {environment.path} cannot be written any more ({error})"
    return f"disk error at {environment.path}: {error}"
