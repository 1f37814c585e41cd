"""What a power failure leaves of a member's files, from the journals of its shim.

Of what was written and not synced, a disk keeps what it likes: whole writes, some sectors of one,
later ones without earlier ones. A change of a directory may be lost with all that came after it, as
on a file system with a journal of its own.
"""

import os
import random
from dataclasses import dataclass, replace
from pathlib import Path

from jepsen_tests.process.storage_shim.journal import Change, Fate, unsynced

SECTOR_BYTES = 512
"""A disk writes these whole or not at all."""
_KEEP_NOTHING = 0.3
_KEEP_ALL_BUT_THE_END = 0.3
_KEEP_WRITE = 0.5
_TEAR_WRITE = 0.3


@dataclass(frozen=True, slots=True)
class Losses:
    """What a power failure took away."""

    changes: int
    """How many were not durable."""
    kept: int
    """How many of those chance kept, whole or in part."""
    names: int
    """How many files were made, renamed or removed in vain."""


def lose_power(data: Path, journal: Path, chance: random.Random) -> Losses:
    """Takes from the files below `data` what was not durable; the member must not run."""
    names = _lose_names(journal, chance)
    by_inode = {path.stat().st_ino: path for path in _files(data)}
    changes = kept = 0
    for inode, made in sorted(unsynced(journal).items()):
        decided = decide(made, chance)
        changes += sum(change.fate is not Fate.DURABLE for change in made)
        kept += sum(
            was.fate is not Fate.DURABLE and now.fate is Fate.DURABLE
            for was, now in zip(made, decided, strict=True)
        )
        if inode in by_inode:
            rebuild(by_inode[inode], decided)
    for path in journal.iterdir():
        if path.name not in ("control", "unseen"):
            path.unlink()
    return Losses(changes, kept, names)


def _files(directory: Path) -> list[Path]:
    return [path for path in sorted(directory.rglob("*")) if path.is_file()]


def decide(changes: list[Change], chance: random.Random) -> list[Change]:
    """Lets chance say which changes reached the disk, and how much of each."""
    pending = [number for number, change in enumerate(changes) if change.fate is Fate.PENDING]
    kind = chance.random()
    if kind < _KEEP_NOTHING:
        kept = set()
    elif kind < _KEEP_NOTHING + _KEEP_ALL_BUT_THE_END:
        kept = set(pending[: chance.randint(0, len(pending))])
    else:
        kept = {number for number in pending if chance.random() < _KEEP_WRITE}
    decided = []
    for number, change in enumerate(changes):
        if change.fate is Fate.DURABLE:
            decided.append(change)
        elif number in kept:
            decided.append(_torn(replace(change, fate=Fate.DURABLE), chance))
        else:
            decided.append(replace(change, fate=Fate.LOST))
    return decided


def _torn(change: Change, chance: random.Random) -> Change:
    """Perhaps only the first sectors of a write; its end, at worst, in the middle of a page."""
    sectors = len(change.new or b"") // SECTOR_BYTES
    if change.new is None or not sectors or chance.random() >= _TEAR_WRITE:
        return change
    first_sector_bytes = -change.offset % SECTOR_BYTES
    length = first_sector_bytes + SECTOR_BYTES * chance.randint(0, sectors)
    return replace(change, new=change.new[:length])


def rebuild(path: Path, changes: list[Change]) -> None:
    """Undoes all changes of a file, the last first, then makes the durable ones again."""
    with path.open("r+b", buffering=0) as file:
        for change in reversed(changes):
            if change.new is None:
                file.truncate(change.size_before)
                _write(file.fileno(), change.old, change.offset)
            else:
                _write(file.fileno(), change.old, change.offset)
                file.truncate(change.size_before)
        for change in changes:
            if change.fate is not Fate.DURABLE:
                continue
            if change.new is None:
                file.truncate(change.offset)
            else:
                _write(file.fileno(), change.new, change.offset)


def _write(handle: int, content: bytes, offset: int) -> None:
    if content:
        written = os.pwrite(handle, content, offset)
        assert written == len(content), f"wrote {written} of {len(content)} bytes"


def _lose_names(journal: Path, chance: random.Random) -> int:
    """Undoes the last changes of directories, as many as chance says."""
    path = journal / "names"
    if not path.exists():
        return 0
    lines = path.read_text().splitlines()
    lost = chance.randint(0, len(lines))
    for line in reversed(lines[len(lines) - lost :]):
        _undo_name(line, journal)
    return lost


def _undo_name(line: str, journal: Path) -> None:
    kind, _, rest = line.partition(" ")
    names = rest.split("\t")
    match kind:
        case "C":
            Path(names[0]).unlink(missing_ok=True)
        case "R":
            source, target, kept = names
            Path(target).rename(source)
            if kept:
                (journal / kept).rename(target)
        case "U":
            removed, kept = names
            (journal / kept).rename(removed)
        case _:
            raise ValueError(f"{journal / 'names'}: {line!r}")
