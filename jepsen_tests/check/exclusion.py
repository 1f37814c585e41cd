"""Two owners of whom the first cannot have lost it: what clients know without any watch.

An owner's key is there until somebody deletes it or its lease ends. If another was told that the
lock is theirs before anybody asked for the first, and while the second can't have happened yet
(`tenure.py`), the older key was still there. This needs no event log, so it also finds what a store
does to a lock nobody watches.
"""

from collections.abc import Iterator
from itertools import pairwise

from jepsen_tests.check.effects import keys_deleted, may_delete
from jepsen_tests.check.event_log import finding
from jepsen_tests.check.ownership import Claim
from jepsen_tests.check.tenure import clock_rate_max, tenures_of
from jepsen_tests.check.times import NEVER_NS
from jepsen_tests.history import History, Operation, Status
from jepsen_tests.verdict import Finding


def overlapping(history: History, claims: list[Claim]) -> Iterator[Finding]:
    """Claims whose older neighbour must still have held the lock."""
    rate_max = clock_rate_max(history)
    by_name: dict[str, list[Claim]] = {}
    for claim in claims:
        by_name.setdefault(claim.name, []).append(claim)
    if not rate_max:
        return
    tenures, deleters = tenures_of(history), _Deleters(history)
    for of_name in by_name.values():
        for older, newer in pairwise(sorted(of_name, key=lambda claim: claim.created)):
            tenure = tenures.get(older.operation.lease)
            told_ns = newer.operation.return_ns or NEVER_NS
            if tenure is None or not tenure.is_once or older.contender.key == newer.contender.key:
                continue
            revoked_ns = min((revoke.call_ns for revoke in tenure.revokes), default=NEVER_NS)
            deleted_ns = deleters.first_call_ns(older)
            if told_ns < min(tenure.certain_until_ns(rate_max), revoked_ns, deleted_ns):
                what = f"{older.name!r} was given away while {older.contender.key!r} held it: "
                what += "nobody gave it up, and its lease can't have ended."
                yield finding(what, older.operation, newer.operation, tenure.last_renewal())


class _Deleters:
    """What may have deleted keys, by the key where it names one."""

    def __init__(self, history: History) -> None:
        self._of_key: dict[str, int] = {}
        """The earliest call."""
        self._wide: list[Operation] = []
        for function in ("delete", "release", "resign", "txn"):
            for operation in history.by_function.get(function, []):
                if operation.status is not Status.FAIL:
                    self._take(operation)
        for function in ("acquire", "campaign"):
            claims = history.by_function.get(function, [])
            self._wide += (claim for claim in claims if claim.status is not Status.OK)

    def first_call_ns(self, claim: Claim) -> int:
        """When it was first asked for to delete the claim's key."""
        key, lease = claim.contender.key, claim.operation.lease
        wide = [
            operation.call_ns
            for operation in self._wide
            # Who gives up deletes no key of another's lease.
            if operation.lease in {0, lease} and may_delete(operation, key)
        ]
        return min([self._of_key.get(key, NEVER_NS), *wide])

    def _take(self, operation: Operation) -> None:
        keys = keys_deleted(operation)
        if operation.function in {"release", "resign"} and operation.value is not None:
            keys = {str(operation.value)}
        elif operation.function == "delete" and not operation.range_end:
            keys = {operation.key}
        elif operation.function != "txn":
            self._wide.append(operation)
        for key in keys:
            self._of_key[key] = min(self._of_key.get(key, NEVER_NS), operation.call_ns)
