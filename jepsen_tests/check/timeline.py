"""One part of a history as the linearizability search wants it: numbers, and masks of bits.

The operations that returned are numbered in the order in which they returned, so "the first that
has to be linearized now" is the lowest number that is not. An operation may be linearized before
number `b` has returned if it was called by then; intervals are closed, so the same instant will do.
Those, as a mask whose bit 0 is `b` itself, are `callable_at[b]`: as wide as calls overlap, however
long the history is.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jepsen_tests.history import Operation, Status
from jepsen_tests.model.model import Action, Model


@dataclass(frozen=True, slots=True)
class Timeline:
    """The operations of one part, sorted, and who may come before whose return."""

    part: str
    returned: tuple[Operation, ...]
    """In the order of their returns."""
    open: tuple[Operation, ...]
    """Those whose outcome is not known, in the order of their calls: they have no return, and may
    be linearized at any time after their call, or never."""
    actions: tuple[Action, ...]
    """Each meaning once: operations that mean the same share it."""
    returned_action: list[int]
    open_action: list[int]
    callable_at: list[int]
    pure_at: list[int]
    """Of `callable_at`, those that change nothing."""
    open_callable_at: list[int]
    """How many of `open` were called by then: a prefix."""
    open_twin: list[int]
    """For each of `open`, a mask of the one before it that means the same, or 0. Of two equal
    ones the earlier may always go first."""


def timeline_of(part: str, operations: Sequence[Operation], model: Model[Any]) -> Timeline:
    """Sorts the operations of a part; what certainly failed, and what is pure and open, is out."""
    numbers: dict[Action, int] = {}
    returned: list[tuple[int, int, Operation, int]] = []
    waiting: list[tuple[int, Operation, int]] = []
    for operation in operations:
        if operation.status is Status.FAIL:
            continue
        action = model.action(operation)
        if operation.status is Status.OK:
            assert operation.return_ns is not None, "only info may never return"
            number = numbers.setdefault(action, len(numbers))
            returned.append((operation.return_ns, operation.call_ns, operation, number))
        elif not model.is_pure(action):
            number = numbers.setdefault(action, len(numbers))
            waiting.append((operation.call_ns, operation, number))
    returned.sort(key=lambda entry: entry[:2])
    waiting.sort(key=lambda entry: entry[0])
    pure = [model.is_pure(action) for action in numbers]
    callable_at, pure_at = _masks(returned, pure)
    open_calls = [call for call, _, _ in waiting]
    return Timeline(
        part=part,
        returned=tuple(operation for _, _, operation, _ in returned),
        open=tuple(operation for _, operation, _ in waiting),
        actions=tuple(numbers),
        returned_action=[number for _, _, _, number in returned],
        open_action=[number for _, _, number in waiting],
        callable_at=callable_at,
        pure_at=pure_at,
        open_callable_at=[bisect_right(open_calls, entry[0]) for entry in returned],
        open_twin=_twins([number for _, _, number in waiting]),
    )


def _masks(
    returned: list[tuple[int, int, Operation, int]], pure: list[bool]
) -> tuple[list[int], list[int]]:
    """What `callable_at` and `pure_at` are, by one sweep over the returns."""
    by_call = sorted(range(len(returned)), key=lambda index: returned[index][1])
    callable_at: list[int] = []
    pure_at: list[int] = []
    called = called_pure = 0
    following = 0
    for base, (return_ns, _, _, _) in enumerate(returned):
        while following < len(by_call) and returned[by_call[following]][1] <= return_ns:
            index = by_call[following]
            # What returned before `base` was called before, and is out of the mask already.
            called |= 1 << (index - base)
            called_pure |= pure[returned[index][3]] << (index - base)
            following += 1
        callable_at.append(called)
        pure_at.append(called_pure)
        called >>= 1
        called_pure >>= 1
    return callable_at, pure_at


def _twins(numbers: list[int]) -> list[int]:
    last: dict[int, int] = {}
    twins = []
    for index, number in enumerate(numbers):
        twins.append(last.get(number, 0))
        last[number] = 1 << index
    return twins
