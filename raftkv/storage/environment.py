"""Opens a member's directory: locked against a second process, checked before LMDB maps it.

Nothing here changes a data file that it refuses. A map that reaches beyond its file would end the
process with SIGBUS at the first read, so a file that is shorter than it says is looked through
first; and what only reading can tell, another process finds out (`probe`).
"""

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import lmdb
from lmdb.verify import VerifyError, verify

from raftkv.config import StorageConfig
from raftkv.storage import schema
from raftkv.storage.errors import DATA_FILE, StorageError, clear_errors
from raftkv.storage.probe import probe
from raftkv.storage.sync import sync_directory

Database: TypeAlias = "lmdb._Database"  # noqa: SLF001 - the only name its type has
Transaction: TypeAlias = "lmdb.Transaction[bytes]"

LOCK_FILE = "member.lock"

_META = struct.Struct("=IIQQI92sQQ")
"""LMDB's meta page after its head of 16 bytes: magic, version, address, map size, page size,
tables, last page, transaction."""
_META_OFFSET = 16
_META_MAGIC = 0xBEEFC0DE


@dataclass(frozen=True, slots=True)
class Generation:
    """The tables of one generation of the replicated state."""

    number: int
    rows: Database
    tables: dict[str, Database]


@dataclass(frozen=True, slots=True)
class Environment:
    """An open directory and its tables."""

    path: Path
    lmdb: lmdb.Environment
    system: Database
    generations: tuple[Generation, Generation]
    lock: int
    """The descriptor that holds the lock."""

    def close(self) -> None:
        """Closes the data file, then lets another process have the directory."""
        self.lmdb.close()
        os.close(self.lock)


def open_environment(path: Path, config: StorageConfig) -> Environment:
    """Opens the directory, or makes it.

    Raises:
        StorageError: Another process has it, or what is there is not to be trusted or not ours.
    """
    with clear_errors(path):
        _make_directory(path)
        lock = _lock(path)
        try:
            _check_data_file(path, config)
            return _open(path, config, lock)
        except BaseException:
            os.close(lock)
            raise


def _make_directory(path: Path) -> None:
    missing = []
    parent = path
    while not parent.exists():
        missing.append(parent)
        parent = parent.parent
    for directory in reversed(missing):
        directory.mkdir(mode=0o700, exist_ok=True)
        sync_directory(directory.parent)
    if not path.is_dir():
        raise StorageError(f"{path} is not a directory")


def _lock(path: Path) -> int:
    descriptor = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StorageError(f"{path} is in use by another process") from None
    return descriptor


def _check_data_file(directory: Path, config: StorageConfig) -> None:
    """Refuses what LMDB would only notice while it reads, and then end the process."""
    path = directory / DATA_FILE
    if not path.exists():
        return
    _check_length(path)
    problem = probe(directory, config.map_bytes) if config.probe_before_open else None
    if problem is not None:
        raise StorageError(f"{path} is damaged: {problem}")


def _check_length(path: Path) -> None:
    size = path.stat().st_size
    page_size, pages = _newest_meta(path)
    if size >= page_size * pages:
        return
    # Pages that were freed in the transaction that first used them are never written: then, and
    # only then, a whole file is shorter than its meta page says.
    try:
        problems = verify(os.fspath(path), subdir=False)  # type: ignore[no-untyped-call]
    except VerifyError as error:
        problems = [str(error)]
    if problems:
        raise StorageError(
            f"{path} is cut off: {size} bytes of {page_size * pages} ({problems[0]})"
        )


def _newest_meta(path: Path) -> tuple[int, int]:
    """The page size, and how many pages there are, as the newer of the two meta pages says."""
    with path.open("rb") as file:
        first = _parse_meta(path, file.read(_META_OFFSET + _META.size))
        file.seek(first[0])
        second = _parse_meta(path, file.read(_META_OFFSET + _META.size))
    page_size, last_page, _ = max(first, second, key=lambda meta: meta[2])
    return page_size, last_page + 1


def _parse_meta(path: Path, data: bytes) -> tuple[int, int, int]:
    if len(data) < _META_OFFSET + _META.size:
        raise StorageError(f"{path} is cut off: it ends within its first two pages")
    meta = _META.unpack_from(data, _META_OFFSET)
    magic, page_size, last_page, transaction = meta[0], meta[4], meta[6], meta[7]
    if magic != _META_MAGIC:
        raise StorageError(f"{path} is damaged: a meta page is not LMDB's")
    return page_size, last_page, transaction


def _open(path: Path, config: StorageConfig, lock: int) -> Environment:
    is_new = not (path / DATA_FILE).exists()
    environment = lmdb.open(
        os.fspath(path),
        map_size=config.map_bytes,
        max_dbs=schema.DATABASES_MAX,
        max_spare_txns=4,
        mode=0o600,
        lib_version=0,
    )
    try:
        if is_new:
            sync_directory(path)
        _check_format(path, environment)
        with environment.begin(write=True) as txn:
            system = environment.open_db(schema.SYSTEM, txn=txn)
            first, second = (_generation(environment, txn, g) for g in schema.GENERATIONS)
            if txn.get(schema.FORMAT_KEY, db=system) is None:
                txn.put(schema.FORMAT_KEY, schema.encode_format(), db=system)
    except BaseException:
        environment.close()
        raise
    return Environment(path, environment, system, (first, second), lock)


def _check_format(path: Path, environment: lmdb.Environment) -> None:
    if not environment.stat()["entries"]:
        return
    try:
        system = environment.open_db(schema.SYSTEM, create=False)
    except lmdb.NotFoundError:
        raise StorageError(f"{path / DATA_FILE} was not written by raftkv") from None
    with environment.begin() as txn:
        stored = txn.get(schema.FORMAT_KEY, db=system)
    if stored is None:
        raise StorageError(f"{path / DATA_FILE} is damaged: it does not say its format")
    version = schema.decode_format(stored)
    if version > schema.FORMAT_VERSION:
        raise StorageError(
            f"{path / DATA_FILE} has format {version}; this program knows formats up to "
            f"{schema.FORMAT_VERSION}: use a newer one"
        )
    if version < schema.FORMAT_VERSION:
        raise StorageError(
            f"{path / DATA_FILE} has format {version}, which this program no longer reads: "
            "remove the member from its cluster and add it again with an empty directory"
        )


def _generation(environment: lmdb.Environment, txn: Transaction, number: int) -> Generation:
    return Generation(
        number,
        environment.open_db(schema.rows_name(number), txn=txn),
        {
            name: environment.open_db(schema.table_name(name, number), txn=txn)
            for name in schema.TABLES
        },
    )
