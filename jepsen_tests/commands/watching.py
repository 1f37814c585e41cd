"""Shows how a run comes along: a line that changes on a terminal, lines now and then in a pipe."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from rich.console import Console
from rich.live import Live
from rich.text import Text

from jepsen_tests.history import History, Status

TERMINAL_SECONDS = 0.25
PIPE_SECONDS = 10.0


async def watch(history: History, seconds: float, now_seconds: Callable[[], float]) -> None:
    """Shows the run until it is cancelled."""
    console = Console(stderr=True)
    with suppress(asyncio.CancelledError):
        if not console.is_terminal:
            while True:
                await asyncio.sleep(PIPE_SECONDS)
                line = progress(history, seconds, now_seconds())
                console.print(line, highlight=False, soft_wrap=True)
        with Live(console=console, transient=True, auto_refresh=False) as live:
            while True:
                live.update(Text(progress(history, seconds, now_seconds())), refresh=True)
                await asyncio.sleep(TERMINAL_SECONDS)


def progress(history: History, seconds: float, at_seconds: float) -> str:
    """Where a run is, in a line."""
    not_ok = sum(operation.status is not Status.OK for operation in history.operations[-1_000:])
    words = [
        f"{at_seconds:.0f} of {seconds:.0f} s",
        f"{len(history.operations)} operations ({not_ok} of the last 1000 not ok)",
    ]
    if history.faults:
        last = history.faults[-1]
        words.append(f"last fault: {last.name} {', '.join(last.targets)}")
    leading = [state for state in history.members[-20:] if state.role == "leader"]
    if leading:
        newest = max(leading, key=lambda state: state.term)
        words.append(f"{newest.member} leads in term {newest.term}")
    return " | ".join(words)
