"""What the operating system and LMDB say, turned into one line for a person."""

import errno
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb

DATA_FILE = "data.mdb"
_FREE_BYTES_MIN = 1 << 20
"""A disk with less space than this is full: a commit needs more than one page."""


class StorageError(Exception):
    """The disk, or what is on it, does not allow the member to go on: one line for a person."""


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Turns what the operating system and LMDB raise into StorageError with one line."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{error.filename or path}: {error.strerror or error}") from error
    except lmdb.Error as error:
        raise data_error(path, error) from error
    except struct.error as error:
        raise StorageError(f"{path / DATA_FILE} is damaged: {error}") from error


def data_error(path: Path, error: lmdb.Error) -> StorageError:
    """What a failed call of LMDB means for a person."""
    # LMDB's own codes are negative; the others are the operating system's.
    is_damaged = error.code < 0 and not isinstance(error, lmdb.MapFullError)
    return StorageError(f"{path / DATA_FILE}{' is damaged' if is_damaged else ''}: {error}")


def describe_failure(path: Path, error: Exception) -> str:
    """Why nothing can be written any more: a full disk shows as any other error of a write."""
    if isinstance(error, lmdb.Error) and error.code < 0:
        return str(data_error(path, error))
    try:
        disk = os.statvfs(path)
    except OSError as statvfs_error:
        return f"disk error at {path}: {error} ({statvfs_error})"
    if disk.f_bavail * disk.f_frsize < _FREE_BYTES_MIN or _is_full(error):
        return f"disk full: {path} cannot be written any more ({error})"
    return f"disk error at {path}: {error}"


def _is_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
