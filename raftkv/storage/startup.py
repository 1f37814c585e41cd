"""What a member finds in its directory, and what a new one puts there first.

A log that does not hold together is refused: a member that has answered for entries it no longer
has must not vote again as if it never had.
"""

from raftkv.raft.stored import StoredLog, WriteBatch
from raftkv.raft.types import CorruptEntryError, check_entry
from raftkv.storage import schema
from raftkv.storage.environment import (
    DATA_FILE,
    Environment,
    StorageError,
    Transaction,
    clear_errors,
)
from raftkv.storage.jobs import Clear, Write
from raftkv.storage.schema import INDEX, Identity
from raftkv.storage.system import read_system
from raftkv.storage.transaction import Filler


def read_identity(environment: Environment) -> Identity | None:
    """Whose data this is; None when nobody has written a first state yet."""
    with clear_errors(environment.path), environment.lmdb.begin(db=environment.system) as txn:
        data = txn.get(schema.IDENTITY_KEY)
        return None if data is None else schema.decode_identity(data)


def write_first(environment: Environment, identity: Identity, batch: WriteBatch | None) -> None:
    """Makes an unused directory a member's, with what its log starts from, in one transaction."""
    assert read_identity(environment) is None, "the directory already belongs to a member"
    with clear_errors(environment.path), environment.lmdb.begin(write=True) as txn:
        txn.put(schema.IDENTITY_KEY, schema.encode_identity(identity), db=environment.system)
        if batch is not None:
            Filler(environment, removals_max=0).fill(txn, [Write(0, batch, None)])


def clear_unused(environment: Environment) -> None:
    """Drops what a snapshot left that was not received to its end, or that has been replaced."""
    state, _ = read_system(environment)
    unused = environment.generations[1 - state.generation]
    with clear_errors(environment.path), environment.lmdb.begin() as txn:
        databases = (unused.rows, *unused.tables.values())
        is_empty = not any(txn.stat(database)["entries"] for database in databases)
    if not is_empty:
        with clear_errors(environment.path), environment.lmdb.begin(write=True) as txn:
            Filler(environment, removals_max=0).fill(txn, [Clear(0)])


def read_log(environment: Environment) -> StoredLog:
    """The whole log, every entry checked.

    Raises:
        StorageError: An entry is damaged or missing.
    """
    state, start = read_system(environment)
    with clear_errors(environment.path), environment.lmdb.begin() as txn:
        entries = _read_entries(environment, txn, start.index)
    last = start.index + len(entries)
    if state.hard_state.commit > last or not start.index <= state.applied_index <= last:
        raise StorageError(
            f"{environment.path / DATA_FILE} is damaged: the log ends at entry {last}, the commit "
            f"index is {state.hard_state.commit}, the applied index {state.applied_index}"
        )
    return StoredLog(
        hard_state=state.hard_state,
        snapshot_index=start.index,
        snapshot_term=start.term,
        membership=start.membership,
        entries=entries,
        applied_index=state.applied_index,
        applied_term=state.applied_term,
    )


def _read_entries(environment: Environment, txn: Transaction, index: int) -> list[bytes]:
    data_file = environment.path / DATA_FILE
    entries: list[bytes] = []
    cursor = txn.cursor(environment.log)
    if not cursor.set_range(INDEX.pack(index + 1)):
        return entries
    for key, entry in cursor.iternext():
        index += 1
        if key != INDEX.pack(index):
            raise StorageError(f"{data_file} is damaged: entry {index} is missing")
        try:
            check_entry(entry, index)
        except CorruptEntryError as error:
            raise StorageError(f"{data_file} is damaged: {error}") from error
        entries.append(entry)
    return entries
