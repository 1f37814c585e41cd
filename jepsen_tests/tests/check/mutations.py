"""Histories of a true run, each changed in one way that no true store can have brought about.

A mutation gives None where the history has nothing that it could change so.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from jepsen_tests.check.counts import COUNTS
from jepsen_tests.check.election import ELECTIONS
from jepsen_tests.check.event_log import EVENT_LOG
from jepsen_tests.check.hash import HASHES
from jepsen_tests.check.kv_metadata import KV_METADATA
from jepsen_tests.check.lease import LEASES
from jepsen_tests.check.lock import LOCKS
from jepsen_tests.check.reflector import REFLECTORS
from jepsen_tests.check.refusals import REFUSALS
from jepsen_tests.check.revisions import REVISIONS
from jepsen_tests.check.watch.atomic import ATOMIC
from jepsen_tests.check.watch.bookmarkable import BOOKMARKABLE
from jepsen_tests.check.watch.canceled import CANCELED
from jepsen_tests.check.watch.create_flag import CREATE_FLAG
from jepsen_tests.check.watch.filter import FILTER
from jepsen_tests.check.watch.ordered import ORDERED
from jepsen_tests.check.watch.prev_kv import PREV_KV
from jepsen_tests.check.watch.reliable import RELIABLE
from jepsen_tests.check.watch.resumable import RESUMABLE
from jepsen_tests.check.watch.start import START
from jepsen_tests.check.watch.unique import UNIQUE
from jepsen_tests.history import Event, Fact, History, Operation, Record, Status, WatchEvents
from jepsen_tests.tests.check.random_run import KEYS
from jepsen_tests.verdict import Checker

WATCHED = "w1"
"""The watch of everything, with previous key-values, that is changed; `w2` sees the same."""
Records: TypeAlias = list[Record]
Mutation: TypeAlias = Callable[[Records, random.Random], bool]
"""Changes the records in place, and says whether it could."""


def mutated(history: History, mutation: Mutation, chance: random.Random) -> History | None:
    """A changed copy of the history."""
    records = list(history.records())[1:]
    return History(records) if mutation(records, chance) else None


def _positions(records: Records, least_events: int = 1) -> list[int]:
    """Where responses of the watch are that have as many events."""
    return [
        at
        for at, record in enumerate(records)
        if isinstance(record, WatchEvents)
        and record.watch == WATCHED
        and len(record.events) >= least_events
    ]


def _spots(records: Records) -> list[tuple[int, int]]:
    """(record, event) of all events of the watch."""
    return [
        (at, number) for at in _positions(records) for number in range(len(_events(records, at)))
    ]


def _events(records: Records, at: int) -> list[Event]:
    record = records[at]
    assert isinstance(record, WatchEvents)
    return record.events


def _set_events(records: Records, at: int, events: list[Event]) -> None:
    record = records[at]
    assert isinstance(record, WatchEvents)
    records[at] = replace(record, events=events)


def _remove(records: Records, spot: tuple[int, int]) -> None:
    events = _events(records, spot[0])
    _set_events(records, spot[0], [*events[: spot[1]], *events[spot[1] + 1 :]])


def drop_an_event(records: Records, chance: random.Random) -> bool:
    spots = _spots(records)
    first = _events(records, spots[0][0])[0]["mod_revision"] if spots else 0
    last = _events(records, spots[-1][0])[-1]["mod_revision"] if spots else 0
    inner = [
        (at, number)
        for at, number in spots
        if first < _events(records, at)[number]["mod_revision"] < last
    ]
    if inner:
        _remove(records, chance.choice(inner))
    return bool(inner)


def drop_the_first(records: Records, _: random.Random) -> bool:
    spots = _spots(records)
    revisions = {_events(records, at)[number]["mod_revision"] for at, number in spots}
    if len(revisions) < 2:
        return False
    for at, number in reversed(spots):
        if _events(records, at)[number]["mod_revision"] == min(revisions):
            _remove(records, (at, number))
    return True


def drop_the_last(records: Records, _: random.Random) -> bool:
    spots = _spots(records)
    revisions = {_events(records, at)[number]["mod_revision"] for at, number in spots}
    for at, number in reversed(spots):
        if _events(records, at)[number]["mod_revision"] == max(revisions):
            _remove(records, (at, number))
    return bool(spots)


def double_an_event(records: Records, chance: random.Random) -> bool:
    spots = _spots(records)
    if spots:
        at, number = chance.choice(spots)
        events = _events(records, at)
        _set_events(records, at, [*events, events[number]])
    return bool(spots)


def swap_two_events(records: Records, chance: random.Random) -> bool:
    places = [
        (at, number)
        for at, number in _spots(records)
        if number and _revision(records, at, number - 1) < _revision(records, at, number)
    ]
    if places:
        at, number = chance.choice(places)
        events = list(_events(records, at))
        events[number - 1], events[number] = events[number], events[number - 1]
        _set_events(records, at, events)
    return bool(places)


def _revision(records: Records, at: int, number: int) -> int:
    return _events(records, at)[number]["mod_revision"]


def split_a_revision(records: Records, chance: random.Random) -> bool:
    places = [
        (at, number)
        for at, number in _spots(records)
        if number and _revision(records, at, number - 1) == _revision(records, at, number)
    ]
    if places:
        at, number = chance.choice(places)
        response, events = records[at], _events(records, at)
        assert isinstance(response, WatchEvents)
        parts = (events[:number], events[number:])
        records[at : at + 1] = [
            replace(response, events=parts[0], fragment=False),
            replace(response, events=parts[1]),
        ]
    return bool(places)


def mark_too_early(records: Records, chance: random.Random) -> bool:
    places = _positions(records)
    if places:
        at = chance.choice(places)
        response = records[at]
        assert isinstance(response, WatchEvents)
        revision = response.events[0]["mod_revision"]
        records.insert(at, replace(response, events=[], revision=revision, fragment=False))
    return bool(places)


def tell_of_another_key(records: Records, chance: random.Random) -> bool:
    places = [
        at
        for at, record in enumerate(records)
        if isinstance(record, WatchEvents) and record.key == "a" and record.events
    ]
    if places:
        at = chance.choice(places)
        event: Any = {**_events(records, at)[-1], "key": "zz"}
        _set_events(records, at, [*_events(records, at), event])
    return bool(places)


def go_on_after_the_end(records: Records, chance: random.Random) -> bool:
    places = _positions(records)[:-1]
    if places:
        at = chance.choice(places)
        response = records[at]
        assert isinstance(response, WatchEvents)
        records[at] = replace(response, canceled=True, fragment=False)
    return bool(places)


def start_later(records: Records, _: random.Random) -> bool:
    """As if later events had been asked for."""
    places = _positions(records)
    if places:
        start = _revision(records, places[0], 0) + 1
        for at, record in enumerate(records):
            if isinstance(record, WatchEvents) and record.watch == WATCHED:
                records[at] = replace(record, start_revision=start)
    return bool(places)


def _change_event(
    records: Records, chance: random.Random, change: Callable[[Any], dict[str, Any] | None]
) -> bool:
    """Changes one of those events for which there is a change."""
    spots = _spots(records)
    chance.shuffle(spots)
    for at, number in spots:
        events: list[Any] = list(_events(records, at))
        changed = change(events[number])
        if changed is not None:
            events[number] = {**events[number], **changed}
            _set_events(records, at, events)
            return True
    return False


def change_prev(records: Records, chance: random.Random) -> bool:
    return _change_event(
        records,
        chance,
        lambda event: event["prev"] and {"prev": {**event["prev"], "value": "never written"}},
    )


def age_prev(records: Records, chance: random.Random) -> bool:
    def aged(event: Any) -> dict[str, Any] | None:  # noqa: ANN401
        prev = event["prev"]
        if not prev or prev["version"] < 2:
            return None
        return {"prev": {**prev, "version": prev["version"] - 1}} if event["version"] else None

    return _change_event(records, chance, aged)


def forget_prev(records: Records, chance: random.Random) -> bool:
    if any(isinstance(each, Operation) and each.function == "compact" for each in records):
        return False
    return _change_event(records, chance, lambda event: event["prev"] and {"prev": None})


def change_a_value(records: Records, chance: random.Random) -> bool:
    return _change_event(
        records, chance, lambda event: {"value": "q"} if event["type"] == "PUT" else None
    )


def call_it_a_creation(records: Records, chance: random.Random) -> bool:
    return _change_event(
        records,
        chance,
        lambda event: (
            {"create_revision": event["mod_revision"], "version": 1}
            if event["version"] > 1
            else None
        ),
    )


def skip_a_version(records: Records, chance: random.Random) -> bool:
    """In all that was seen of one put."""
    found = [
        _events(records, at)[number]
        for at, number in _spots(records)
        if _events(records, at)[number]["version"] > 1
    ]
    if not found:
        return False
    event = chance.choice(found)
    where = (event["key"], event["mod_revision"])
    for at, record in enumerate(records):
        if isinstance(record, WatchEvents):
            _set_events(records, at, [_versioned(each, where) for each in record.events])
        elif isinstance(record, Operation) and record.function == "range":
            result: Any = [_versioned(each, where) for each in _kvs(record)]
            records[at] = replace(record, result=result)
    return True


def _versioned(kv: Any, where: tuple[str, int]) -> Any:  # noqa: ANN401
    is_it = (kv["key"], kv["mod_revision"]) == where
    return {**kv, "version": kv["version"] + 1} if is_it else kv


def _kvs(operation: Operation) -> list[Any]:
    return list(operation.result) if isinstance(operation.result, list) else []


def _operations(records: Records, function: str) -> Iterator[tuple[int, Operation]]:
    """Those that were answered."""
    operations = ((at, each) for at, each in enumerate(records) if isinstance(each, Operation))
    for at, operation in operations:
        if operation.function == function and operation.status is Status.OK:
            yield at, operation


def _change_operation(
    records: Records,
    chance: random.Random,
    function: str,
    change: Callable[[Operation], dict[str, Any] | None],
) -> bool:
    found = list(_operations(records, function))
    chance.shuffle(found)
    for at, operation in found:
        changed = change(operation)
        if changed is not None:
            records[at] = replace(operation, **changed)
            return True
    return False


def answer_with_the_revision_of_another(records: Records, chance: random.Random) -> bool:
    revisions = [put.revision for _, put in _operations(records, "put")]
    return len(revisions) > 1 and _change_operation(
        records,
        chance,
        "put",
        lambda put: {
            "revision": chance.choice([each for each in revisions if each != put.revision])
        },
    )


def refuse_what_was_written(records: Records, chance: random.Random) -> bool:
    return _change_operation(
        records, chance, "put", lambda _: {"status": Status.FAIL, "revision": 0}
    )


def count_the_limit(records: Records, chance: random.Random) -> bool:
    return _change_operation(
        records,
        chance,
        "range",
        lambda read: {"count": read.count + 1} if read.count and not read.limit else None,
    )


def read_another_value(records: Records, chance: random.Random) -> bool:
    def changed(read: Operation) -> dict[str, Any] | None:
        kvs = _kvs(read)
        return {"result": [{**kvs[0], "value": "q"}, *kvs[1:]]} if kvs else None

    return _change_operation(records, chance, "range", changed)


def renew_before_the_end(records: Records, chance: random.Random) -> bool:
    """As if the lease had been given so much time that its end was early."""
    ended = {
        event["prev"]["lease"]
        for at, number in _spots(records)
        if (event := _events(records, at)[number])["type"] == "DELETE"
        and event["prev"]
        and event["key"] in KEYS
    }
    revoked = {revoke.lease for _, revoke in _operations(records, "revoke")}
    return _change_operation(
        records,
        chance,
        "grant",
        lambda grant: (
            {"result": 10_000} if grant.lease in ended - revoked - _deleted(records) else None
        ),
    )


def _deleted(records: Records) -> set[int]:
    """Leases that lost a key to a client."""
    writes = {
        record.revision
        for record in records
        if isinstance(record, Operation) and record.function in {"delete", "txn", "resign"}
    }
    return {
        event["prev"]["lease"]
        for at, number in _spots(records)
        if (event := _events(records, at)[number])["prev"] and event["mod_revision"] in writes
    }


def keep_a_key_too_long(records: Records, chance: random.Random) -> bool:
    """As if a read had been called a minute later than it was."""
    late_ns = 10**11
    return _change_operation(
        records,
        chance,
        "range",
        lambda read: (
            {"call_ns": read.call_ns + late_ns, "return_ns": (read.return_ns or 0) + late_ns}
            if any(kv["lease"] for kv in _kvs(read))
            else None
        ),
    )


def _owned_early(records: Records, chance: random.Random, function: str) -> bool:
    """As if who waited had not had to: told at once, while an older key was there."""
    lives: dict[tuple[str, int], int] = {}
    for at, number in _spots(records):
        event = _events(records, at)[number]
        if event["type"] == "DELETE" and event["prev"]:
            created = event["prev"]["create_revision"]
            lives[event["key"], created] = event["mod_revision"]

    def changed(claim: Operation) -> dict[str, Any] | None:
        created = _created(claim)
        must_wait = any(
            key.startswith(claim.key) and begin < created < end
            for (key, begin), end in lives.items()
        )
        return {"revision": created} if must_wait else None

    return _change_operation(records, chance, function, changed)


def _created(claim: Operation) -> int:
    own: Any = claim.result
    return int(own["create_revision"])


def lock_while_it_is_locked(records: Records, chance: random.Random) -> bool:
    return _owned_early(records, chance, "acquire")


def elect_while_there_is_a_leader(records: Records, chance: random.Random) -> bool:
    return _owned_early(records, chance, "campaign")


def let_a_former_owner_write(records: Records, chance: random.Random) -> bool:
    def changed(txn: Operation) -> dict[str, Any] | None:
        value: Any = txn.value
        is_fenced = isinstance(value, dict) and value["compare"][0][1].startswith("lock/")
        result: Any = txn.result
        if not is_fenced or result["succeeded"]:
            return None
        return {"result": {"succeeded": True, "operations": []}, "revision": txn.revision + 1}

    return _change_operation(records, chance, "txn", changed)


def observe_twice(records: Records, chance: random.Random) -> bool:
    found = list(_operations(records, "observe"))
    if found:
        at, operation = chance.choice(found)
        records.insert(at, operation)
    return bool(found)


def hash_otherwise(records: Records, _: random.Random) -> bool:
    return _change_fact(records, "hash_kv", {"hash": 8})


def forget_a_cached_key(records: Records, _: random.Random) -> bool:
    caches = [each for each in records if isinstance(each, Fact) and each.name == "reflector"]
    held: Any = caches[0].value
    return bool(held["kvs"]) and _change_fact(records, "reflector", {"kvs": held["kvs"][1:]})


def _change_fact(records: Records, name: str, changed: dict[str, Any]) -> bool:
    for at, record in enumerate(records):
        if isinstance(record, Fact) and record.name == name and isinstance(record.value, dict):
            records[at] = replace(record, value={**record.value, **changed})
            return True
    return False


MUTATIONS: tuple[tuple[Mutation, Checker], ...] = (
    (drop_an_event, RELIABLE),
    (drop_the_first, RESUMABLE),
    (drop_the_last, BOOKMARKABLE),
    (double_an_event, UNIQUE),
    (swap_two_events, ORDERED),
    (split_a_revision, ATOMIC),
    (mark_too_early, BOOKMARKABLE),
    (tell_of_another_key, FILTER),
    (go_on_after_the_end, CANCELED),
    (start_later, START),
    (change_prev, PREV_KV),
    (age_prev, PREV_KV),
    (forget_prev, PREV_KV),
    (change_a_value, EVENT_LOG),
    (call_it_a_creation, CREATE_FLAG),
    (skip_a_version, KV_METADATA),
    (answer_with_the_revision_of_another, REVISIONS),
    (refuse_what_was_written, REFUSALS),
    (count_the_limit, COUNTS),
    (read_another_value, EVENT_LOG),
    (renew_before_the_end, LEASES),
    (keep_a_key_too_long, LEASES),
    (lock_while_it_is_locked, LOCKS),
    (elect_while_there_is_a_leader, ELECTIONS),
    (let_a_former_owner_write, LOCKS),
    (observe_twice, ELECTIONS),
    (hash_otherwise, HASHES),
    (forget_a_cached_key, REFLECTORS),
)
