"""Latency and rate: the plots that the scripts draw, and the numbers that need no script."""

from typing import Final

from jepsen_tests.history import Operation, Status
from jepsen_tests.report.markup import Markup, tag, visible
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.report.words import duration_text

QUANTILES: Final = (("half in", 0.5), ("95 % in", 0.95), ("99 % in", 0.99))
FUNCTIONS_SHOWN_MAX: Final = 30


def quantile(in_order: list[int], share: float) -> int:
    """The least value that this share of all does not exceed."""
    return in_order[min(int(share * len(in_order)), len(in_order) - 1)]


def latency_section(recorded: Recorded) -> Markup:
    """Plots and table."""
    plots = tag(
        "div",
        tag(
            "canvas",
            id="latency",
            class_="plot",
            role="img",
            aria_label="Latency over time; the table below has the numbers",
        ),
        tag(
            "canvas",
            id="rate",
            class_="plot",
            role="img",
            aria_label="Operations a second over time",
        ),
        class_="board needs-script",
    )
    return tag(
        "section",
        tag("h2", "Latency and rate"),
        tag(
            "p",
            "Over the stretch that the timeline shows, with the same faults. A dot is an "
            "operation (cross: failed; triangle: no answer); lines are the half, 95 % and 99 % "
            "of a moment’s operations.",
            class_="soft needs-script",
        ),
        plots,
        _table(recorded),
        id="latency-and-rate",
    )


def _table(recorded: Recorded) -> Markup:
    by_function: dict[str, list[Operation]] = {}
    for operation in recorded.operations:
        by_function.setdefault(operation.function, []).append(operation)
    names = (
        "Function",
        "ok",
        "fail",
        "info",
        "ok a second",
        *(name for name, _ in QUANTILES),
        "the slowest",
    )
    head = [
        tag("th", name, scope="col", class_="number" if place else None)
        for place, name in enumerate(names)
    ]
    largest = sorted(by_function.items(), key=lambda item: (-len(item[1]), item[0]))
    rows = [
        _row(name, operations, recorded.length_ns)
        for name, operations in largest[:FUNCTIONS_SHOWN_MAX]
    ]
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows))
    return tag("div", table, class_="scroll")


def _row(name: str, operations: list[Operation], length_ns: int) -> Markup:
    took = sorted(
        operation.return_ns - operation.call_ns
        for operation in operations
        if operation.status is Status.OK and operation.return_ns is not None
    )
    counts = [sum(each.status is status for each in operations) for status in Status]
    rate = f"{len(took) / (length_ns / 10**9):,.3g}" if length_ns else ""
    times = [duration_text(quantile(took, share)) for _, share in QUANTILES] if took else [""] * 3
    slowest = duration_text(took[-1]) if took else ""
    cells: tuple[int | str, ...] = (*counts, rate, *times, slowest)
    return tag(
        "tr",
        tag("td", tag("code", visible(name, 60))),
        *(tag("td", cell, class_="number") for cell in cells),
    )
