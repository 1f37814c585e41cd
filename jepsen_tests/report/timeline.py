"""The timeline: the data that the scripts draw, and the elements that they draw into."""

from typing import Any, Final

from jepsen_tests.report.columns import Strings, client_lanes, operation_columns, watch_columns
from jepsen_tests.report.lanes import pack
from jepsen_tests.report.markup import Markup, embedded, join, tag, visible
from jepsen_tests.report.recorded import SAMPLES, Recorded
from jepsen_tests.report.strips import member_strips
from jepsen_tests.report.words import value_text

MARKS_MAX: Final = 2_000
"""Facts with a time that are drawn; the tables have the rest."""
_KEYS = (
    ("← →", "earlier, later"),
    ("+ −", "closer, farther"),
    ("0", "the whole run"),
    ("e", "the next error"),
    ("n p", "the client's next, previous operation"),
    ("↑ ↓", "the client above, below"),
    ("Page Up, Page Down", "scroll the rows"),
    ("Esc", "select nothing"),
)


def timeline_data(recorded: Recorded) -> Any:  # noqa: ANN401 - JSON
    """What `assets/data.js` unpacks. Times are nanoseconds since the run began."""
    strings = Strings()
    lane_of = client_lanes(recorded)
    faults, fault_lanes = _faults(recorded)
    marks, mark_lanes = _marks(recorded)
    data = {
        "end": max(recorded.length_ns, 1),
        "clientLanes": max(lane_of.values(), default=-1) + 1,
        "operations": operation_columns(recorded, lane_of, strings),
        "watches": watch_columns(recorded, strings),
        "members": member_strips(recorded),
        "faults": faults,
        "faultLanes": fault_lanes,
        "marks": marks,
        "markLanes": mark_lanes,
        "errors": _errors(recorded),
    }
    return data | {"strings": strings.all()}


def _faults(recorded: Recorded) -> tuple[list[Any], list[str]]:
    """The faults that were made, and the rows they lie in: one a name, more where they overlap."""
    made = sorted(
        (fault for fault in recorded.history.faults if not fault.skipped),
        key=lambda fault: fault.begin_ns,
    )
    last = recorded.begin_ns + recorded.length_ns
    faults: list[Any] = []
    lanes: list[str] = []
    for name in dict.fromkeys(fault.name for fault in made):
        bands = [fault for fault in made if fault.name == name]
        ends = [last if fault.end_ns is None else fault.end_ns for fault in bands]
        packed = pack([(fault.begin_ns, end) for fault, end in zip(bands, ends, strict=True)])
        for fault, end, lane in zip(bands, ends, packed, strict=True):
            faults.append(
                {
                    "name": visible(name, 60),
                    "targets": visible(", ".join(fault.targets), 120),
                    "detail": visible(fault.detail),
                    "begin": fault.begin_ns - recorded.begin_ns,
                    "end": end - recorded.begin_ns,
                    "isOpen": fault.end_ns is None,
                    "lane": len(lanes) + lane,
                }
            )
        lanes.extend([visible(name, 60)] * (max(packed) + 1))
    return faults, lanes


def _marks(recorded: Recorded) -> tuple[list[Any], list[str]]:
    """Facts that have a time: situations in one row, everything else in another."""
    timed = sorted(
        (fact for fact in recorded.history.facts if fact.at_ns and fact.name not in SAMPLES),
        key=lambda fact: fact.at_ns,
    )[:MARKS_MAX]
    lanes = [
        name
        for name, is_there in (
            ("situations", any(fact.name == "situation" for fact in timed)),
            ("cluster", any(fact.name != "situation" for fact in timed)),
        )
        if is_there
    ]
    marks = []
    for fact in timed:
        is_situation = fact.name == "situation"
        words = value_text(fact.value, 120)
        marks.append(
            {
                "at": fact.at_ns - recorded.begin_ns,
                "lane": lanes.index("situations" if is_situation else "cluster"),
                "name": _situation(fact.value, words) if is_situation else visible(fact.name, 60),
                "words": "" if is_situation else words,
            }
        )
    return marks, lanes


def _situation(value: object, words: str) -> str:
    name = value.get("name") if isinstance(value, dict) else value
    return visible(name, 120) if isinstance(name, str) else words


def _errors(recorded: Recorded) -> list[Any]:
    """The operations of the findings, each once, numbered as in its counterexample."""
    errors: dict[int, Any] = {}
    for shown in recorded.findings:
        for label, place in zip(shown.labels, shown.places, strict=True):
            if place is not None and place not in errors:
                errors[place] = {"operation": place, "finding": shown.number, "label": label}
    return list(errors.values())


def timeline_section(recorded: Recorded) -> Markup:
    """The section, empty until the scripts run."""
    has_errors = any(place is not None for shown in recorded.findings for place in shown.places)
    return tag(
        "section",
        tag("h2", "Timeline"),
        tag(
            "p",
            "Drag to move, pinch or turn the wheel with Ctrl to come closer, "
            "point at anything to read what it is.",
            class_="soft needs-script",
        ),
        tag(
            "noscript",
            tag(
                "p",
                "The timeline and the plots are drawn by JavaScript, which is "
                "off here. Verdict, counterexample and numbers do not need it.",
                class_="soft",
            ),
        ),
        _toolbar(has_errors=has_errors),
        _legend(has_errors=has_errors, has_watches=bool(recorded.history.watches)),
        _board(),
        _keys(),
        embedded("run-data", timeline_data(recorded)),
        id="timeline",
    )


def _toolbar(*, has_errors: bool) -> Markup:
    jump = tag("button", "Jump to the error", type="button", data_do="error", class_="primary")
    only = tag("label", tag("input", type="checkbox", id="error-only"), "Only the error’s clients")
    return tag(
        "div",
        jump if has_errors else None,
        tag("button", "+", type="button", data_do="in", aria_label="Zoom in"),
        tag("button", "−", type="button", data_do="out", aria_label="Zoom out"),
        tag("button", "Whole run", type="button", data_do="all"),
        tag(
            "label",
            "Key",
            tag(
                "input",
                type="text",
                id="key-filter",
                placeholder="any",
                autocomplete="off",
                spellcheck="false",
            ),
        ),
        only if has_errors else None,
        tag("output", id="range"),
        class_="toolbar needs-script",
        role="group",
        aria_label="The timeline’s controls",
    )


def _legend(*, has_errors: bool, has_watches: bool) -> Markup:
    def sample(name: str, words: str, *extra: Markup) -> Markup:
        box = tag("rect", x=1, y=1, width=28, height=12, rx=3, class_=name)
        return tag("li", tag("svg", box, *extra, viewBox="0 0 30 14", aria_hidden="true"), words)

    strike = tag("path", d="M2 12 13 2", class_="fails")
    hatch = tag("path", d="M4 13 12 1M11 13 19 1M18 13 26 1", class_="infos")
    stands = tag("path", d="M4 13 12 1M11 13 19 1M18 13 26 1", class_="stands")
    return tag(
        "ul",
        sample("writes", "changed something"),
        sample("reads", "read"),
        sample("fails", "failed: did not happen", strike),
        sample("infos", "no answer: may have happened", hatch),
        sample("errors", "in the counterexample") if has_errors else None,
        sample("faults", "fault"),
        sample("leads", "leader"),
        sample("follows", "follower"),
        sample("stands", "candidate", stands),
        _watch_legend() if has_watches else None,
        class_="legend needs-script",
    )


def _watch_legend() -> Markup:
    marks = tag(
        "svg",
        tag("path", d="M3 1V13M7 1V13", class_="watched"),
        tag("circle", cx=15, cy=7, r=4, class_="watched"),
        tag("path", d="M22 2 29 12M29 2 22 12", class_="canceled"),
        viewBox="0 0 30 14",
        aria_hidden="true",
    )
    return tag("li", marks, "watch: events, created, cancelled")


def _board() -> Markup:
    return join(
        (
            tag(
                "div",
                tag("canvas", id="overview", class_="overview", aria_hidden="true"),
                tag("canvas", id="axis", class_="axis", aria_hidden="true"),
                tag(
                    "div",
                    tag("canvas", id="rows-canvas"),
                    tag("div", id="rows-spacer"),
                    id="rows",
                    class_="rows",
                    tabindex=0,
                    role="application",
                    aria_label="Timeline of faults, members, watches and clients",
                    aria_describedby="details",
                ),
                class_="board needs-script",
            ),
            tag(
                "div",
                _NOTHING_SELECTED,
                id="details",
                class_="details needs-script",
                aria_live="polite",
                data_empty=_NOTHING_SELECTED,
            ),
            tag("div", id="tip", class_="tip", hidden=True, aria_hidden="true"),
        )
    )


_NOTHING_SELECTED = "Nothing selected: click an operation, or press n in the timeline."


def _keys() -> Markup:
    lines = [tag("li", tag("kbd", keys), f" {words}") for keys, words in _KEYS]
    return tag(
        "details",
        tag("summary", "Keys in the timeline"),
        tag("ul", *lines),
        class_="keys needs-script",
    )
