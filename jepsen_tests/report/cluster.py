"""Facts about the cluster: what happened to it, counted, and what it said of itself."""

from itertools import pairwise
from typing import Final

from jepsen_tests.history import Fact, Status
from jepsen_tests.report.markup import Markup, join, tag, visible
from jepsen_tests.report.recorded import SAMPLES, Recorded
from jepsen_tests.report.strips import samples_by_member
from jepsen_tests.report.tables import counted, definitions, soft, table
from jepsen_tests.report.words import moment_text, value_text

FACTS_SHOWN_MAX: Final = 200
PARTS_MAX: Final = 12
_SHOWN_ELSEWHERE: Final = SAMPLES | {"situation"}
_MIB: Final = 1 << 20


def leader_changes(recorded: Recorded) -> int:
    """How often another member, or the same in a later term, was seen to lead."""
    leaders = {
        (sample.term, sample.member)
        for sample in recorded.history.members
        if sample.role == "leader"
    }
    return max(len(leaders) - 1, 0)


def commit_indexes(recorded: Recorded) -> str:
    """Each member's last commit index."""
    return ", ".join(
        f"{visible(name, 60)} {samples[-1].commit:,}"
        for name, samples in samples_by_member(recorded).items()
    )


def restarts(recorded: Recorded) -> int:
    """How often a member's applied index was seen to fall, as it does when it starts again."""
    return sum(
        later.applied < earlier.applied
        for samples in samples_by_member(recorded).values()
        for earlier, later in pairwise(samples)
    )


def memory_at_most(facts: list[Fact]) -> str:
    """The most memory that each member was seen to have."""
    most: dict[str, int] = {}
    for fact in facts:
        if fact.name == "resident_bytes" and isinstance(fact.value, dict):
            member, size = fact.value.get("member"), fact.value.get("bytes")
            if isinstance(member, str) and isinstance(size, int):
                most[member] = max(size, most.get(member, 0))
    return ", ".join(f"{visible(name, 60)} {size // _MIB:,} MiB" for name, size in most.items())


def cluster_section(recorded: Recorded) -> Markup:
    """What is seen in the records themselves, then the facts as they were recorded."""
    history = recorded.history
    compactions = sum(
        operation.function == "compact" and operation.status is Status.OK
        for operation in history.operations
    )
    seen: list[tuple[str, str]] = []
    if history.members:
        seen = [
            ("Leader changes", f"{leader_changes(recorded):,}"),
            ("Highest term", f"{max(sample.term for sample in history.members):,}"),
            ("Commit index at the end", commit_indexes(recorded)),
            ("Applied index fell (a restart)", f"{restarts(recorded):,}"),
        ]
    if compactions:
        seen.append(("Compactions asked for by clients", f"{compactions:,}"))
    if memory := memory_at_most(history.facts):
        seen.append(("Memory at most", memory))
    if history.watches:
        events = sum(len(response.events) for response in history.watches)
        watches = len({response.watch for response in history.watches})
        seen.append(("Watches", f"{watches:,}, which saw {counted(events, 'event')}"))
    return tag(
        "section",
        tag("h2", "The cluster"),
        definitions(seen) if seen else None,
        _facts([fact for fact in history.facts if fact.name not in _SHOWN_ELSEWHERE], recorded),
        id="cluster",
    )


def _facts(facts: list[Fact], recorded: Recorded) -> Markup | None:
    if not facts:
        return None
    rows = [
        tag(
            "tr",
            tag("td", visible(fact.name, 60)),
            tag("td", _value(fact), class_="value"),
            tag("td", moment_text(fact.at_ns - recorded.begin_ns, 3) if fact.at_ns else ""),
        )
        for fact in facts[:FACTS_SHOWN_MAX]
    ]
    left = len(facts) - len(rows)
    more = soft(f"and {left:,} more") if left else None
    return join((tag("h3", "Recorded"), table(("Fact", "Value", "When"), rows), more))


def _value(fact: Fact) -> Markup | str:
    """A line for each member's value; prose and numbers as they are read best."""
    if isinstance(fact.value, str):
        return visible(fact.value)
    if isinstance(fact.value, int) and not isinstance(fact.value, bool):
        return f"{fact.value:,}"
    if not isinstance(fact.value, dict) or not 0 < len(fact.value) <= PARTS_MAX:
        return value_text(fact.value)
    parts = [
        tag("div", tag("span", f"{visible(name, 60)} ", class_="soft"), value_text(value, 200))
        for name, value in fact.value.items()
    ]
    values = list(fact.value.values())
    is_same = len(values) > 1 and all(value == values[0] for value in values)
    return tag("div", *parts, tag("div", "the same on all", class_="soft") if is_same else None)
