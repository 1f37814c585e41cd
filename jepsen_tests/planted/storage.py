"""Bugs of the disk: what is on it when, and what is believed of what is found on it.

The simulator replaces all of this, so tests on real files have to find them. The modules are named,
not imported: only the wiring of a member may import them.
"""

import os
from importlib import import_module
from typing import Any

import lmdb

from jepsen_tests.planted.planting import Bed, Bug, Suite

_CRASH_IMAGES = ("jepsen_tests/tests/test_crash_images.py",)
_EVERYTHING = 1 << 62


def _module(name: str) -> Any:  # noqa: ANN401 - a module
    return import_module(f"raftkv.storage.{name}")


def _take_damage_for_the_end(bed: Bed) -> None:
    bed.replace(_module("log_replay"), "has_frame_after", lambda *_: False)


def _append_once_more(bed: Bed) -> None:
    def append(old: Any, *arguments: Any) -> Any:  # noqa: ANN401
        try:
            return old(*arguments)
        except OSError:
            return old(*arguments)

    bed.wrap(_module("log_files").LogFiles, "append", append)


def _open_with(flag: str) -> Any:  # noqa: ANN401 - a function that plants
    def plant(bed: Bed) -> None:
        def open_unsafe(old: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            return old(*arguments, **{**named, flag: False})

        bed.wrap(lmdb, "open", open_unsafe)

    return plant


def _append_without_waiting(bed: Bed) -> None:
    def write(descriptor: int, pieces: list[bytes], offset: int) -> None:
        os.pwritev(descriptor, pieces, offset)

    bed.replace(_module("log_files"), "_write_durably", write)


def _store_the_index_later(bed: Bed) -> None:
    filler = _module("transaction").Filler

    def put_state(old: Any, self: Any, txn: Any, state: Any) -> None:  # noqa: ANN401
        del txn
        self.later, self.state = state, state
        self.put_later = old

    def fill(old: Any, self: Any, txn: Any, jobs: Any) -> Any:  # noqa: ANN401
        later = self.__dict__.pop("later", None)
        if later is not None:
            self.state = later._replace(log_frame=-1)
            self.put_later(self, txn, later)
        return old(self, txn, jobs)

    bed.wrap(filler, "_put_state", put_state)
    bed.wrap(filler, "fill", fill)


def _remove_files_first(bed: Bed) -> None:
    def transact(old: Any, self: Any, jobs: Any) -> Any:  # noqa: ANN401
        for job in jobs:
            index = getattr(getattr(job, "batch", None), "compact_to", 0)
            if index:
                self._log.remove_until(index, _EVERYTHING)
        return old(self, jobs)

    bed.wrap(_module("state_writer").StateWriter, "_transact", transact)


def _store_before_the_log(bed: Bed) -> None:
    def append(old: Any, self: Any, job: Any) -> Any:  # noqa: ANN401
        log, state = self._loaded
        while self._unsaved:
            save = self._unsaved.popleft()
            save.log_frame = log.durable[1]
            self._saving.append((save.sequence, 0))
            state.submit(save)
        return old(self, job)

    bed.wrap(_module("store").DiskStorage, "_append", append)


def _believe_torn_frames(bed: Bed) -> None:
    bed.replace(_module("frames"), "_checksum", lambda *_: 0)


def _skip_votes(bed: Bed) -> None:
    def append(old: Any, self: Any, job: Any) -> Any:  # noqa: ANN401
        if not job.batch.entries:
            self._entered = job.batch.hard_state[:2]
        return old(self, job)

    bed.wrap(_module("store").DiskStorage, "_append", append)


def _acknowledge_what_was_submitted(bed: Bed) -> None:
    def settle(old: Any, self: Any) -> None:  # noqa: ANN401
        old(self)
        self.durable = max(self.durable, self._loaded[0]._submitted)  # noqa: SLF001

    bed.wrap(_module("store").DiskStorage, "_settle", settle)


def _bug(name: str, source: str, breaks: str, plant: Any) -> Bug:  # noqa: ANN401
    return Bug(name, source, breaks, plant, suite=Suite.TESTS, tests=_CRASH_IMAGES)


BUGS = (
    _bug(
        "damage-taken-for-torn-end",
        "CTRL, NATS 2.12.1",
        "a damaged frame that others follow is refused, not taken for the log's end",
        _take_damage_for_the_end,
    ),
    _bug(
        "failed-append-tried-again",
        "fsyncgate",
        "after a failed append nothing is written, and nothing acknowledged, any more",
        _append_once_more,
    ),
    _bug(
        "state-not-synced",
        "bbolt 562, zaino 1299",
        "a commit of the state waits for the disk, data before meta page",
        _open_with("sync"),
    ),
    _bug(
        "meta-page-not-synced",
        "LMDB's MDB_NOMETASYNC",
        "a commit of the state waits for its meta page",
        _open_with("metasync"),
    ),
    _bug(
        "log-not-synced",
        "NATS 2.12.1",
        "a write is durable when its frame is on the disk, not when it is in the cache",
        _append_without_waiting,
    ),
    _bug(
        "index-stored-apart",
        "etcd 13766",
        "rows and the index of what made them are stored in one transaction",
        _store_the_index_later,
    ),
    _bug(
        "log-removed-before-state-stored",
        "redisraft 43",
        "the log's files go when the state that stands for them is stored",
        _remove_files_first,
    ),
    _bug(
        "state-stored-before-log",
        "etcd 13766",
        "the stored state is never ahead of the log",
        _store_before_the_log,
    ),
    _bug(
        "torn-frame-believed",
        "LogCabin, CTRL",
        "a frame that a crash tore is dropped",
        _believe_torn_frames,
    ),
    _bug(
        "vote-alone-not-written",
        "hashicorp/raft 661",
        "figure 2: term and vote are durable, whether or not entries come with them",
        _skip_votes,
    ),
    _bug(
        "acknowledged-when-submitted",
        "NATS 2.12.1",
        "a write is durable when its frame is, not when the thread has it",
        _acknowledge_what_was_submitted,
    ),
)
