"""The index of many runs: workload by faults, coloured by verdict, each with a way to its page."""

from collections import Counter
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from jepsen_tests.report.markup import Markup, document, join, tag, visible
from jepsen_tests.report.page import styles
from jepsen_tests.report.signs import WORDS, icon, sign, state_class, state_word
from jepsen_tests.report.summary import Summary
from jepsen_tests.report.tables import counted, soft, table
from jepsen_tests.report.words import duration_text
from jepsen_tests.verdict import State

TILES_MAX: Final = 6
"""In one cell; the list below the matrix has the rest."""
_STYLES: Final = ("colours.css", "page.css", "matrix.css")
_WORST_FIRST: Final = (State.INVALID, State.HARNESS, State.UNKNOWN, State.VALID)


def matrix_page(title: str, summaries: Sequence[Summary]) -> str:
    """The whole page."""
    in_order = sorted(summaries, key=lambda each: (_WORST_FIRST.index(each.state), each.name))
    state = in_order[0].state if in_order else State.UNKNOWN
    bad = [each for each in in_order if each.state is not State.VALID]
    readable = [each for each in in_order if each.link]
    body = join(
        (
            _masthead(title, state, summaries),
            tag(
                "main",
                _trouble(bad) if bad else None,
                *(
                    _matrix(world, [each for each in readable if each.world == world])
                    for world in sorted({each.world for each in readable})
                ),
                _list(in_order),
            ),
            tag("footer", tag("p", "Made by ", tag("code", "python -m jepsen_tests report"), ".")),
        )
    )
    return document(
        f"{WORDS[state]}: {visible(title, 100)}", body=body, css=styles(*_STYLES), icon=icon(state)
    )


def _masthead(title: str, state: State, summaries: Sequence[Summary]) -> Markup:
    counts = Counter(each.state for each in summaries)
    operations = sum(each.operations for each in summaries)
    length = duration_text(sum(each.length_ns for each in summaries))
    tally = [
        tag(
            "span",
            sign(one),
            f" {counts[one]:,} {WORDS[one].lower()}",
            class_=f"state-word {state_class(one)}",
        )
        for one in _WORST_FIRST
        if counts[one]
    ]
    return tag(
        "header",
        tag(
            "div",
            tag(
                "p",
                f"{visible(title, 100)} · {counted(operations, 'operation')} · {length}",
                class_="subject",
            ),
            tag("h1", sign(state), _headline(state, counts)),
            tag("p", *tally, class_="tally"),
            class_="masthead-inner",
        ),
        class_=f"masthead {state_class(state)}",
    )


def _headline(state: State, counts: Counter[State]) -> str:
    if state is State.VALID:
        return "All valid" if counts.total() > 1 else "Valid"
    return f"{counts[state]:,} of {counts.total():,} {WORDS[state].lower()}"


def _trouble(bad: list[Summary]) -> Markup:
    items = [
        tag(
            "li",
            sign(each.state),
            tag("div", _link(each, each.name), tag("p", each.sentence)),
            class_=state_class(each.state),
        )
        for each in bad
    ]
    return tag("section", tag("h2", "What needs a look"), tag("ul", *items, class_="trouble"))


def _link(each: Summary, words: str | Markup) -> Markup:
    shown = visible(words, 200) if not isinstance(words, Markup) else words
    return (
        tag("a", shown, href=quote(each.link, errors="surrogateescape"))
        if each.link
        else tag("span", shown)
    )


def _matrix(world: str, summaries: list[Summary]) -> Markup:
    workloads = sorted({each.workload for each in summaries})
    fault_sets = sorted({each.faults for each in summaries}, key=_fewest_first)
    cells: dict[tuple[str, str], list[Summary]] = {}
    for each in summaries:
        cells.setdefault((each.workload, each.faults), []).append(each)
    rows = [
        tag(
            "tr",
            tag("th", workload, scope="row"),
            *(tag("td", *_tiles(cells.get((workload, faults), []))) for faults in fault_sets),
        )
        for workload in workloads
    ]
    return tag(
        "section",
        tag("h2", world),
        soft("How many operations, in how long."),
        table(("", *fault_sets), rows, class_="matrix"),
    )


def _fewest_first(faults: str) -> tuple[bool, int, str]:
    return faults != "no faults", faults.count(" + "), faults


def _tiles(summaries: list[Summary]) -> list[Markup]:
    tiles = [_tile(each) for each in summaries[:TILES_MAX]]
    left = len(summaries) - len(tiles)
    return [*tiles, *([soft(f"and {left:,} more")] if left else [])]


def _tile(each: Summary) -> Markup:
    words = join(
        (
            sign(each.state),
            tag("strong", WORDS[each.state]),
            tag("span", f"{each.operations:,} in {duration_text(each.length_ns)}", class_="soft"),
        )
    )
    inner = _link(each, words)
    return tag("div", inner, class_=f"tile {state_class(each.state)}", title=each.sentence)


def _list(in_order: list[Summary]) -> Markup:
    rows = [
        tag(
            "tr",
            tag("td", state_word(each.state)),
            tag("td", _link(each, each.name), class_="value"),
            tag("td", each.workload),
            tag("td", each.world),
            tag("td", each.faults, class_="value"),
            tag("td", str(each.seed), class_="number"),
            tag("td", each.operations, class_="number"),
            tag("td", duration_text(each.length_ns), class_="number"),
        )
        for each in in_order
    ]
    heads = ("Verdict", "Run", "Workload", "Against", "Faults", "Seed", "Operations", "Length")
    return tag("section", tag("h2", "All runs"), table(heads, rows))
