"""A history that is on disk while it grows: nothing is lost when a run does not end well."""

from pathlib import Path
from types import TracebackType
from typing import Self

from typing_extensions import override

from jepsen_tests.history import History, Record, RunInfo
from jepsen_tests.lines import to_line


class LiveHistory(History):
    """Writes each record to a file as it comes; the file can be read at any time."""

    def __init__(self, path: Path, run: RunInfo) -> None:
        """Begins the file with what is run."""
        self._file = path.open("w", encoding="ascii", buffering=1)
        super().__init__(run=run)
        self._write(run)

    @override
    def append(self, record: Record) -> None:
        """Adds a record."""
        assert not isinstance(record, RunInfo), "what is run was written first"
        super().append(record)
        self._write(record)

    def _write(self, record: Record) -> None:
        self._file.write(f"{to_line(record)}\n")

    def __enter__(self) -> Self:
        """Is open already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the file; what was recorded can still be read here."""
        self._file.close()
