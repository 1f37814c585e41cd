"""The counterexamples: what is wrong in a sentence, and the few operations that show it.

After Elle's explanations: the reader should need nothing but these lines to see the contradiction.
"""

from typing import Final

from jepsen_tests.history import Operation
from jepsen_tests.report.diagram import diagram
from jepsen_tests.report.markup import Markup, tag, visible
from jepsen_tests.report.recorded import Recorded, Shown
from jepsen_tests.report.signs import state_class
from jepsen_tests.report.tables import soft, table
from jepsen_tests.report.words import as_sentence, ending, moment_text, sentence

OPERATIONS_SHOWN_MAX: Final = 12
DETAILS_CHARACTERS_MAX: Final = 20_000
DETAILS_OPEN_CHARACTERS_MAX: Final = 1_000
"""Longer ones are folded away until they are asked for."""


def counterexample_section(recorded: Recorded) -> Markup | None:
    """All that is shown of them; nothing where nothing was found."""
    if not recorded.findings:
        return None
    hidden = recorded.findings_count - len(recorded.findings)
    title = "Counterexample" if recorded.findings_count == 1 else "Counterexamples"
    return tag(
        "section",
        tag("h2", title),
        *(_finding(shown, recorded) for shown in recorded.findings),
        soft(f"{hidden:,} more are not shown.") if hidden else None,
        id="counterexample",
    )


def _finding(shown: Shown, recorded: Recorded) -> Markup:
    operations = shown.operations[:OPERATIONS_SHOWN_MAX]
    labels = shown.labels[:OPERATIONS_SHOWN_MAX]
    left = len(shown.operations) - len(operations)
    return tag(
        "article",
        tag("h3", as_sentence(shown.finding.what, 2000)),
        tag("p", "Found by ", tag("code", visible(shown.checker, 60)), class_="checker"),
        diagram(operations, labels) if operations else None,
        _table(shown, operations, recorded) if operations else None,
        soft(f"and {left:,} more operations") if left else None,
        _details(shown.finding.details),
        class_=f"finding {state_class(shown.state)}",
    )


def _table(shown: Shown, operations: tuple[Operation, ...], recorded: Recorded) -> Markup:
    names = ("", "Client", "What it did", "How it ended", "Called", "Revision", "Member", "")
    rows = [
        _row(label, operation, place, recorded)
        for label, operation, place in zip(shown.labels, operations, shown.places, strict=False)
    ]
    return table(names, rows, class_="witness")


def _row(label: str, operation: Operation, place: int | None, recorded: Recorded) -> Markup:
    show = None
    if place is not None:
        show = tag(
            "button",
            "Show",
            type="button",
            data_operation=str(place),
            class_="small needs-script",
            aria_label=f"Show operation {label} in the timeline",
        )
    return tag(
        "tr",
        tag("td", tag("span", label, class_="badge")),
        tag("td", f"client {operation.process}"),
        tag("td", sentence(operation), class_="value"),
        tag("td", ending(operation), class_="value"),
        tag("td", moment_text(operation.call_ns - recorded.begin_ns)),
        tag("td", str(operation.revision) if operation.revision else ""),
        tag("td", visible(operation.member, 60)),
        tag("td", show),
    )


def _details(details: str) -> Markup | None:
    if not details:
        return None
    cut = details[:DETAILS_CHARACTERS_MAX]
    lines = "\n".join(visible(line, DETAILS_CHARACTERS_MAX) for line in cut.split("\n"))
    if len(cut) < len(details):
        lines += f"\n… ({len(details):,} characters)"
    return tag(
        "details",
        tag("summary", "The whole explanation"),
        tag("pre", lines),
        open=len(details) < DETAILS_OPEN_CHARACTERS_MAX,
    )
