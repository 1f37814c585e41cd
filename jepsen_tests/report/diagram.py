"""A counterexample drawn: who did what at the same time as what, without JavaScript.

Not to scale. The moments at which an operation began or ended stand side by side in their order,
since which came first is what decides, and microseconds beside seconds would not be seen.
"""

from dataclasses import dataclass
from typing import Final

from jepsen_tests.history import Operation, Status
from jepsen_tests.report.markup import Markup, join, tag
from jepsen_tests.report.words import READS, brief, duration_text

_WIDTH: Final = 960
_NAMES: Final = 92
_RIGHT: Final = 26
_LANE: Final = 52
_TOP: Final = 26
_BAR: Final = 20
_DISC: Final = 16
_CHARACTER: Final = 7.3
_LABELS_APART: Final = 72
_DIGITS: Final = 5
"""Of a moment: enough to tell neighbours apart, few enough to fit."""


@dataclass(frozen=True, slots=True)
class _Axis:
    moments: list[int]
    """Each once, in order."""

    def x(self, moment: int) -> int:
        step = (_WIDTH - _NAMES - _RIGHT) / max(len(self.moments), 1)
        return round(_NAMES + (self.moments.index(moment) + 0.5) * step)


def diagram(operations: tuple[Operation, ...], labels: tuple[str, ...]) -> Markup:
    """The operations, already in the order of their calls, one lane a client."""
    calls = {operation.call_ns for operation in operations}
    returns = {operation.return_ns for operation in operations if operation.return_ns is not None}
    axis = _Axis(sorted(calls | returns))
    lanes = {
        process: lane
        for lane, process in enumerate(dict.fromkeys(operation.process for operation in operations))
    }
    height = _TOP + len(lanes) * _LANE + 8
    return tag(
        "div",
        tag(
            "svg",
            _ticks(axis, height),
            *(_lane(process, lane) for process, lane in lanes.items()),
            *(
                _operation(
                    label,
                    operation,
                    axis,
                    lanes[operation.process],
                    _room(operation, operations, axis),
                )
                for label, operation in zip(labels, operations, strict=True)
            ),
            viewBox=f"0 0 {_WIDTH} {height}",
            class_="diagram",
            role="img",
            aria_label="The operations below over time, in order, not to scale",
        ),
        class_="scroll",
    )


def _ticks(axis: _Axis, height: int) -> Markup:
    parts: list[Markup] = []
    last = -_WIDTH
    for moment in axis.moments:
        x = axis.x(moment)
        parts.append(tag("line", x1=x, x2=x, y1=_TOP - 6, y2=height - 4, class_="tick"))
        if x - last >= _LABELS_APART:
            since = moment - axis.moments[0]
            words = f"+{duration_text(since, _DIGITS)}" if since else "0"
            parts.append(tag("text", words, x=x, y=_TOP - 12, class_="when"))
            last = x
    return join(parts)


def _lane(process: int, lane: int) -> Markup:
    y = _middle(lane)
    return join(
        (
            tag("text", f"client {process}", x=0, y=y + 4, class_="name"),
            tag("line", x1=_NAMES, x2=_WIDTH, y1=y, y2=y, class_="lane"),
        )
    )


def _middle(lane: int) -> int:
    return _TOP + lane * _LANE + _LANE // 2 + 8


def _room(operation: Operation, operations: tuple[Operation, ...], axis: _Axis) -> int:
    """Pixels for an operation's label: up to the next one of its client."""
    later = [
        axis.x(other.call_ns)
        for other in operations
        if other.process == operation.process and other.call_ns > operation.call_ns
    ]
    return min(later, default=_WIDTH) - axis.x(operation.call_ns) - 22


def _operation(label: str, operation: Operation, axis: _Axis, lane: int, room: int) -> Markup:
    left = axis.x(operation.call_ns)
    edge = _WIDTH - 8
    right = edge if operation.return_ns is None else axis.x(operation.return_ns)
    y = _middle(lane)
    status = "writes" if operation.function not in READS else ""
    kind = f"bar {status}" if operation.status is Status.OK else f"bar {operation.status}"
    is_open = operation.status is Status.INFO and right < edge
    characters = int(room / _CHARACTER)
    words = brief(operation)
    disc = max(_DISC, round(len(label) * _CHARACTER) + 6)
    shown = words if len(words) <= characters else f"{words[: max(characters - 1, 1)]}…"
    return tag(
        "g",
        tag("title", words),
        tag(
            "rect",
            x=left,
            y=y - _BAR // 2,
            width=max(right - left, 4),
            height=_BAR,
            rx=4,
            class_=kind,
        ),
        tag("path", d=f"M{right + 3} {y}H{edge}", class_="open") if is_open else None,
        tag(
            "rect",
            x=left - disc // 2,
            y=y - _DISC // 2,
            width=disc,
            height=_DISC,
            rx=_DISC // 2,
            class_="disc",
        ),
        tag("text", label, x=left, y=y + 4, class_="digit"),
        tag("text", shown, x=left + 12, y=y - _BAR // 2 - 5, class_="text"),
    )
