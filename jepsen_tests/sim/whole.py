"""A member's whole state, key by key: dear, so only looked at when it came in one piece.

That is after a start, after a snapshot, and at the end.
"""

from jepsen_tests.sim.broken import BrokenPromiseError
from jepsen_tests.sim.plain import Event
from jepsen_tests.sim.reference import Reference
from raftkv.apply.state import StateMachine
from raftkv.mvcc.hash import hash_now


def check_whole(member: int, state: StateMachine, reference: Reference) -> None:
    """Holds every key against the plain store as it was at the state's revision.

    Raises:
        BrokenPromiseError: One differs.
    """
    store, plain = state.store, reference.plain
    due = {event.key: event for event in plain.in_range(b"\0", b"\0", store.revision)}
    live = set(store.index.live.slice(b"", None, len(due) + 1))
    if live != due.keys():
        raise BrokenPromiseError(f"member {member} has the keys {live}, due are {set(due)}")
    for key, event in due.items():
        _check_key(member, state, key, event)
    true = reference.state.store
    if store.compact_revision == true.compact_revision:
        theirs = hash_now(store, store.revision)
        if theirs != hash_now(true, store.revision):
            raise BrokenPromiseError(f"member {member} stores other rows than the log: {theirs}")


def _check_key(member: int, state: StateMachine, key: bytes, event: Event) -> None:
    store = state.store
    numbers = (*store.index.numbers(key), state.lessor.lease_of(key))
    due = (event.create_revision, event.version, event.lease)
    if numbers != due or store.row(key) != event.kv().SerializeToString():
        raise BrokenPromiseError(
            f"member {member} has {key!r} with {numbers}, {store.row(key)!r}; due is {event}"
        )
