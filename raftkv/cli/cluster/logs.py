"""Shows what members wrote: the end of their logs, and what is added to them."""

import time
from collections import deque
from pathlib import Path
from typing import TextIO

POLL_SECONDS = 0.2


def show(files: dict[str, Path], lines_max: int, out: TextIO) -> None:
    """Writes the last lines of each member's log, after its name where there are several."""
    for name, path in files.items():
        if path.exists():
            with path.open(errors="replace") as stream:
                last = deque(stream, maxlen=lines_max)
            out.writelines(_labelled(name, line, files) for line in last)
    out.flush()


def follow(files: dict[str, Path], out: TextIO) -> None:
    """Writes what is added to the logs from now on, until interrupted."""
    ends = {name: _size(path) for name, path in files.items()}
    while True:
        for name, path in files.items():
            if _size(path) > ends[name]:
                with path.open("rb") as stream:
                    stream.seek(ends[name])
                    added, newline, _ = stream.read().rpartition(b"\n")
                ends[name] += len(added + newline)
                lines = added.decode(errors="replace").splitlines() if newline else []
                out.writelines(_labelled(name, line, files) for line in lines)
        out.flush()
        time.sleep(POLL_SECONDS)


def _labelled(name: str, line: str, files: dict[str, Path]) -> str:
    """A line with its member's name before it where there are several."""
    text = line.rstrip("\n")
    return f"{name} | {text}\n" if len(files) > 1 else f"{text}\n"


def _size(path: Path) -> int:
    """A file's size; 0 when there is none."""
    return path.stat().st_size if path.exists() else 0
