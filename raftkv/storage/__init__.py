"""LMDB and nothing else: one environment for log and state, one writer, one commit for what waits.

`schema` is the page with every table and key. `environment` opens the directory and refuses what it
can't trust; `startup` reads what a member left there, and writes the first state of a new one.
While the member runs, `store` is the port the loop sees: reads (`reader`) take what is not yet on
the disk from `overlay`, writes go to the thread of `writer`, which fills one transaction with all
that waits (`transaction`, `log`, `cleaning`).
"""

from raftkv.storage.environment import StorageError
from raftkv.storage.hooks import StorageHooks
from raftkv.storage.schema import Identity
from raftkv.storage.store import LmdbStorage

__all__ = ["Identity", "LmdbStorage", "StorageError", "StorageHooks"]
