"""Says what is being measured: a bar on a terminal, a line a step elsewhere.

The bar is redrawn only between measurements: drawing costs CPU time that the members would miss.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Step = Callable[[str], None]


@contextlib.contextmanager
def progress(console: Console, steps: int) -> Iterator[Step]:
    """Gives a function to be called with a text at the beginning of each step.

    Args:
        console: where to; its `is_terminal` decides between bar and lines.
        steps: how many there will be.
    """
    if not console.is_terminal:
        begin = time.monotonic()
        done = 0

        def print_line(text: str) -> None:
            nonlocal done
            done += 1
            console.print(
                f"{time.monotonic() - begin:6.1f} s  {done}/{steps}  {text}", soft_wrap=True
            )

        yield print_line
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, auto_refresh=False) as bar:
        task = bar.add_task("", total=steps)
        started = 0

        def advance(text: str) -> None:
            nonlocal started
            bar.update(task, completed=started, description=text, refresh=True)
            started += 1

        yield advance
        bar.update(task, completed=steps, description="done", refresh=True)
