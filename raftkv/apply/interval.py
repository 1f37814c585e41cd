"""etcd's way to name one key or a range of keys."""

FROM_KEY = b"\x00"
"""The range_end that means: every key from `key` on."""


def end_of(key: bytes, range_end: bytes) -> bytes | None:
    """The first key past the range, None if there is none; without a range_end it is one key."""
    if not range_end:
        return key + b"\x00"
    return None if range_end == FROM_KEY else range_end
