"""What the loop asks of the two writers, in order. Data only."""

from dataclasses import dataclass
from typing import TypeAlias

from raftkv.raft.stored import WriteBatch
from raftkv.storage.overlay import Changes, Row


@dataclass(slots=True)
class Append:
    """For the log: hard state and entries."""

    sequence: int
    batch: WriteBatch


@dataclass(slots=True)
class Save:
    """For the state: what was put since the last write. Only for what the log already has."""

    sequence: int
    batch: WriteBatch
    changes: Changes
    log_frame: int = 0
    """The last durable frame of the log."""


@dataclass(slots=True)
class Install:
    """Use the staged generation from now on; the log starts after the batch's `compact_to`."""

    sequence: int
    batch: WriteBatch
    log_frame: int


@dataclass(slots=True)
class Stage:
    """Rows for the generation not in use."""

    number: int
    rows: list[Row]


@dataclass(slots=True)
class StageTables:
    """Small tables for the generation not in use."""

    tables: dict[str, list[Row]]


@dataclass(slots=True)
class Clear:
    """Empty the generation not in use."""


StateJob: TypeAlias = Save | Install | Stage | StageTables | Clear
