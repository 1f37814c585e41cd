"""Writes without an answer, until it is known whether and at which revision they happened.

The keys that such writes may have changed are clouded: what does not agree there may be one of
them. From then on what happens to a clouded key is kept, as steps on this key alone, and if
something does not agree, the linearizability search decides, with a step's place in the order of
revisions for its time: all but the unknown writes are in order already, so it is quick.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from jepsen_tests.check.etcd_operations import keys_written, plain
from jepsen_tests.check.linear import STEPS_MAX, Linearizability
from jepsen_tests.check.replay import Held
from jepsen_tests.check.steps import keys_seen, mark_of, steps_of
from jepsen_tests.history import Json, Operation
from jepsen_tests.model.etcd import Absent, EtcdKey, Stored
from jepsen_tests.model.model import frozen
from jepsen_tests.verdict import State, Verdict

STEPS_KEPT_MAX = 1_000_000
"""Of all clouded keys together; beyond it they are not decided."""
_PLACE = 1024
"""Of a step within its operation: more than a transaction has parts."""


@dataclass(slots=True)
class _Cloud:
    """A key that unknown writes may have changed, and what was seen of it since."""

    initial: Stored | Absent
    unknown: dict[int, list[Operation]] = field(default_factory=dict)
    """The unknown writes' steps on this key, by the number of the write."""
    known: list[Operation] = field(default_factory=list)
    is_suspect: bool = False


class UnknownWrites:
    """The clouds of a run."""

    def __init__(self) -> None:
        self.count = 0
        """How many there were, those that are known by now included."""
        self.is_anything_unknown = False
        """Whether an unknown write may have changed any key."""
        self._clouds: dict[str, _Cloud] = {}
        self._waiting: dict[tuple[str, object], list[int]] = {}
        """By key and value."""
        self._operations: dict[int, Operation] = {}
        self._kept = 0

    def add(self, operation: Operation, after: int, held: dict[str, Held]) -> None:
        """Takes a write that got no answer; it was called when `after` had been returned."""
        self.count += 1
        keys = keys_written(operation)
        if keys is None:
            self.is_anything_unknown = True
            return
        number = self.count
        self._operations[number] = operation
        for key in keys:
            cloud = self._clouds.get(key)
            if cloud is None:
                cloud = self._clouds[key] = _Cloud(_state(held.get(key)))
            at = (after + 1) * _PLACE - 1
            cloud.unknown[number] = [
                replace(step, call_ns=at)
                for step in steps_of(operation, key)
                if step.function != "read"
            ]
            for step in cloud.unknown[number]:
                self._waiting.setdefault((key, mark_of(step)), []).append(number)

    def resolve(self, changes: dict[str, Json]) -> Operation | None:
        """The unknown write that made these changes, which is known now, if there is one."""
        for key, value in changes.items():
            for number in self._candidates(key, plain(value)):
                operation = self._operations.get(number)
                if operation is not None:
                    del self._operations[number]
                    for other in keys_written(operation) or ():
                        self._clouds[other].unknown.pop(number, None)
                    return operation
        return None

    def _candidates(self, key: str, value: Json) -> list[int]:
        """The unknown writes that may have left this in a key."""
        numbers = self._waiting.get((key, frozen(value)), [])
        if isinstance(value, list) and value:
            numbers = numbers + self._waiting.get((key, ("append", frozen(value[-1]))), [])
        return numbers

    def covers(self, key: str) -> bool:
        """Whether an unknown write may have changed this key."""
        return key in self._clouds

    def suspect(self, key: str) -> None:
        """Something does not agree with what is known of this key."""
        self._clouds[key].is_suspect = True

    def keep(self, operation: Operation, position: int) -> None:
        """Keeps what an operation did to clouded keys; its position is among all."""
        if self._kept > STEPS_KEPT_MAX or not self._clouds:
            return
        for key in keys_seen(operation, self._clouds):
            cloud = self._clouds[key]
            steps = steps_of(operation, key)
            for place, step in enumerate(steps):
                at = position * _PLACE + place
                cloud.known.append(replace(step, call_ns=at, return_ns=at))
            self._kept += len(steps)

    def decide(self, is_told: Callable[[str], bool]) -> Iterator[tuple[str, Verdict]]:
        """The verdict on each clouded key where something did not agree."""
        for key, cloud in sorted(self._clouds.items()):
            if not cloud.is_suspect:
                continue
            if self._kept > STEPS_KEPT_MAX:
                yield key, Verdict("", State.UNKNOWN, (), f"over {STEPS_KEPT_MAX} steps")
                continue
            # What no watch told, though one told everything, has not happened.
            unknown = [] if is_told(key) else list(_flat(cloud.unknown.values()))
            checker = Linearizability(EtcdKey(cloud.initial), STEPS_MAX)
            yield key, checker.check_operations([*cloud.known, *unknown])


def _flat(parts: Iterable[list[Operation]]) -> Iterator[Operation]:
    for part in parts:
        yield from part


def _state(held: Held | None) -> Stored | Absent:
    if held is None or not held.version:
        return Absent(0 if held is None else held.mod_revision)
    return Stored(frozen(plain(held.value)), held.version, held.create_revision, held.mod_revision)
