"""The state's writer: a thread that stores, in one LMDB transaction, what gathered since the last.

Nobody's answer waits for it: the log has the entries, and applies them again after a crash. So it
lets saves gather for a while before it commits them; what belongs to a snapshot that is being
received it commits at once, because the sender waits.

After a failed commit nothing is written any more.
"""

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import perf_counter
from typing import NamedTuple

import lmdb

from raftkv.config import StorageConfig
from raftkv.storage.environment import Environment
from raftkv.storage.errors import describe_failure
from raftkv.storage.hooks import StorageHooks
from raftkv.storage.jobs import Clear, Install, Save, Stage, StageTables, StateJob
from raftkv.storage.log_files import LogFiles
from raftkv.storage.statistics import WriteStatistics
from raftkv.storage.transaction import Filler

_CLEANING_PAUSE_SECONDS = 0.01
"""Without saves for so long, the thread removes what is due for removal on its own."""

logger = logging.getLogger(__name__)


class Stored(NamedTuple):
    """What the state's writer has done so far, each as a count since the start or an index."""

    sequence: int
    """The last write whose changes are stored."""
    applied_index: int
    staged: int
    """The last staged chunk."""
    installed: int
    """The last write that switched to a snapshot."""
    rows_removed: int


class StateWriter:
    """Commits jobs in the order of their submission.

    Args:
        environment: Where to.
        log: Files of which go when the state no longer needs them.
        config: How long to gather, and how much to clean up.
        hooks: How the loop is reached.
        on_stored: Called on the loop after a commit; reads `stored`.
    """

    def __init__(
        self,
        environment: Environment,
        log: LogFiles,
        config: StorageConfig,
        hooks: StorageHooks,
        on_stored: Callable[[], None],
    ) -> None:
        self._environment = environment
        self._log = log
        self._config = config
        self._hooks = hooks
        self._on_stored = on_stored
        self._filler = Filler(environment, config.deletes_per_write_max)
        self._queue: SimpleQueue[StateJob | None] = SimpleQueue()
        self._urgent = Event()
        self._failed = False
        self.stored = Stored(0, self._filler.state.applied_index, 0, 0, 0)
        self.statistics = WriteStatistics()
        self._thread = Thread(target=self._run, name="state", daemon=True)
        self._thread.start()

    def submit(self, job: StateJob) -> None:
        """Takes a job; what is not a save is carried out soon, with all that came before it."""
        self._queue.put(job)
        if not isinstance(job, Save):
            self._urgent.set()

    def hurry(self) -> None:
        """Commits what was submitted without waiting for more."""
        self._urgent.set()

    def close(self) -> None:
        """Commits what was submitted and ends the thread."""
        self._queue.put(None)
        self._urgent.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            going_on = True
            while going_on and not self._failed:
                jobs, going_on = self._take()
                if self._commit(jobs):
                    self._hooks.post(self._on_stored)
        except Exception as error:  # a thread must not end unseen, whatever it met
            logger.exception("the state's thread ended")
            self._fail(f"storage failed: {error!r}")

    def _take(self) -> tuple[list[StateJob], bool]:
        """What gathered; nothing when it is time to clean up; False at the end."""
        pause = _CLEANING_PAUSE_SECONDS if self._filler.cleaner.is_due else None
        try:
            job = self._queue.get(timeout=pause)
        except Empty:
            return [], True
        # Nothing wakes this thread meanwhile: it would compete with the loop for each write.
        self._urgent.wait(pause or self._config.save_interval_milliseconds / 1_000)
        self._urgent.clear()
        jobs: list[StateJob] = []
        try:
            while job is not None:
                jobs.append(job)
                job = self._queue.get_nowait()
        except Empty:
            return jobs, True
        return jobs, False

    def _commit(self, jobs: list[StateJob]) -> bool:
        """Commits jobs, and cleans up a little; returns whether it did."""
        if not (jobs or self._filler.cleaner.is_due):
            return False
        try:
            written, seconds = self._transact(jobs)
            self._log.remove_until(*self._filler.unneeded)
        except (lmdb.Error, OSError) as error:
            self._fail(describe_failure(self._environment.path, error))
            return False
        self.statistics.observe(seconds, written)
        self.stored = self._after(jobs)
        return True

    def _transact(self, jobs: list[StateJob]) -> tuple[int, float]:
        """The bytes written, and how long LMDB took to make them durable."""
        txn = self._environment.lmdb.begin(write=True)
        try:
            written = self._filler.fill(txn, jobs)
            started = perf_counter()
            txn.commit()
        finally:
            txn.abort()  # of no effect after a commit
        return written, perf_counter() - started

    def _after(self, jobs: list[StateJob]) -> Stored:
        sequence, _, staged, installed, _ = self.stored
        for job in jobs:
            match job:
                case Save():
                    sequence = job.sequence
                case Install():
                    sequence = installed = job.sequence
                case Stage():
                    staged = job.number
                case StageTables() | Clear():
                    pass
        applied_index = self._filler.state.applied_index
        removed = self._filler.cleaner.rows_removed
        return Stored(sequence, applied_index, staged, installed, removed)

    def _fail(self, reason: str) -> None:
        self._failed = True
        self._hooks.post(lambda: self._hooks.on_failed(reason))
