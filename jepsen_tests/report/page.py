"""The page of one run: which sections, in which order."""

from functools import cache
from pathlib import Path
from typing import Final

from jepsen_tests.report.again import again_section
from jepsen_tests.report.cluster import cluster_section
from jepsen_tests.report.counterexample import counterexample_section
from jepsen_tests.report.coverage import situations_section, skipped_section
from jepsen_tests.report.headline import asked_section, masthead, subject
from jepsen_tests.report.latency import latency_section
from jepsen_tests.report.markup import document, join, tag
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.report.signs import WORDS, icon
from jepsen_tests.report.timeline import timeline_section

ASSETS: Final = Path(__file__).parent / "assets"
_STYLES: Final = ("colours.css", "page.css")
_SCRIPTS: Final = (
    "data.js",
    "time.js",
    "view.js",
    "canvas.js",
    "rows.js",
    "operations.js",
    "strips.js",
    "board.js",
    "overview.js",
    "plots.js",
    "details.js",
    "input.js",
    "main.js",
)
"""One scope, in this order: each uses what the ones before it define."""


@cache
def styles(*names: str) -> str:
    """Style sheets of ours, one after the other."""
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in names)


@cache
def scripts() -> str:
    """The run page's scripts in a scope of their own."""
    parts = "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();'


def run_page(recorded: Recorded) -> str:
    """The whole page."""
    body = join(
        (
            masthead(recorded),
            tag(
                "main",
                asked_section(recorded),
                counterexample_section(recorded),
                timeline_section(recorded),
                latency_section(recorded),
                skipped_section(recorded),
                situations_section(recorded),
                cluster_section(recorded),
                again_section(recorded),
            ),
            tag("footer", tag("p", "Made by ", tag("code", "python -m jepsen_tests report"), ".")),
        )
    )
    return document(
        f"{WORDS[recorded.state]}: {subject(recorded)}",
        body=body,
        css=styles(*_STYLES),
        javascript=scripts(),
        icon=icon(recorded.state),
    )
