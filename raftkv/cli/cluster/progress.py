"""Shows how members become healthy: moving lines on a terminal, one line a change elsewhere."""

import sys
from typing import Protocol, Self, TextIO


class Progress(Protocol):
    """Who is told how far a command is; shown while it is entered."""

    def __enter__(self) -> Self:
        """Starts to show."""

    def __exit__(self, *_: object) -> None:
        """Stops to show."""

    def update(self, member: str, text: str, *, is_done: bool = False) -> None:
        """A member is doing this now; with `is_done` there is nothing to wait for any more."""

    def note(self, text: str) -> None:
        """Something to know that is about no single member."""


class Lines:
    """A line for everything that is new."""

    def __init__(self, stream: TextIO) -> None:
        """Writes to `stream`."""
        self._stream = stream
        self._last: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Needs no start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves what is written."""

    def update(self, member: str, text: str, *, is_done: bool = False) -> None:  # noqa: ARG002
        """Writes what a member is doing when that has changed."""
        if self._last.get(member) != text:
            self._last[member] = text
            self.note(f"{member}  {text}")

    def note(self, text: str) -> None:
        """Writes a line."""
        self._stream.write(f"{text}\n")
        self._stream.flush()


class Terminal:
    """A line for each member, with a spinner until it is done."""

    def __init__(self) -> None:
        """Draws on stderr."""
        from rich.console import Console
        from rich.progress import Progress as Spinners
        from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

        self._spinners = Spinners(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.fields[member]}  {task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._rows: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        """Starts to draw."""
        self._spinners.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the last state on the screen."""
        self._spinners.stop()

    def update(self, member: str, text: str, *, is_done: bool = False) -> None:
        """Draws what a member is doing."""
        if member not in self._rows:
            self._rows[member] = self._spinners.add_task("", total=1, member=member)
        self._spinners.update(self._rows[member], description=text, completed=int(is_done))

    def note(self, text: str) -> None:
        """Writes a line above the members."""
        self._spinners.console.print(text)


def progress_display() -> Progress:
    """The display that suits where stderr goes."""
    return Terminal() if sys.stderr.isatty() else Lines(sys.stderr)
