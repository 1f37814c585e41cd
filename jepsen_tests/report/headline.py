"""The top of the page: the verdict, large, and what was asked of whom."""

from collections import Counter
from typing import Final

from jepsen_tests.history import Json, Status
from jepsen_tests.report.markup import Child, Markup, join, tag, visible
from jepsen_tests.report.planned import step_text
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.report.signs import MEANINGS, WORDS, sign, state_class, state_word
from jepsen_tests.report.tables import counted, definitions, soft, table
from jepsen_tests.report.words import as_sentence, duration_text
from jepsen_tests.verdict import State

WORLDS: Final = {
    "sim": "raftkv, simulated",
    "raftkv": "raftkv, real processes",
    "etcd": "etcd, real processes",
}
PLAN_SHOWN_MAX: Final = 12
_SECTIONS = (
    ("counterexample", "Counterexample"),
    ("timeline", "Timeline"),
    ("latency-and-rate", "Latency and rate"),
    ("skipped", "Skipped"),
    ("situations", "Situations"),
    ("cluster", "Cluster"),
    ("again", "Run it again"),
)


def world_text(world: str) -> str:
    """Against what was run."""
    return WORLDS.get(world) or visible(world or "unknown", 60)


def subject(recorded: Recorded) -> str:
    """Workload, world, length and size in a line."""
    run = recorded.history.run
    faults = sum(not fault.skipped for fault in recorded.history.faults)
    parts = [
        visible(run.workload or "unnamed workload", 60),
        world_text(run.world),
        f"seed {run.seed}",
        duration_text(recorded.length_ns),
        counted(len(recorded.operations), "operation"),
        counted(faults, "fault"),
    ]
    return " · ".join(parts)


def lead(recorded: Recorded) -> str:
    """The verdict in a sentence or two."""
    if not recorded.verdicts:
        return "No checker has judged this run yet."
    first = recorded.findings[0].finding.what if recorded.findings else ""
    match recorded.state:
        case State.VALID:
            checkers = counted(len(recorded.verdicts), "checker")
            held = "Its promise held" if len(recorded.verdicts) == 1 else "All promises held"
            return f"{held}: {checkers} found nothing wrong in {subject_size(recorded)}."
        case State.INVALID:
            more = recorded.findings_count - 1
            return as_sentence(first, 1000) + (f" (and {more:,} more)" if more > 0 else "")
        case State.UNKNOWN | State.HARNESS:
            notes = [each.note for each in recorded.verdicts if each.state is recorded.state]
            reason = next((visible(note, 1000) for note in notes if note), visible(first, 1000))
            meaning = MEANINGS[recorded.state]
            return f"{meaning.removesuffix('.')}: {reason}" if reason else meaning


def subject_size(recorded: Recorded) -> str:
    """How much was checked."""
    count = counted(len(recorded.operations), "operation")
    return f"{count} over {duration_text(recorded.length_ns)}"


def masthead(recorded: Recorded) -> Markup:
    """The verdict, and the way to the rest of the page."""
    links = [
        tag("a", words, href=f"#{anchor}")
        for anchor, words in _SECTIONS
        if anchor != "counterexample" or recorded.findings
    ]
    return tag(
        "header",
        tag(
            "div",
            tag("p", subject(recorded), class_="subject"),
            tag("h1", sign(recorded.state), WORDS[recorded.state]),
            tag("p", lead(recorded), class_="lead"),
            tag("nav", *links, class_="skip-links", aria_label="Sections"),
            class_="masthead-inner",
        ),
        class_=f"masthead {state_class(recorded.state)}",
    )


def asked_section(recorded: Recorded) -> Markup:
    """What was run against what, and each checker's verdict."""
    return tag(
        "section",
        tag("h2", "What was asked"),
        tag("div", _run_facts(recorded), _checkers(recorded), class_="asked"),
        id="asked",
    )


def _run_facts(recorded: Recorded) -> Markup:
    run = recorded.history.run
    counts = recorded.counts
    members = sorted({sample.member for sample in recorded.history.members})
    lines: list[tuple[str, Child]] = [
        ("Workload", visible(run.workload)),
        ("Against", " ".join(filter(None, (world_text(run.world), visible(run.version, 60))))),
        (
            "Operations",
            f"{counts[Status.OK]:,} ok, {counts[Status.FAIL]:,} fail, {counts[Status.INFO]:,} info",
        ),
        ("Members", ", ".join(visible(member, 60) for member in members)),
        ("Faults", _faults(recorded)),
        ("Plan", _plan(run.plan)),
        ("Seed", str(run.seed)),
        ("Started", visible(run.started, 60)),
    ]
    return definitions(line for line in lines if line[1])


def _faults(recorded: Recorded) -> str:
    made = Counter(fault.name for fault in recorded.history.faults if not fault.skipped)
    return (
        ", ".join(
            visible(name, 60) + (f" ×{count:,}" if count > 1 else "")
            for name, count in made.items()
        )
        or "none"
    )


def _plan(plan: list[Json]) -> Markup | None:
    shown = [tag("li", step_text(step)) for step in plan[:PLAN_SHOWN_MAX]]
    left = len(plan) - len(shown)
    more = tag("li", f"and {left:,} more", class_="soft") if left else None
    return tag("ul", *shown, more, class_="plan") if plan else None


def _checkers(recorded: Recorded) -> Markup:
    rows = [
        tag(
            "tr",
            tag("td", tag("code", visible(verdict.checker, 60))),
            tag("td", state_word(verdict.state)),
            tag("td", _note(len(verdict.findings), verdict.note), class_="value"),
        )
        for verdict in recorded.verdicts
    ]
    if not rows:
        return soft("No checker has run.")
    return table(("Checker", "Verdict", ""), rows)


def _note(findings: int, note: str) -> Markup:
    found = f"{counted(findings, 'counterexample')}. " if findings else ""
    return join((found, visible(note, 1000)))
