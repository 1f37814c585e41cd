"""Whether this member is well: etcd's checks behind /health, /livez and /readyz.

A check calls back with None, or with what is wrong.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from raftkv.command.types import Failure
from raftkv.service.maintenance import alarm_name
from raftkv.service.ports import Node
from raftkv.service.status import STATUS

OnChecked: TypeAlias = Callable[[str | None], None]
Check: TypeAlias = Callable[[OnChecked], None]
OnAllChecked: TypeAlias = Callable[[list[tuple[str, str | None]]], None]


class Checks:
    """The checks of one member."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.live: dict[str, Check] = {"serializable_read": self._serializable_read}
        """Is the process able to answer at all? If not, restart it."""
        self.ready: dict[str, Check] = {
            "data_corruption": self._data_corruption,
            "serializable_read": self._serializable_read,
            "linearizable_read": self._linearizable_read,
            "non_learner": self._non_learner,
        }
        """Should clients be sent here?"""

    def alarms(self) -> list[str]:
        """The names of the alarms that are on anywhere in the cluster."""
        return [alarm_name(kind) for _, kind in self._node.state.alarms.active()]

    def has_leader(self) -> bool:
        """Whether this member knows a leader."""
        return self._node.raft.leader != 0

    def read(self, on_checked: OnChecked, *, serializable: bool) -> None:
        """Reads from the store, after a round with the leader unless `serializable`."""
        if serializable:
            self._serializable_read(on_checked)
        else:
            self._linearizable_read(on_checked)

    def _serializable_read(self, on_checked: OnChecked) -> None:
        assert self._node.state.store.revision >= 1, "a store without a revision"
        on_checked(None)

    def _linearizable_read(self, on_checked: OnChecked) -> None:
        def on_ready(failure: Failure | None) -> None:
            if failure is None:
                self._serializable_read(on_checked)
            else:
                on_checked(STATUS[failure].text)

        self._node.read_barrier(on_ready)

    def _data_corruption(self, on_checked: OnChecked) -> None:
        corrupt = self._node.state.alarms.corrupt
        on_checked("alarm activated: CORRUPT" if corrupt else None)

    def _non_learner(self, on_checked: OnChecked) -> None:
        is_learner = self._node.status.is_learner
        on_checked("not supported for learner" if is_learner else None)


def run_all(checks: Iterable[tuple[str, Check]], on_done: OnAllChecked) -> None:
    """Runs checks one after the other; calls back with every (name, what is wrong or None)."""
    remaining = iter(checks)
    outcomes: list[tuple[str, str | None]] = []

    def run_next() -> None:
        following = next(remaining, None)
        if following is None:
            on_done(outcomes)
            return
        name, check = following

        def on_checked(wrong: str | None) -> None:
            outcomes.append((name, wrong))
            run_next()

        check(on_checked)

    run_next()
