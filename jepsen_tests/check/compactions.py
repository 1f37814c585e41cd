"""How far the history of keys may have been compacted, as far as a run's record tells."""

from jepsen_tests.history import History, Status


def compacted_until(history: History) -> int:
    """The highest revision that any compaction, also one without an answer, can have been to."""
    asked = (
        operation.value
        for operation in history.by_function.get("compact", [])
        if operation.status is not Status.FAIL and isinstance(operation.value, int)
    )
    told = (response.compact_revision for response in history.watches)
    hashed = (
        fact.value["compact_revision"]
        for fact in history.facts
        if fact.name == "hash_kv" and isinstance(fact.value, dict)
    )
    return max([0, *asked, *told, *(each for each in hashed if isinstance(each, int))])
