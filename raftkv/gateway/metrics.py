"""The metrics page: Prometheus' text format, by hand.

https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4). Values are read
when the page is asked for; nothing is kept between two scrapes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels: TypeAlias = tuple[tuple[str, str], ...]


class Distribution(NamedTuple):
    """The value of a histogram."""

    bounds: Sequence[float]
    """Upper bounds, ascending, without the last, infinite one."""
    counts: Sequence[int]
    """How many observations fell into each bucket alone; one more than bounds."""
    sum: float


class Figure(NamedTuple):
    """One value of a metric."""

    name: str
    value: float | Distribution
    labels: Labels = ()


class MetricsSource(Protocol):
    """Whoever has figures to show."""

    def figures(self) -> Iterable[Figure]:
        """The present values; every name must be in the page's table."""


class Metric(NamedTuple):
    """What is said about a metric beside its values."""

    kind: str
    """counter, gauge or histogram."""
    help: str


def page(table: Mapping[str, Metric], sources: Iterable[MetricsSource]) -> bytes:
    """The page: the metrics of `table`, in its order, with the figures that the sources have.

    A metric without any figure is left out, as Prometheus' own libraries do it: it is one of those
    that have a figure for each member or reason, and there has been none.
    """
    found: dict[str, list[Figure]] = {name: [] for name in table}
    for source in sources:
        for figure in source.figures():
            assert figure.name in found, f"metric {figure.name} is not in the table"
            found[figure.name].append(figure)
    lines: list[str] = []
    for name, (kind, text) in table.items():
        if not found[name]:
            continue
        lines.append(f"# HELP {name} {text}")
        lines.append(f"# TYPE {name} {kind}")
        for figure in found[name]:
            lines += _lines(figure)
    return ("\n".join(lines) + "\n").encode()


def _lines(figure: Figure) -> list[str]:
    name, value, labels = figure
    if not isinstance(value, Distribution):
        return [f"{name}{_braces(labels)} {_number(value)}"]
    lines = []
    total = 0
    for bound, count in zip((*value.bounds, float("inf")), value.counts, strict=True):
        total += count
        lines.append(f"{name}_bucket{_braces((*labels, ('le', _number(bound))))} {total}")
    lines.append(f"{name}_sum{_braces(labels)} {_number(value.sum)}")
    lines.append(f"{name}_count{_braces(labels)} {total}")
    return lines


def _braces(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
