"""A fault that was made: whom it met, and how it is ended."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

END = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    """For faults that are over when they were made."""


@dataclass(frozen=True, slots=True)
class Infliction:
    """A fault that was made."""

    targets: list[str]
    detail: str = ""
    end: END = _nothing
    """Ends it; what meanwhile went its own way (a member that was removed) is left alone."""


class NotNowError(Exception):
    """The cluster is in no state for this fault at the moment; the text says why."""
