"""How the disk reaches the loop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Post: TypeAlias = Callable[[Callable[[], None]], None]
"""Runs a function on the loop's thread soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageHooks:
    """What a storage calls."""

    post: Post
    """Callable from any thread."""
    on_durable: Callable[[int], None]
    """Told the number of the last write that is durable."""
    on_staged: Callable[[int], None]
    """Told the number of the last staged chunk that is durable."""
    on_failed: Callable[[str], None]
    """Told, once, why nothing is written any more."""
