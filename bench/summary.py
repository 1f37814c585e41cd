"""From the figures of single rounds to medians, ratios and a verdict; no printing, no measuring."""

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MORE_IS_BETTER: Final = frozenset({"operations_per_second", "verified"})
"""Figures of which a higher ratio is the better one; of all others a lower."""

BASE: Final = "etcd"
OURS: Final = "raftkv"


@dataclass(slots=True)
class Figure:
    """One number of one row, by store and round."""

    row: str
    name: str
    values: dict[str, dict[int, float]] = field(default_factory=dict)

    def add(self, store: str, round_number: int, value: float) -> None:
        """Takes one round's value."""
        self.values.setdefault(store, {})[round_number] = value

    def median(self, store: str) -> float | None:
        """The store's median over its rounds; None if it was not measured."""
        values = self.values.get(store)
        return statistics.median(values.values()) if values else None


@dataclass(frozen=True, slots=True)
class Ratio:
    """raftkv's value over etcd's in the same round: median, least and greatest over the rounds."""

    median: float
    least: float
    greatest: float


def ratio_of(figure: Figure) -> Ratio | None:
    """The ratio; None if no round has both stores, or etcd's value is 0 in all."""
    base, ours = figure.values.get(BASE, {}), figure.values.get(OURS, {})
    ratios = [ours[n] / base[n] for n in sorted(base.keys() & ours.keys()) if base[n]]
    if not ratios:
        return None
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def keeps(name: str, ratio: float, promised: float) -> bool:
    """Whether a figure's ratio keeps what was promised of it."""
    return ratio >= promised if name in MORE_IS_BETTER else ratio <= promised


def line_of(figure: Figure, promised: float | None) -> str:
    """The figure as one machine-readable line."""
    content: dict[str, object] = {"row": figure.row, "figure": figure.name}
    for store, values in figure.values.items():
        content[store] = round(statistics.median(values.values()), 4)
        content[f"{store}_rounds"] = [round(values[number], 4) for number in sorted(values)]
    ratio = ratio_of(figure)
    if ratio is not None:
        content["ratio"] = round(ratio.median, 4)
        content["ratio_min"] = round(ratio.least, 4)
        content["ratio_max"] = round(ratio.greatest, 4)
        if promised is not None:
            content["promised"] = promised
            content["kept"] = keeps(figure.name, ratio.median, promised)
    return json.dumps(content)


class Figures:
    """All figures of a run, in the order in which they first came."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, str], Figure] = {}

    def add(self, row: str, store: str, round_number: int, values: Mapping[str, float]) -> None:
        """Takes the figures of one measurement."""
        for name, value in values.items():
            figure = self._figures.setdefault((row, name), Figure(row, name))
            figure.add(store, round_number, value)

    def get(self, row: str, name: str) -> Figure:
        """A figure; an empty one if it was not measured."""
        return self._figures.get((row, name)) or Figure(row, name)

    def all(self) -> list[Figure]:
        """Every figure."""
        return list(self._figures.values())
