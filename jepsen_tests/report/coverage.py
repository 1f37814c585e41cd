"""What the run left out, and the situations that it met: how much its verdict is worth.

A situation is a `Fact` named "situation": its value is the situation's name, or an object with
`name`, `count` (0: looked for, not met) and `detail`; "sometimes" assertions in Antithesis' words.
"""

from dataclasses import dataclass, field

from jepsen_tests.history import Fact
from jepsen_tests.report.markup import Markup, join, tag, visible
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.report.tables import definitions, soft, table
from jepsen_tests.report.words import moment_text, value_text

TIMES_SHOWN_MAX = 5


@dataclass(slots=True)
class Situation:
    """One, however often it was met."""

    name: str
    count: int = 0
    detail: str = ""
    times_ns: list[int] = field(default_factory=list)


def situations(facts: list[Fact]) -> list[Situation]:
    """Each once, those that were met first."""
    found: dict[str, Situation] = {}
    for fact in facts:
        if fact.name != "situation":
            continue
        name, count, detail = _read(fact)
        situation = found.setdefault(name, Situation(name))
        situation.count += count
        situation.detail = situation.detail or detail
        if fact.at_ns and count:
            situation.times_ns.append(fact.at_ns)
    return sorted(found.values(), key=lambda situation: (situation.count == 0, situation.name))


def _read(fact: Fact) -> tuple[str, int, str]:
    match fact.value:
        case str(name):
            return name, 1, ""
        case {"name": str(name), "count": int(count), "detail": str(detail)}:
            return name, count, detail
        case {"name": str(name), "count": int(count)}:
            return name, count, ""
        case {"name": str(name)}:
            return name, 1, ""
        case other:
            return value_text(other), 1, ""


def situations_section(recorded: Recorded) -> Markup:
    """The table of situations."""
    found = situations(recorded.history.facts)
    met = sum(situation.count > 0 for situation in found)
    rows = [_situation(situation, recorded) for situation in found]
    heads = ("Situation", "Times", "When")
    return tag(
        "section",
        tag("h2", "Situations reached"),
        soft(f"{met} of {len(found)} that were looked for.") if found else None,
        table(heads, rows) if found else soft("None were recorded."),
        id="situations",
    )


def _situation(situation: Situation, recorded: Recorded) -> Markup:
    times = [
        tag(
            "button",
            moment_text(at - recorded.begin_ns, 3),
            type="button",
            data_at=str(at - recorded.begin_ns),
            class_="small",
        )
        for at in sorted(situation.times_ns)[:TIMES_SHOWN_MAX]
    ]
    count = f"{situation.count:,}" if situation.count else "not reached"
    return tag(
        "tr",
        tag(
            "td",
            visible(situation.name),
            tag("div", visible(situation.detail), class_="soft") if situation.detail else None,
            class_="value",
        ),
        tag("td", count, class_="" if situation.count else "soft"),
        tag("td", join(times)),
    )


def skipped_section(recorded: Recorded) -> Markup:
    """Faults that the machine could not make, and what checkers left out."""
    faults = dict.fromkeys(
        (fault.name, fault.skipped) for fault in recorded.history.faults if fault.skipped
    )
    lines = [(f"Fault: {visible(name, 60)}", visible(why)) for name, why in faults]
    lines += [
        (f"Checker: {visible(verdict.checker, 60)}", visible(verdict.note, 1000))
        for verdict in recorded.verdicts
        if verdict.note
    ]
    return tag(
        "section",
        tag("h2", "What was skipped, and why"),
        definitions(lines)
        if lines
        else tag("p", "Nothing: every fault was made, every checker looked at everything."),
        id="skipped",
    )
