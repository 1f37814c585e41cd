"""Operations and watches as columns: small in the page, quick to unpack, each text kept once."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

from jepsen_tests.history import Json, Operation, Status, WatchEvents
from jepsen_tests.report.lanes import pack
from jepsen_tests.report.markup import visible
from jepsen_tests.report.recorded import Recorded
from jepsen_tests.report.words import READS, key_text, micro_operations_text, value_text

CELL_CHARACTERS_MAX: Final = 160
"""Of a value in the timeline: with 100,000 operations, what is not bounded fills the memory."""
_EVENTS_SHOWN_MAX = 6
_STATUS_DIGITS = {Status.OK: "0", Status.FAIL: "1", Status.INFO: "2"}


class Strings:
    """Every text once, by number; the empty one is 0."""

    def __init__(self) -> None:
        self._numbers = {"": 0}

    def __call__(self, text: str) -> int:
        """The number of a text."""
        return self._numbers.setdefault(text, len(self._numbers))

    def all(self) -> list[str]:
        """The texts by their numbers."""
        return list(self._numbers)


def deltas(times: Iterable[int]) -> list[int]:
    """Each as the distance from the one before it, the first from 0."""
    return [later - earlier for earlier, later in pairwise((0, *times))]


def operation_columns(recorded: Recorded, lane_of: dict[int, int], strings: Strings) -> Any:  # noqa: ANN401 - JSON
    """A column a field, in the order of the calls; `lane_of` has each process's lane."""
    operations = recorded.operations
    return {
        "call": deltas(operation.call_ns - recorded.begin_ns for operation in operations),
        "took": [_took(operation) for operation in operations],
        "status": "".join(_STATUS_DIGITS[operation.status] for operation in operations),
        "process": [operation.process for operation in operations],
        "lane": [lane_of[operation.process] for operation in operations],
        "function": [strings(visible(operation.function, 40)) for operation in operations],
        "key": [strings(key_text(operation.key)) for operation in operations],
        "value": [strings(_value(operation)) for operation in operations],
        "result": [strings(_result(operation)) for operation in operations],
        "revision": [operation.revision for operation in operations],
        "member": [strings(visible(operation.member)) for operation in operations],
        "error": [
            strings(visible(operation.error, CELL_CHARACTERS_MAX)) for operation in operations
        ],
    }


def _took(operation: Operation) -> int:
    return -1 if operation.return_ns is None else operation.return_ns - operation.call_ns


def _value(operation: Operation) -> str:
    if operation.function == "txn":
        return micro_operations_text(operation.value, CELL_CHARACTERS_MAX)
    if operation.function == "cas" and isinstance(operation.value, list):
        return " ⇒ ".join(
            value_text(part, CELL_CHARACTERS_MAX // 2) for part in operation.value[:2]
        )
    return _cell(operation.value)


def _result(operation: Operation) -> str:
    if operation.status is Status.OK and operation.result is None:
        return "nothing" if operation.function in READS else ""
    if operation.function == "txn" and operation.result is not None:
        return micro_operations_text(operation.result, CELL_CHARACTERS_MAX, was_read=True)
    return _cell(operation.result)


def _cell(value: Json) -> str:
    return "" if value is None else value_text(value, CELL_CHARACTERS_MAX)


def client_lanes(recorded: Recorded) -> dict[int, int]:
    """The lane of each process.

    A client goes on under a new number after an `info`, so a long run has thousands of processes
    of which few are there at any time: those that follow each other share a lane.
    """
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for operation in recorded.operations:
        first.setdefault(operation.process, operation.call_ns)
        last[operation.process] = (
            operation.call_ns + 1 if operation.return_ns is None else operation.return_ns
        )
    processes = sorted(first)
    packed = pack([(first[process], last[process]) for process in processes])
    # The lane of client 0 comes first, whoever happened to begin first.
    order = {lane: place for place, lane in enumerate(dict.fromkeys(packed))}
    return {process: order[lane] for process, lane in zip(processes, packed, strict=True)}


def watch_columns(recorded: Recorded, strings: Strings) -> Any:  # noqa: ANN401 - JSON
    """A column a field, in the order in which they were received."""
    watches = sorted(recorded.history.watches, key=lambda response: response.received_ns)
    # w2 before w10.
    in_order = sorted({each.watch for each in watches}, key=lambda name: (len(name), name))
    names = {name: lane for lane, name in enumerate(in_order)}
    return {
        "names": [visible(name, 60) for name in names],
        "lane": [names[response.watch] for response in watches],
        "at": deltas(response.received_ns - recorded.begin_ns for response in watches),
        "kind": "".join(_kind(response) for response in watches),
        "revision": [response.revision for response in watches],
        "member": [strings(visible(response.member)) for response in watches],
        "words": [strings(_response_words(response)) for response in watches],
    }


def _kind(response: WatchEvents) -> str:
    if response.canceled:
        return "X"
    if response.created:
        return "C"
    return "E" if response.events else "P"


def _response_words(response: WatchEvents) -> str:
    if response.canceled:
        reason = visible(response.cancel_reason, CELL_CHARACTERS_MAX)
        compacted = response.compact_revision
        return reason + (f" compacted up to {compacted}" if compacted else "")
    if response.created:
        until = f" to {key_text(response.range_end)}" if response.range_end else ""
        return f"watches {key_text(response.key)}{until} from revision {response.start_revision}"
    shown = [
        f"{event['type']} {key_text(event['key'])}"
        + (f" = {value_text(event['value'], 40)}" if event["type"] == "PUT" else "")
        + f" at {event['mod_revision']}"
        for event in response.events[:_EVENTS_SHOWN_MAX]
    ]
    left = len(response.events) - len(shown)
    return "; ".join(shown) + (f"; and {left:,} more" if left else "")
