"""What a client asks of a watch."""

from typing import NamedTuple

FROM_KEY = b"\0"
"""A range end that stands for no end, as in etcd's requests."""


class WatchRequest(NamedTuple):
    """What a client asked for, checked."""

    key: bytes
    end: bytes | None
    """None: the single key; `FROM_KEY`: every key from `key` on; otherwise the keys below `end`."""
    start_revision: int = 0
    """The first revision wanted; 0: from now on."""
    watch_id: int = 0
    """0: the stream's next free id."""
    no_put: bool = False
    no_delete: bool = False
    prev_kv: bool = False
    progress_notify: bool = False
    fragment: bool = False
