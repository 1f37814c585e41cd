"""Writes without an answer, until it is known whether and at which revision they happened.

The keys that such writes may have changed are clouded: what does not agree there may be one of
them. From the first place that such a write may have, what happens to the key is kept, and if
something does not agree, the linearizability search decides on the key alone, with places in the
order of revisions for times: all but the unknown writes are in order already, so it is quick.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from jepsen_tests.check.etcd_operations import Span, keys_written, plain
from jepsen_tests.check.linear import Linearizability
from jepsen_tests.check.replay import Held
from jepsen_tests.check.steps import keys_seen, mark_of, steps_of
from jepsen_tests.history import Json, Operation
from jepsen_tests.model.etcd import Absent, EtcdKey, Stored
from jepsen_tests.model.model import frozen
from jepsen_tests.verdict import State, Verdict

KEPT_MAX = 500_000
"""Operations on all clouded keys together; beyond it those keys are not decided."""
_STEPS_MAX = 1_000_000
"""Of the search, for each key."""
_NOBODY_SAW = "(a value that was never read)"
_PLACE = 1024
"""Of a step within its operation: more than a transaction has parts."""


@dataclass(slots=True)
class _Cloud:
    """A key that unknown writes may have changed, and what was seen of it since."""

    after: int
    """No unknown write comes before this place."""
    initial: Stored | Absent | None = None
    """The key as it was there; None as long as the replay has not passed it."""
    unknown: dict[int, list[Operation]] = field(default_factory=dict)
    """The unknown writes' steps on this key, by the number of the write."""
    known: list[tuple[int, Operation]] = field(default_factory=list)
    """What was done to it, with the places."""
    is_suspect: bool = False


class UnknownWrites:
    """The clouds of a run."""

    def __init__(self) -> None:
        self.count = 0
        """How many there were, those that are known by now included."""
        self._is_anything_unknown = False
        """Whether an unknown write may have changed any key."""
        self._clouds: dict[str, _Cloud] = {}
        self._waiting: dict[tuple[str, object], list[int]] = {}
        """By key and value."""
        self._operations: dict[int, Operation] = {}
        self._kept = 0

    def add(self, operation: Operation, after: int) -> None:
        """Takes a write that got no answer, called when place `after` had been returned."""
        self.count += 1
        keys = keys_written(operation)
        if keys is None:
            self._is_anything_unknown = True
            return
        number = self.count
        self._operations[number] = operation
        for key in keys:
            cloud = self._clouds.get(key)
            if cloud is None:
                cloud = self._clouds[key] = _Cloud(after)
            elif cloud.initial is None:
                cloud.after = min(cloud.after, after)
            at = (after + 1) * _PLACE - 1
            cloud.unknown[number] = [
                replace(step, call_ns=at)
                for step in steps_of(operation, key)
                if step.function != "read"
            ]
            for step in cloud.unknown[number]:
                self._waiting.setdefault((key, mark_of(step)), []).append(number)

    def resolve(self, changes: dict[str, Json]) -> Operation | None:
        """The unknown write that made these changes, which is known now, if there is one.

        Of several, the one that was called first: revisions are asked for in order, so whatever
        fits a later one is still there for it.
        """
        found = {
            number: self._operations[number]
            for key, value in changes.items()
            for number in self._candidates(key, plain(value))
            if number in self._operations
        }
        if not found:
            return None
        number, operation = min(found.items(), key=lambda entry: entry[1].call_ns)
        del self._operations[number]
        for key in keys_written(operation) or ():
            self._clear_up(key, number)
        return operation

    def _clear_up(self, key: str, number: int) -> None:
        """One of the unknown writes to a key is known now; with the last the cloud goes."""
        cloud = self._clouds.get(key)
        if cloud is not None:
            cloud.unknown.pop(number, None)
            if not cloud.unknown and not cloud.is_suspect:
                self._kept -= len(cloud.known)
                del self._clouds[key]

    def _candidates(self, key: str, value: Json) -> list[int]:
        """The unknown writes that may have left this in a key."""
        numbers = self._waiting.get((key, frozen(value)), [])
        if isinstance(value, list) and value:
            numbers = numbers + self._waiting.get((key, ("append", frozen(value[-1]))), [])
        return numbers

    def suspect(self, key: str) -> bool:
        """Something does not agree there; whether an unknown write may be why."""
        cloud = self._clouds.get(key)
        if cloud is None or cloud.initial is None:
            return False
        cloud.is_suspect = True
        return True

    def may_be_in(self, span: Span | None) -> bool:
        """Whether an unknown write may be about any key, or about one of these."""
        is_inside = span is not None and any(key in span for key in self._clouds)
        return self._is_anything_unknown or is_inside

    def keep(self, place: int, operation: Operation, held: dict[str, Held]) -> None:
        """Keeps what an operation is about to do to clouded keys."""
        if self._kept > KEPT_MAX or not self._clouds:
            return
        for key in keys_seen(operation, self._clouds):
            cloud = self._clouds[key]
            if cloud.initial is None:
                if place <= cloud.after:
                    continue
                cloud.initial = _state(held.get(key))
            cloud.known.append((place, operation))
            self._kept += 1

    def decide(self, is_told: Callable[[str], bool]) -> Iterator[tuple[str, Verdict]]:
        """The verdict on each clouded key where something did not agree."""
        for key, cloud in sorted(self._clouds.items()):
            if not cloud.is_suspect or cloud.initial is None:
                continue
            if self._kept > KEPT_MAX:
                yield key, Verdict("", State.UNKNOWN, (), f"over {KEPT_MAX} operations to keep")
                continue
            known = [
                replace(step, call_ns=at, return_ns=at)
                for place, operation in cloud.known
                for at, step in enumerate(steps_of(operation, key), place * _PLACE)
            ]
            # What no watch told, though one told everything, has not happened.
            unknown = [] if is_told(key) else _alike(cloud, known)
            has_metadata = any(step.function == "range" for step in known)
            model = EtcdKey(cloud.initial, has_metadata=has_metadata)
            yield key, Linearizability(model, _STEPS_MAX).check_operations([*known, *unknown])


def _alike(cloud: _Cloud, known: list[Operation]) -> list[Operation]:
    """The unknown steps; those that leave what nobody ever saw are made equal.

    The search tries equal ones in one order only, and so not every choice among them.
    """
    seen = {frozen(value) for step in known for value in _values_seen(step)}
    seen |= {
        frozen(step.value[0])
        for steps in cloud.unknown.values()
        for step in steps
        if step.function == "cas" and isinstance(step.value, list)
    }
    return [
        replace(step, value=_NOBODY_SAW)
        if step.function in {"put", "write"} and frozen(step.value) not in seen
        else step
        for steps in cloud.unknown.values()
        for step in steps
    ]


def _values_seen(step: Operation) -> list[Json]:
    """The values that an answer depends on."""
    match step.function:
        case "read":
            return [step.result]
        case "cas" if isinstance(step.value, list):
            return [step.value[0]]
        case "range" if isinstance(step.result, list):
            return [kv["value"] for kv in step.result if isinstance(kv, dict)]
        case _:
            return []


def _state(held: Held | None) -> Stored | Absent:
    if held is None or not held.version:
        return Absent(0 if held is None else held.mod_revision)
    return Stored(frozen(plain(held.value)), held.version, held.create_revision, held.mod_revision)
