"""Total: money is moved, never made or lost, so every read of all accounts has the same sum."""

from collections.abc import Iterator
from dataclasses import dataclass

from jepsen_tests.check.event_log import finding, key_values_of
from jepsen_tests.check.findings import judged
from jepsen_tests.history import History, Status
from jepsen_tests.verdict import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Total:
    """Checks reads of all keys under a prefix, whose values are numbers."""

    prefix: str
    due: int
    name: str = "total"

    def check(self, history: History) -> Verdict:
        """Whether no read saw another sum; one from before the accounts were opened is empty."""
        return judged(self.name, self._look(history))

    def _look(self, history: History) -> Iterator[Finding]:
        for read in history.by_function.get("range", []):
            if read.key != self.prefix or read.status is not Status.OK:
                continue
            balances = {kv["key"]: int(kv["value"]) for kv in key_values_of(read)}
            if balances and sum(balances.values()) != self.due:
                yield finding(
                    f"The accounts have {sum(balances.values())} together, not {self.due}.", read
                )
            for account, balance in balances.items():
                if balance < 0:
                    yield finding(f"{account!r} has {balance}.", read)
