"""Hashes: members that have compacted alike have the same hash of all their keys at a revision.

Read from the facts `hash_kv`, each {"member", "revision", "compact_revision", "hash"}. Two members
with different compact revisions keep different histories and are not compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from jepsen_tests.check.findings import judged
from jepsen_tests.history import Fact, History
from jepsen_tests.verdict import Finding, Verdict


class _Hash(NamedTuple):
    member: str
    revision: int
    compact_revision: int
    value: int


@dataclass(frozen=True, slots=True)
class Hashes:
    """Compares the members' hashes."""

    name: str = "hash"

    def check(self, history: History) -> Verdict:
        """Whether equal revisions have equal hashes."""
        hashes = [found for fact in history.facts if (found := _hash(fact)) is not None]
        places = {(found.revision, found.compact_revision) for found in hashes}
        note = f"{len(hashes)} hashes at {len(places)} revisions"
        return judged(self.name, _differences(hashes), note)


def _differences(hashes: list[_Hash]) -> Iterator[Finding]:
    first_at: dict[tuple[int, int], _Hash] = {}
    for found in hashes:
        first = first_at.setdefault((found.revision, found.compact_revision), found)
        if first.value != found.value:
            yield Finding(
                f"Members {first.member} and {found.member} have different keys or values at "
                f"revision {found.revision}, compacted to {found.compact_revision}.",
                details=f"hashes {first.value} and {found.value}",
            )


def _hash(fact: Fact) -> _Hash | None:
    value = fact.value
    if fact.name != "hash_kv" or not isinstance(value, dict):
        return None
    numbers = [value.get(name) for name in ("revision", "compact_revision", "hash")]
    integers = [number for number in numbers if isinstance(number, int)]
    if len(integers) != 3 or not integers[0]:
        return None
    return _Hash(str(value.get("member", "")), *integers)


HASHES = Hashes()
