"""Checking takes about as long as reading: linear in what happened, but for sorting."""

import random
import time

import pytest

from jepsen_tests.check.catalogue import API_CHECKERS
from jepsen_tests.history import History, KeyValue
from jepsen_tests.tests.check.given import did, kv, put, told
from jepsen_tests.verdict import State

REVISIONS = 50_000
EVERYTHING_WATCHES = 4
KEYS = 1_000
CPU_SECONDS_MAX = 15
"""Some two seconds on an idle core of 2024."""


def large_history() -> History:
    """Four watches of everything and one of each key, 250,000 events in all."""
    chance = random.Random(1)
    history = History()
    current: dict[str, KeyValue] = {}
    events = []
    for revision in range(2, REVISIONS + 2):
        key = f"{chance.randrange(KEYS):05}"
        prev = current.get(key)
        created, version = (prev["create_revision"], prev["version"]) if prev else (revision, 0)
        now = kv(key, f"{revision}", revision, created=created, version=version + 1)
        current[key] = now
        history.append(did("put", key, f"{revision}", revision=revision))
        events.append(
            put(key, f"{revision}", revision, created=created, version=version + 1, prev=prev)
        )
    for watch in range(EVERYTHING_WATCHES):
        for first in range(0, REVISIONS, 10):
            history.append(told(*events[first : first + 10], watch=f"{watch}", prev_kv=True))
    for event in events:
        key = event["key"]
        history.append(told(event, watch=f"of {key}", key=key, range_end="", prev_kv=True))
    return history


@pytest.mark.slow
def test_a_quarter_of_a_million_events_are_checked_in_seconds() -> None:
    history = large_history()
    begin = time.process_time()
    for checker in API_CHECKERS:
        assert checker.check(history).state is State.VALID, checker.name
    assert time.process_time() - begin < CPU_SECONDS_MAX
