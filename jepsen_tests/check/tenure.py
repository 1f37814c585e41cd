"""The life of each lease, as those saw it who granted, renewed and revoked it."""

from dataclasses import dataclass, field

from jepsen_tests.history import History, Json, Operation, Status

SECOND_NS = 1_000_000_000
TICK_NS = SECOND_NS // 10
"""How coarsely a server may count time: a lease may end that much before it is due."""


@dataclass(slots=True)
class Tenure:
    """One lease."""

    lease: int
    grants: list[Operation] = field(default_factory=list)
    renewals: list[Operation] = field(default_factory=list)
    """Grant and keep-alives that were answered with a time to live."""
    attempts: list[Operation] = field(default_factory=list)
    """Grant and keep-alives that may have renewed it."""
    gone: list[Operation] = field(default_factory=list)
    """Keep-alives and questions that were answered with: no such lease."""
    asked: list[Operation] = field(default_factory=list)
    """Answers to how long it has left."""
    revokes: list[Operation] = field(default_factory=list)
    """Those that were carried out, or may have been."""

    @property
    def is_once(self) -> bool:
        """Whether it was granted just once, so that all that is known is of one life."""
        return len(self.grants) == 1

    def last_renewal(self) -> Operation | None:
        """The renewal that keeps it alive the longest, for certain."""
        return max(self.renewals, key=_certain_until_ns, default=None)

    def certain_until_ns(self, rate_max: float = 1.0) -> int:
        """Until when it cannot expire: a server counts from when it heard, never from before.

        The call is the earliest moment at which it can have heard. `rate_max` is how fast the
        fastest clock ran.
        """
        last = self.last_renewal()
        if last is None:
            return 0
        return last.call_ns + int((_seconds(last) * SECOND_NS - TICK_NS) / rate_max)

    def possible_until_ns(self, heard_within_ns: int) -> int:
        """Until when it may have been renewed; who got no answer was heard within that time."""
        return max((_heard_ns(attempt, heard_within_ns) for attempt in self.attempts), default=0)

    @property
    def ttl_ns(self) -> int:
        """The longest time to live that it was given or asked for."""
        return max(map(_seconds, self.attempts), default=0) * SECOND_NS


def tenures_of(history: History) -> dict[int, Tenure]:
    """The leases of a history."""
    tenures: dict[int, Tenure] = {}
    for function in ("grant", "keep-alive", "time-to-live", "revoke"):
        for operation in history.by_function.get(function, []):
            if operation.lease:
                tenure = tenures.setdefault(operation.lease, Tenure(operation.lease))
                _take(tenure, operation)
    return tenures


def remaining_seconds(operation: Operation) -> int | None:
    """What an answer to `time-to-live` says; None where it says nothing."""
    result = operation.result
    return _integer(result.get("ttl")) if isinstance(result, dict) else None


def clock_rate_max(history: History) -> float:
    """How fast the fastest clock ran; 0 if that is not known."""
    bands = [band for band in history.faults if not band.skipped]
    if any("clock" in band.name.lower() for band in bands):
        return 0.0
    rates = [
        fact.value["rate"]
        for fact in history.facts
        if fact.name == "clock_rate" and isinstance(fact.value, dict) and "rate" in fact.value
    ]
    if not rates and any("clock" in band.detail.lower() for band in bands):
        return 0.0
    return max([1.0, *(float(rate) for rate in rates if isinstance(rate, int | float))])


def _take(tenure: Tenure, operation: Operation) -> None:
    is_ok = operation.status is Status.OK
    if operation.status is Status.FAIL:
        return
    match operation.function:
        case "revoke":
            tenure.revokes.append(operation)
        case "time-to-live":
            remaining = remaining_seconds(operation)
            if is_ok and remaining is not None:
                (tenure.gone if remaining < 0 else tenure.asked).append(operation)
        case function:
            is_gone = is_ok and function == "keep-alive" and _seconds(operation) <= 0
            if is_gone:
                tenure.gone.append(operation)
                return
            tenure.attempts.append(operation)
            if function == "grant":
                tenure.grants.append(operation)
            if is_ok:
                tenure.renewals.append(operation)


def _seconds(operation: Operation) -> int:
    """The time to live that was given, else the one that was asked for."""
    given = _integer(operation.result)
    return (_integer(operation.value) or 0) if given is None else given


def _certain_until_ns(operation: Operation) -> int:
    return operation.call_ns + _seconds(operation) * SECOND_NS


def _heard_ns(operation: Operation, heard_within_ns: int) -> int:
    if operation.status is Status.OK and operation.return_ns is not None:
        return operation.return_ns
    return max(operation.return_ns or 0, operation.call_ns + heard_within_ns)


def _integer(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
