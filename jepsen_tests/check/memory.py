"""Memory: what a member takes stays below a bound, and does not go on growing.

Read from the facts `resident_bytes`, each {"member", "bytes"} with its time. Growth counts only
between the second and the last quarter of a member's life, so neither a warm start nor one spike
looks like a leak; a restart, which is seen as a fall by half, begins a new life.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from jepsen_tests.check.findings import judged
from jepsen_tests.history import History
from jepsen_tests.verdict import Finding, Verdict

MIB = 1 << 20
SAMPLES_MIN = 20
"""Fewer say nothing of growth."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Checks the members' memory."""

    bytes_max: int = 1024 * MIB
    growth_bytes_max: int = 64 * MIB
    """How much the last quarter may take beyond the second one, and beyond half as much again."""
    name: str = "memory"

    def check(self, history: History) -> Verdict:
        """Whether each member's memory is bounded."""
        samples = _samples(history)
        note = f"{sum(map(len, samples.values()))} samples of {len(samples)} members"
        return judged(self.name, self._look(samples), note)

    def _look(self, samples: dict[str, list[int]]) -> Iterator[Finding]:
        for member, sizes in samples.items():
            if max(sizes) > self.bytes_max:
                yield Finding(
                    f"Member {member} took {max(sizes) // MIB} MiB, at most "
                    f"{self.bytes_max // MIB} MiB are allowed."
                )
            for life in _lives(sizes):
                quarter = len(life) // 4
                before, after = median(life[quarter : 2 * quarter]), median(life[-quarter:])
                if after > 1.5 * before and after - before > self.growth_bytes_max:
                    yield Finding(
                        f"Member {member} grew from {before / MIB:.0f} to {after / MIB:.0f} MiB "
                        "and shows no end of it."
                    )


def _samples(history: History) -> dict[str, list[int]]:
    samples: dict[str, list[int]] = {}
    for fact in sorted(history.facts, key=lambda fact: fact.at_ns):
        if fact.name == "resident_bytes" and isinstance(fact.value, dict):
            size = fact.value.get("bytes")
            if isinstance(size, int):
                samples.setdefault(str(fact.value.get("member", "")), []).append(size)
    return samples


def _lives(sizes: list[int]) -> Iterator[list[int]]:
    """Between restarts, those with enough samples."""
    life: list[int] = []
    for size in [*sizes, 0]:
        if life and size < life[-1] / 2:
            if len(life) >= SAMPLES_MIN:
                yield life
            life = []
        life.append(size)


MEMORY = Memory()
