"""What a member finds in its directory, and what a new one puts there first."""

from collections.abc import Callable
from typing import NamedTuple

from raftkv.config import StorageConfig
from raftkv.raft.stored import StoredLog, WriteBatch
from raftkv.raft.types import entry_index
from raftkv.storage import schema
from raftkv.storage.environment import Environment
from raftkv.storage.errors import DATA_FILE, StorageError, clear_errors
from raftkv.storage.frames import LogBatch
from raftkv.storage.jobs import Clear
from raftkv.storage.log_files import DIRECTORY, LogFiles, empty_log, remove_log, remove_unfinished
from raftkv.storage.log_replay import is_used, replay_log
from raftkv.storage.schema import NEW_STATE, Identity, SystemState
from raftkv.storage.sync import sync_directory
from raftkv.storage.system import read_system
from raftkv.storage.transaction import Filler


class Loaded(NamedTuple):
    """What was found, and the log to be gone on with."""

    stored: StoredLog
    files: LogFiles


def read_identity(environment: Environment) -> Identity | None:
    """Whose data this is; None when nobody has written a first state yet."""
    with clear_errors(environment.path), environment.lmdb.begin(db=environment.system) as txn:
        data = txn.get(schema.IDENTITY_KEY)
        return None if data is None else schema.decode_identity(data)


def write_first(
    environment: Environment, config: StorageConfig, identity: Identity, batch: WriteBatch | None
) -> None:
    """Makes an unused directory a member's, with what its log starts from.

    The identity comes last: a directory without one is unused, whatever a crash left in its log.

    Raises:
        StorageError: It can't be written, or its log is one that a member went on to use.
    """
    assert read_identity(environment) is None, "the directory already belongs to a member"
    state = NEW_STATE
    with clear_errors(environment.path):
        directory = environment.path / DIRECTORY
        directory.mkdir(mode=0o700, exist_ok=True)
        sync_directory(environment.path)
        if is_used(directory):
            raise StorageError(
                f"{environment.path / DATA_FILE} is new, but {directory} holds the log of a member "
                "that must not forget its votes: put its data file back, or remove the member "
                "from its cluster and add it again with an empty directory"
            )
        remove_log(directory)
        files = LogFiles(directory, config.log_file_bytes, empty_log(identity))
        if batch is not None:
            first = LogBatch(batch.hard_state, 0, 0, batch.entries)
            files.append([first], entry_index(batch.entries[-1]))
            state = state._replace(hard_state=batch.hard_state, log_frame=files.frame)
        files.close()
        with environment.lmdb.begin(write=True, db=environment.system) as txn:
            txn.put(schema.IDENTITY_KEY, schema.encode_identity(identity))
            txn.put(schema.STATE_KEY, schema.encode_state(state))


def _note_state(environment: Environment, state: SystemState) -> None:
    with environment.lmdb.begin(write=True, db=environment.system) as txn:
        txn.put(schema.STATE_KEY, schema.encode_state(state))


def amend_log(
    environment: Environment,
    config: StorageConfig,
    amendment: Callable[[StoredLog], WriteBatch | None],
) -> None:
    """Appends to the log of a member that does not run, durably and in one frame."""
    stored, files = load(environment, config)
    batch = amendment(stored)
    with clear_errors(environment.path):
        if batch is not None:
            added = LogBatch(batch.hard_state, 0, 0, batch.entries)
            files.append([added], entry_index(batch.entries[-1]))
        files.close()


def clear_unused(environment: Environment) -> None:
    """Drops what a snapshot left that was not received to its end, or that has been replaced."""
    state, _ = read_system(environment)
    unused = environment.generations[1 - state.generation]
    with clear_errors(environment.path), environment.lmdb.begin() as txn:
        databases = (unused.rows, *unused.tables.values())
        is_empty = not any(txn.stat(database)["entries"] for database in databases)
    if not is_empty:
        with clear_errors(environment.path), environment.lmdb.begin(write=True) as txn:
            Filler(environment, removals_max=0).fill(txn, [Clear()])


def load(environment: Environment, config: StorageConfig) -> Loaded:
    """The whole log, every entry checked, and what the stored state contains.

    Raises:
        StorageError: Something is damaged or missing, or the two do not fit together.
    """
    state, start = read_system(environment)
    identity = read_identity(environment)
    assert identity is not None, "loaded before bootstrap"
    directory = environment.path / DIRECTORY
    with clear_errors(environment.path):
        remove_unfinished(directory)
        replayed = replay_log(directory, identity, state, start)
        last = start.index + len(replayed.entries)
        commit = replayed.hard_state.commit
        if commit > last or not start.index <= state.applied_index <= last:
            raise StorageError(
                f"{environment.path} is damaged: the log ends at entry {last}, the commit index is "
                f"{commit}, the applied index {state.applied_index}"
            )
        files = LogFiles(directory, config.log_file_bytes, replayed.end)
        if replayed.correction is not None:
            files.append([replayed.correction], 0)
        if files.frame != state.log_frame:  # from now on its end is known, and missed if it is gone
            _note_state(environment, state._replace(log_frame=files.frame))
    stored = StoredLog(
        hard_state=replayed.hard_state,
        snapshot_index=start.index,
        snapshot_term=start.term,
        membership=start.membership,
        entries=replayed.entries,
        applied_index=state.applied_index,
        applied_term=state.applied_term,
    )
    return Loaded(stored, files)
