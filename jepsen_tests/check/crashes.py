"""Crashes: no member ends that was not told to, unless its disk failed it or it was taken out.

Read from the facts `ended_by_itself`, each {"member", "exit_code"} with its time. It is no promise
of consistency, but a store that crashes when a network is cut keeps no other promise for long.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.findings import judged
from jepsen_tests.history import Fact, FaultBand, History
from jepsen_tests.verdict import Finding, Verdict

EXCUSES = frozenset({"disk-error", "disk-full", "corrupt", "power-loss", "member-change"})
"""Faults after which the members that they met may well end: serving on would be worse."""
EXCUSED_SECONDS = 30.0
"""For so long after the fault."""


@dataclass(frozen=True, slots=True)
class Crashes:
    """Looks for members that ended without a reason."""

    name: str = "crashes"

    def check(self, history: History) -> Verdict:
        """Whether each end of a process has its reason."""
        ends = [fact for fact in history.facts if fact.name == "ended_by_itself"]
        note = f"{len(ends)} processes ended by themselves" if ends else ""
        return judged(self.name, _without_reason(ends, history.faults), note)


def _without_reason(ends: list[Fact], faults: list[FaultBand]) -> Iterator[Finding]:
    for fact in ends:
        value = fact.value if isinstance(fact.value, dict) else {}
        member, code = str(value.get("member", "")), value.get("exit_code")
        if not any(_excuses(band, member, fact.at_ns) for band in faults):
            seconds = fact.at_ns / 1e9
            yield Finding(
                f"Member {member} ended by itself with exit code {code}, as was seen at"
                f" {seconds:.1f} s; its log says why."
            )


def _excuses(band: FaultBand, member: str, at_ns: int) -> bool:
    end_ns = at_ns if band.end_ns is None else band.end_ns + EXCUSED_SECONDS * 1e9
    is_then = band.begin_ns <= at_ns <= end_ns
    return band.name in EXCUSES and not band.skipped and member in band.targets and is_then


CRASHES = Crashes()
