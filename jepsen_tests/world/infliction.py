"""A fault that was made, or could not be: whom it met, and how it is ended."""

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
    undo: END = _nothing
    """What meanwhile went its own way (a member that was removed) is left alone."""
    skipped: str = ""
    """Why it was not made."""

    async def end(self) -> None:
        """Undoes it."""
        await self.undo()


class NotNowError(Exception):
    """The cluster is in no state for this fault at the moment; the text says why."""
