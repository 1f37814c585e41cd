"""Reads the shim's journals: what was written to a file and is not known to be durable."""

import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_RECORD = struct.Struct("=IIQQQQ")
_WRITE, _TRUNCATE = 1, 2
_DURABLE, _LOST = 1, 2
_GENERATION = re.compile(r"(\d+)\.(\d+)(?:\.(lost|durable))?")


class Fate(StrEnum):
    """What a power failure does to a change."""

    PENDING = "pending"
    """Chance decides."""
    LOST = "lost"
    """A sync failed after it: the kernel has forgotten it."""
    DURABLE = "durable"
    """It stays."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write, or one change of a file's size."""

    offset: int
    """Where it was written; for a change of size, the new size."""
    size_before: int
    old: bytes
    """What it overwrote, or cut off."""
    new: bytes | None
    """What it wrote; None: it changed the size."""
    fate: Fate


def unsynced(journal: Path) -> dict[int, list[Change]]:
    """The changes of each file, by inode number, in the order in which they were made."""
    generations: dict[int, list[tuple[int, Path, Fate]]] = defaultdict(list)
    for path in journal.iterdir():
        match = _GENERATION.fullmatch(path.name)
        if match:
            fate = Fate(match[3] or Fate.PENDING)
            generations[int(match[1])].append((int(match[2]), path, fate))
    return {
        inode: [change for _, path, fate in sorted(those) for change in _changes(path, fate)]
        for inode, those in generations.items()
    }


def _changes(path: Path, fate: Fate) -> Iterator[Change]:
    """The changes in one generation; the last is left out if the program died writing it down."""
    content = path.read_bytes()
    position = 0
    while position + _RECORD.size <= len(content):
        kind, flags, offset, size, old_bytes, new_bytes = _RECORD.unpack_from(content, position)
        old_start = position + _RECORD.size
        new_start = old_start + old_bytes
        position = new_start + new_bytes
        if position > len(content):
            return
        if kind not in (_WRITE, _TRUNCATE):
            raise ValueError(f"{path}: there is no kind of record {kind}")
        new = content[new_start:position] if kind == _WRITE else None
        old = content[old_start:new_start]
        own = Fate.DURABLE if flags & _DURABLE else Fate.LOST if flags & _LOST else fate
        yield Change(offset, size, old, new, own)
