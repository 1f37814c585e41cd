"""Locks: owners come one after another in the order of revisions, each with a higher number.

No exclusion by the wall clock is asked for; `ownership.py` says why none can be.
"""

from dataclasses import dataclass
from itertools import chain

from jepsen_tests.check.event_log import event_log_of
from jepsen_tests.check.exclusion import overlapping
from jepsen_tests.check.findings import judged
from jepsen_tests.check.ownership import claims_of, holders, misowned
from jepsen_tests.history import History
from jepsen_tests.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Locks:
    """Checks `acquire` and `release`, and the transactions that a lock guards."""

    name: str = "lock"

    def check(self, history: History) -> Verdict:
        """Whether each lock had one owner at each revision, and its fencing held."""
        log = event_log_of(history)
        claims = claims_of(history, log, "acquire", "release")
        found = chain(misowned(history, log, claims), overlapping(history, claims))
        return judged(self.name, found, holders(claims))


LOCKS = Locks()
