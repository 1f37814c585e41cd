"""Alarms: what is wrong with which member, known to all of them."""

from typing import TypeAlias

from raftkv.mvcc.ports import Tables

NO_SPACE = 1
"""A member's space quota is used up: etcdserverpb.AlarmType.NOSPACE."""
CORRUPT = 2
"""A member's data differs from the others': etcdserverpb.AlarmType.CORRUPT."""
ANY = 0
"""In a question, every kind of alarm; or every member."""

Alarm: TypeAlias = tuple[int, int]
"""(member id, kind)"""

_TABLE = "alarm"


class Alarms:
    """The active alarms."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._active: set[Alarm] = set()
        self.any_active = False
        self.no_space = False
        """Whether any member has used up its space."""
        self.corrupt = False
        """Whether any member's data is corrupt."""

    def active(self, kind: int = ANY, member_id: int = ANY) -> list[Alarm]:
        """The active alarms of a kind and a member, in order."""
        return sorted(
            alarm
            for alarm in self._active
            if kind in (ANY, alarm[1]) and member_id in (ANY, alarm[0])
        )

    def activate(self, member_id: int, kind: int) -> None:
        """Raises an alarm, unless it is active already."""
        self._active.add((member_id, kind))
        self._tables.put(_TABLE, _stored(member_id, kind), b"")
        self._summarize()

    def deactivate(self, member_id: int, kind: int) -> None:
        """Takes back an active alarm."""
        self._active.remove((member_id, kind))
        self._tables.delete(_TABLE, _stored(member_id, kind))
        self._summarize()

    def load(self, items: list[tuple[bytes, bytes]]) -> None:
        """Takes in the stored table."""
        self._active = {(int.from_bytes(key[:8], "big"), key[8]) for key, _ in items}
        self._summarize()

    def _summarize(self) -> None:
        self.any_active = bool(self._active)
        kinds = {kind for _, kind in self._active}
        self.no_space = NO_SPACE in kinds
        self.corrupt = CORRUPT in kinds


def _stored(member_id: int, kind: int) -> bytes:
    return member_id.to_bytes(8, "big") + bytes((kind,))
