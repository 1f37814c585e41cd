"""Draws the tables: throughput and latency, CPU time an operation, memory."""

from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from bench.rows import MEMORY, P50, P99, PEAK_MEMORY, THROUGHPUT, Row
from bench.summary import Figures, keeps, ratio_of

Cell = Callable[[Row], str]


def print_tables(console: Console, rows: list[Row], figures: Figures, stores: list[str]) -> None:
    """Prints every table that has something in it."""
    for table in (
        throughput_table(rows, figures, stores),
        latency_table(rows, figures, stores),
        cpu_table(rows, figures, stores),
        memory_table(rows, figures, stores),
    ):
        if table.row_count:
            console.print(table)


def throughput_table(rows: list[Row], figures: Figures, stores: list[str]) -> Table:
    """Operations a second and their ratio against what was promised."""
    table = _table("operations a second: median of the rounds", *stores, *_ratio_columns(stores))
    for row in rows:
        cells = [_number(figures, row, THROUGHPUT, store) for store in stores]
        if any(cells):
            _add_row(table, row.title, *cells, *_ratio_cells(figures, row, THROUGHPUT))
    return table


def latency_table(rows: list[Row], figures: Figures, stores: list[str]) -> Table:
    """p50 and p99 in milliseconds, and the ratio of each."""
    columns = [f"{store} {name}" for name in ("p50", "p99") for store in stores]
    if len(stores) > 1:
        columns += ["p50 ratio", "promised", "p99 ratio", "promised"]
    table = _table("milliseconds: median of the rounds", *columns)
    for row in rows:
        cells = [_number(figures, row, name, store) for name in (P50, P99) for store in stores]
        if any(cells):
            p50, p99 = _ratio_cells(figures, row, P50), _ratio_cells(figures, row, P99)
            _add_row(table, row.title, *cells, p50[0], p50[2], p99[0], p99[2])
    return table


def cpu_table(rows: list[Row], figures: Figures, stores: list[str]) -> Table:
    """CPU microseconds an operation (milliseconds per 1,000), by role."""
    names = ("leader_cpu_us", "follower_cpu_us", "members_cpu_us", "generator_cpu_us")
    columns = [f"{store} {name.split('_')[0]}" for store in stores for name in names]
    table = _table("CPU microseconds an operation, or milliseconds per 1,000 operations", *columns)
    for row in rows:
        cells = [_number(figures, row, name, store) for store in stores for name in names]
        if any(_number(figures, row, names[0], store) for store in stores):
            table.add_row(row.title, *cells)
    return table


def memory_table(rows: list[Row], figures: Figures, stores: list[str]) -> Table:
    """MiB of the biggest member."""
    table = _table("MiB of the biggest member", *stores, *_ratio_columns(stores))
    titles = {PEAK_MEMORY: "at its peak", MEMORY: "now", "anonymous_memory_mib": "of it anonymous"}
    for row in rows:
        for name, title in titles.items():
            cells = [_number(figures, row, name, store) for store in stores]
            if any(cells):
                ratio = _ratio_cells(figures, row, name)
                _add_row(table, f"after {row.title}: {title}", *cells, *ratio)
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _add_row(table: Table, *cells: str) -> None:
    """Adds a row; what has no column, such as the ratios of a single store, is left out."""
    table.add_row(*cells[: len(table.columns)])


def _ratio_columns(stores: list[str]) -> list[str]:
    """The columns that compare; none if there is nothing to compare."""
    return ["ratio", "least .. greatest", "promised"] if len(stores) > 1 else []


def _number(figures: Figures, row: Row, name: str, store: str) -> str:
    """A median as a reader likes it: three digits or whole numbers; empty if there is none."""
    value = figures.get(row.name, name).median(store)
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ratio_cells(figures: Figures, row: Row, name: str) -> tuple[str, str, str]:
    """Ratio, its range, and what was promised; a broken promise in red."""
    ratio = ratio_of(figures.get(row.name, name))
    promised = row.promised.get(name)
    bound = "" if promised is None else f"{promised:g}"
    if ratio is None:
        return "", "", bound
    text = f"{ratio.median:.2f}"
    if promised is not None:
        colour = "green" if keeps(name, ratio.median, promised) else "red"
        text = f"[{colour}]{text}[/{colour}]"
    return text, f"{ratio.least:.2f} .. {ratio.greatest:.2f}", bound
