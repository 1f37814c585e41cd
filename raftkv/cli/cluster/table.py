"""Shows the members of a local cluster: a table, plain where nobody looks, or JSON."""

import json
import sys
from dataclasses import asdict, dataclass

from raftkv.cli.cluster import probe, processes
from raftkv.cli.cluster.layout import Directory, Layout, Member

PROBE_SECONDS_MAX = 1.0
HEADER = ("NAME", "PID", "STATE", "ROLE", "TERM", "REVISION", "DB SIZE", "CLIENT URL")
COLORS = {"running": "green", "paused": "yellow", "stopped": "red", "not answering": "yellow"}


@dataclass(frozen=True, slots=True)
class Row:
    """One member as it is now; what nobody knows is None."""

    name: str
    pid: int | None
    state: str
    """`running`, `paused`, `stopped` or `not answering`."""
    role: str | None
    """`leader`, `follower`, `learner`, or `no leader` when the member knows of none."""
    term: int | None
    revision: int | None
    db_size_bytes: int | None
    client_url: str


def rows(layout: Layout, directory: Directory) -> list[Row]:
    """Asks every member that runs how it is."""
    found = {process.member: process for process in processes.running(directory)}
    return [_row(member, found.get(member.name)) for member in layout.members]


def _row(member: Member, process: processes.Process | None) -> Row:
    """How one member is."""
    if process is None or process.is_paused:
        state = "paused" if process else "stopped"
        pid = process.pid if process else None
        return Row(member.name, pid, state, None, None, None, None, member.client_url)
    status = probe.status(member.client_port, PROBE_SECONDS_MAX)
    if status is None:
        url = member.client_url
        return Row(member.name, process.pid, "not answering", None, None, None, None, url)
    return Row(
        name=member.name,
        pid=process.pid,
        state="running",
        role=status.role,
        term=status.term,
        revision=status.revision,
        db_size_bytes=status.db_size_bytes,
        client_url=member.client_url,
    )


def show(shown: list[Row], *, as_json: bool) -> None:
    """Writes the table to stdout."""
    if as_json:
        sys.stdout.write(json.dumps([asdict(row) for row in shown], indent=2) + "\n")
    elif sys.stdout.isatty():
        _show_on_terminal(shown)
    else:
        cells = [HEADER, *(_cells(row) for row in shown)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(HEADER))]
        for row in cells:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            sys.stdout.write("  ".join(padded).rstrip() + "\n")


def _show_on_terminal(shown: list[Row]) -> None:
    """Draws the table with lines and colors."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*HEADER)
    for row in shown:
        color = COLORS[row.state]
        table.add_row(*_cells(row), style=None if row.state == "running" else color)
    Console().print(table)


def _cells(row: Row) -> tuple[str, ...]:
    """A row's texts."""
    values = (row.name, row.pid, row.state, row.role, row.term, row.revision)
    texts = ("-" if value is None else str(value) for value in values)
    return (*texts, _size(row.db_size_bytes), row.client_url)


def _size(size_bytes: int | None) -> str:
    """A number of bytes for people."""
    if size_bytes is None:
        return "-"
    size, unit = float(size_bytes), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
