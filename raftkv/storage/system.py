"""Reads the few numbers that say what the rest of the data file holds."""

from raftkv.storage import schema
from raftkv.storage.environment import Environment
from raftkv.storage.errors import clear_errors
from raftkv.storage.schema import LogStart, SystemState


def read_system(environment: Environment) -> tuple[SystemState, LogStart]:
    """The state as it was stored last."""
    with clear_errors(environment.path), environment.lmdb.begin(db=environment.system) as txn:
        state, start = txn.get(schema.STATE_KEY), txn.get(schema.LOG_START_KEY)
        return (
            schema.NEW_STATE if state is None else schema.decode_state(state),
            schema.NEW_LOG if start is None else schema.decode_log_start(start),
        )
