"""Reads the few numbers that say what the rest of the data file holds."""

from raftkv.storage import schema
from raftkv.storage.environment import Environment, clear_errors
from raftkv.storage.log import Extent
from raftkv.storage.schema import INDEX, LogStart, SystemState


def read_system(environment: Environment) -> tuple[SystemState, LogStart]:
    """The state as of the last write."""
    with clear_errors(environment.path), environment.lmdb.begin(db=environment.system) as txn:
        state, start = txn.get(schema.STATE_KEY), txn.get(schema.LOG_START_KEY)
        return (
            schema.NEW_STATE if state is None else schema.decode_state(state),
            schema.NEW_LOG if start is None else schema.decode_log_start(start),
        )


def read_extent(environment: Environment, start: LogStart) -> Extent:
    """The first and the last entry that take space, those due for removal included."""
    with clear_errors(environment.path), environment.lmdb.begin() as txn:
        cursor = txn.cursor(environment.log)
        if not cursor.first():
            return Extent(start.index + 1, start.index)
        (first,) = INDEX.unpack(cursor.key())
        cursor.last()
        (last,) = INDEX.unpack(cursor.key())
    return Extent(first, max(last, start.index))
