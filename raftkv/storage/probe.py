"""Walks through every table of a data file, in a process of its own.

LMDB ends the process when it meets a page that makes no sense (an assertion in C, or SIGBUS).
Whoever opens a directory therefore lets this process go first, and learns from its end what the
file is worth.
"""

import subprocess
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

import lmdb

_TABLES_MAX = 1_000


def probe(path: Path, map_bytes: int) -> str | None:
    """What is wrong with the data file in `path`, in a few words; None when it can be read."""
    # -P: the modules beside this one do not stand in for the standard library's.
    command = [sys.executable, "-P", __file__, str(path), str(map_bytes)]
    process = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if process.returncode == 0:
        return None
    lines = process.stderr.strip().splitlines()
    return lines[-1] if lines else f"reading it ends with signal {-process.returncode}"


def _read_everything(path: str, map_bytes: int) -> None:
    environment = lmdb.open(
        path, map_size=map_bytes, max_dbs=_TABLES_MAX, readonly=True, lock=False, lib_version=0
    )
    with environment.begin() as txn:
        for name in list(txn.cursor().iternext(keys=True, values=False)):
            with suppress(lmdb.IncompatibleError):  # not a table: somebody else's data
                table = environment.open_db(name, txn=txn, create=False)
                deque(txn.cursor(table).iternext(keys=True, values=False), maxlen=0)


if __name__ == "__main__":
    _read_everything(sys.argv[1], int(sys.argv[2]))
