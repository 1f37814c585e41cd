"""Where runs are kept: a folder with a history, its verdicts, and the page that is made of them."""

from pathlib import Path
from typing import Final

from jepsen_tests.history import History, MalformedError
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.report.verdicts import load_verdicts

HISTORY: Final = "history.jsonl"
VERDICTS: Final = "verdicts.json"
PAGE: Final = "report.html"
INDEX: Final = "index.html"
RUNS_MAX: Final = 5_000
"""In one index; a folder with more is more likely the wrong one."""


def is_run(folder: Path) -> bool:
    """Whether a run was recorded here."""
    return (folder / HISTORY).is_file()


def runs_below(folder: Path) -> list[Path]:
    """The runs in a folder and the folders in it, in the order of their names.

    Raises:
        MalformedError: there are none, or too many.
    """
    found = sorted(path.parent for path in folder.rglob(HISTORY) if path.is_file())
    if not found:
        raise MalformedError(f"{folder}: there is no {HISTORY} in it, nor in the folders below")
    if len(found) > RUNS_MAX:
        raise MalformedError(f"{folder}: {len(found)} runs, at most {RUNS_MAX}")
    return found


def load_run(folder: Path) -> Recorded:
    """Reads a run. Without verdicts it is one that nobody has judged.

    Raises:
        MalformedError: a file is not what it should be; the text names it and the line.
        OSError: a file cannot be read.
    """
    history = History.load(folder / HISTORY)
    verdicts = folder / VERDICTS
    found = load_verdicts(verdicts) if verdicts.is_file() else ()
    return Recorded(history, found, str(folder))
