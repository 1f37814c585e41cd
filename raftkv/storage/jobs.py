"""What the loop asks of the writer, in order. Data only."""

from dataclasses import dataclass
from typing import TypeAlias

from raftkv.raft.stored import WriteBatch
from raftkv.storage.overlay import Changes, Row


@dataclass(slots=True)
class Write:
    """Log, hard state, and what was put since the last write.

    `changes` is None while a snapshot is being installed: what was put then belongs to a state that
    goes away, and so does the batch's applied index.
    """

    sequence: int
    batch: WriteBatch
    changes: Changes | None


@dataclass(slots=True)
class Install:
    """Use the staged generation from now on, and begin a new log after the batch's `compact_to`."""

    sequence: int
    batch: WriteBatch


@dataclass(slots=True)
class Stage:
    """Rows for the generation not in use."""

    sequence: int
    rows: list[Row]


@dataclass(slots=True)
class StageTables:
    """Small tables for the generation not in use."""

    sequence: int
    tables: dict[str, list[Row]]


@dataclass(slots=True)
class Clear:
    """Empty the generation not in use."""

    sequence: int


Job: TypeAlias = Write | Install | Stage | StageTables | Clear
