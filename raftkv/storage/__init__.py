"""The disk and nothing else: the Raft log in files of its own, the state in one LMDB environment.

The log is what is waited for: each frame is written and made durable with one call, and a write is
durable when its frame is. The state follows: what was applied is stored a few times a second, in
one LMDB transaction together with the index of the last entry in it, and after a crash the log
applies the rest again.

`schema` is the page with every table and key, `frames` the one with the log's bytes. `environment`
opens the directory and refuses what it can't trust; `log_replay` reads the log; `startup` puts both
together, and writes the first state of a new member. While the member runs, `store` is the port the
loop sees: reads (`reader`) take what is not yet stored from `overlay`, entries go to the thread of
`log_writer`, which appends to `log_files`, and rows to the thread of `state_writer`, which fills
transactions (`transaction`, `cleaning`).
"""

from raftkv.storage.errors import StorageError
from raftkv.storage.hooks import StorageHooks
from raftkv.storage.schema import Identity
from raftkv.storage.store import DiskStorage

__all__ = ["DiskStorage", "Identity", "StorageError", "StorageHooks"]
