"""Who owns a lock or leads an election: who has the oldest key under its name.

In etcd's recipes each contender puts a key of its own under the lock's name, attached to a lease,
and waits until no older one is left. The key's create revision is the fencing number: it grows from
owner to owner, and a transaction that compares it takes effect only while the key is there.

Nothing is asked here about the wall clock, on purpose. Between the moment at which the store tells
somebody that the lock is theirs and the moment at which they act on it, their lease may end and
another may get the lock, so two may well believe to hold it at one time. No store can prevent that
(Jepsen's analysis of etcd 3.4.3 shows it); what it can do, and promises, is fencing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jepsen_tests.check.effects import DELETE, guards_of, has_succeeded, is_write
from jepsen_tests.check.event_log import EventLog, finding
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import Finding

NEVER = 2**64
"""Above all revisions."""


@dataclass(slots=True)
class Contender:
    """One key under the name, from its creation to its deletion."""

    key: str
    created: int
    lost: int | None
    """The revision at which it was deleted; None if nobody saw that."""
    has_until: int
    """Up to which revision it was there for certain."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody was told that the lock is theirs."""

    name: str
    contender: Contender
    revision: int
    """At which revision it was; 0 where that is not known."""
    operation: Operation

    @property
    def created(self) -> int:
        """The fencing number."""
        return self.contender.created


def claims_of(history: History, log: EventLog, function: str, ending: str) -> list[Claim]:
    """The successful claims; `function` makes and `ending` gives one up."""
    given_up: dict[str, list[int]] = {}
    for operation in history.by_function.get(ending, []):
        if operation.status is Status.OK and operation.revision:
            given_up.setdefault(str(operation.value), []).append(operation.revision)
    claims = []
    for operation in history.by_function.get(function, []):
        own = operation.result if operation.status is Status.OK else None
        if isinstance(own, dict):
            key, created = own.get("key"), own.get("create_revision")
            if isinstance(key, str) and isinstance(created, int):
                contender = contender_of(log, key, created, given_up.get(key, []))
                claims.append(Claim(operation.key, contender, operation.revision, operation))
    return claims


def contender_of(log: EventLog, key: str, created: int, given_up: Sequence[int] = ()) -> Contender:
    """A contender as the event log has it, or else as who gave it up."""
    last = log.at.get((created, key))
    has_until = created
    for event in log.by_key.get(key, []):
        if event.revision <= created:
            continue
        if event.kind != DELETE and event.create_revision in {created, None}:
            last, has_until = event, event.revision
            continue
        has_until = event.revision - 1 if event.follows else has_until
        return Contender(key, created, event.revision, has_until)
    lost = min((revision for revision in given_up if revision > created), default=None)
    if lost is None and last is not None:
        has_until = log.has_until(last)
    return Contender(key, created, lost, has_until)


def misowned(history: History, log: EventLog, claims: list[Claim]) -> Iterator[Finding]:
    """Everything that is wrong with the claims."""
    by_name: dict[str, list[Claim]] = {}
    for claim in claims:
        by_name.setdefault(claim.name, []).append(claim)
    for of_name in by_name.values():
        yield from _shared_numbers(of_name)
        yield from _shrinking_numbers(of_name)
        yield from two_owners(log, of_name)
    yield from _fenced(history, claims)


def _contenders(log: EventLog, name: str, claims: list[Claim]) -> list[Contender]:
    """All that stood in line, also those whose claim was never answered; the oldest first."""
    found = {(claim.contender.key, claim.created): claim.contender for claim in claims}
    for key in log.keys_in(name + "/", name + "0"):
        for event in log.by_key[key]:
            if event.kind != DELETE and event.create_revision == event.revision:
                at = (key, event.revision)
                if at not in found:
                    found[at] = contender_of(log, key, event.revision)
    return sorted(found.values(), key=lambda contender: contender.created)


def _shared_numbers(claims: list[Claim]) -> Iterator[Finding]:
    """One fencing number for two; who asks twice with the same lease gets the same."""
    first_of: dict[int, Claim] = {}
    for claim in claims:
        first = first_of.setdefault(claim.created, claim)
        if first.contender.key != claim.contender.key:
            what = f"Two owners of {claim.name!r} have the fencing number {claim.created}."
            yield finding(what, first.operation, claim.operation)


def _shrinking_numbers(claims: list[Claim]) -> Iterator[Finding]:
    """Who claims after another was told has the higher number."""
    by_return = sorted(claims, key=lambda claim: claim.operation.return_ns or 0)
    returned = 0
    highest: Claim | None = None
    for claim in sorted(claims, key=lambda claim: claim.operation.call_ns):
        while (by_return[returned].operation.return_ns or 0) < claim.operation.call_ns:
            if highest is None or by_return[returned].created > highest.created:
                highest = by_return[returned]
            returned += 1
        if highest is not None and claim.created < highest.created:
            what = f"The fencing number of {claim.name!r} fell from {highest.created} to "
            yield finding(f"{what}{claim.created}.", highest.operation, claim.operation)


def two_owners(log: EventLog, claims: list[Claim]) -> Iterator[Finding]:
    """Claims of one name, while the own key was gone, or an older one was still there."""
    contenders = _contenders(log, claims[0].name, claims) if claims else []
    operations = {(c.contender.key, c.created): c.operation for c in claims}
    older: Contender | None = None
    position = 0
    for claim in sorted(claims, key=lambda claim: claim.created):
        while contenders[position].created < claim.created:
            if older is None or contenders[position].has_until > older.has_until:
                older = contenders[position]
            position += 1
        own = claim.contender
        if own.lost is not None and claim.revision >= own.lost:
            what = f"{claim.name!r} was given to the owner of {own.key!r} at revision "
            yield finding(
                f"{what}{claim.revision}, but that was gone at {own.lost}.", claim.operation
            )
        elif older is not None and older.has_until >= _latest(claim):
            what = f"{claim.name!r} had two owners: the older {older.key!r} was there until "
            what += f"revision {older.has_until}, {own.key!r} got it by {_latest(claim)}."
            witness = operations.get((older.key, older.created))
            yield finding(what, witness, claim.operation)


def _latest(claim: Claim) -> int:
    """By which revision it was theirs, if it ever was."""
    if claim.revision:
        return claim.revision
    lost = claim.contender.lost
    return NEVER if lost is None else lost - 1


def _fenced(history: History, claims: list[Claim]) -> Iterator[Finding]:
    """Transactions that compared the number and took effect after the loss, or not before it."""
    claim_of = {(claim.contender.key, claim.created): claim for claim in claims}
    for operation in history.by_function.get("txn", []):
        guards = guards_of(operation)
        is_answered = operation.status is Status.OK and operation.revision
        for guard in guards if is_answered else ():
            if guard.target != "create_revision" or guard.relation != "=":
                continue
            claim = claim_of.get((guard.key, guard.value if isinstance(guard.value, int) else 0))
            if claim is None:
                continue
            own, succeeded = claim.contender, has_succeeded(operation)
            read_at = operation.revision - (1 if is_write(operation) else 0)
            if succeeded and own.lost is not None and read_at >= own.lost:
                what = f"A transaction with the fencing number {own.created} of {own.key!r} took "
                what += f"effect at revision {operation.revision}, after the loss at {own.lost}."
                yield finding(what, claim.operation, operation)
            is_alone = succeeded is False and len(guards) == 1
            if is_alone and own.created <= read_at <= own.has_until:
                what = f"A transaction with the fencing number {own.created} was refused, "
                what += f"though {own.key!r} was there until revision {own.has_until}."
                yield finding(what, claim.operation, operation)


def holders(claims: list[Claim]) -> str:
    """A note for the verdict."""
    return f"{len(claims)} claims of {len({claim.name for claim in claims})} names"
