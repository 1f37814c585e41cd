"""The search for a linearization: Wing and Gong's, with Lowe's memory of configurations.

A configuration is a set of operations that are linearized and the state that they lead to. From
each, the search tries the operations that were called before the first pending return; where none
leads on, it goes back (Wing and Gong 1993). A configuration is explored once, however it was
reached (Lowe 2017). Four things keep the tree small:

- The set is a number, `base`, below which all are linearized, and a short mask above it. Where
  nothing is open the mask is empty, so all ways to such a point with one state are one, and what
  was before it is never looked at again for that state.
- What changes nothing is linearized as soon as the state allows it, and never taken back: nothing
  that was possible before is impossible after.
- Operations without a known outcome are tried last, in the order of their calls among equals, and
  only where they change the state. If a configuration was explored, one that differs by having
  used up more of them has nothing to add.
- States and meanings of operations are numbered, so that the model is asked once for each pair.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from jepsen_tests.check.timeline import Timeline
from jepsen_tests.history import Operation
from jepsen_tests.model.model import ILLEGAL, Model

_REFUSED = -1


_Configuration: TypeAlias = tuple[int, int, int, int, int, int]
"""What is linearized, the state, and what has not been tried from there, as plain numbers:

- base: all operations below this number are linearized;
- done: those above it that are, as a mask from `base` on;
- used: those without a known outcome that are, as a mask;
- state: its number;
- untried: operations to try next, as `done`;
- untried_open: the same of those without a known outcome, as `used`.
"""


@dataclass(frozen=True, slots=True)
class Prefix:
    """A longest partial linearization, and what could not follow it."""

    linearized: tuple[Operation, ...]
    state: object
    stuck: tuple[Operation, ...]
    """What had been called before the first of them returned, that one first."""


class Search:
    """The search in one part, in slices of steps.

    A step is one operation held against one configuration.
    """

    def __init__(self, timeline: Timeline, model: Model[Any]) -> None:
        self.timeline = timeline
        self.steps = 0
        self._model = model
        self._states: list[object] = []
        self._number_of: dict[object, int] = {}
        self._rows: list[dict[int, int]] = []
        """For each state: where each action leads, or `_REFUSED`."""
        self._explored: dict[tuple[int, int, int], list[int]] = {}
        """By base, done and state: the sets of open operations that were used up."""
        self._path: list[_Configuration] = []
        self._longest: tuple[_Configuration, ...] = ()
        self._longest_count = -1
        initial = self._intern(model.initial)
        self._is_linearizable = not timeline.returned or self._arrive(0, 0, 0, initial)

    @property
    def configurations(self) -> int:
        """How many are remembered, each a few hundred bytes."""
        return len(self._explored)

    def advance(self, steps: int) -> bool | None:
        """Searches on; whether there is a linearization, or None if that is not known yet."""
        path, rows, actions = self._path, self._rows, self.timeline.returned_action
        steps_max = self.steps + steps
        while path and not self._is_linearizable:
            if self.steps >= steps_max:
                return None
            base, done, used, state, untried, untried_open = path[-1]
            row = rows[state]
            while untried:
                bit = untried & -untried
                untried ^= bit
                self.steps += 1
                action = actions[base + bit.bit_length() - 1]
                after = row.get(action)
                if after is None:
                    after = self._step(state, action)
                if after >= 0:
                    path[-1] = base, done, used, state, untried, untried_open
                    self._is_linearizable = self._arrive(base, done | bit, used, after)
                    break
            else:
                path[-1] = base, done, used, state, 0, untried_open
                if not self._try_open():
                    self._give_up()
        return self._is_linearizable

    def _arrive(self, base: int, done: int, used: int, state: int) -> bool:
        """Takes what is pure, and remembers the configuration; whether it is the last one."""
        timeline, row = self.timeline, self._rows[state]
        actions, pure_at = timeline.returned_action, timeline.pure_at
        while True:
            if done & 1:
                linearized = (~done & (done + 1)).bit_length() - 1
                base += linearized
                done >>= linearized
                if base == len(actions):
                    return True
            pure = pure_at[base] & ~done
            while pure:
                bit = pure & -pure
                pure ^= bit
                self.steps += 1
                action = actions[base + bit.bit_length() - 1]
                after = row.get(action)
                if after is None:
                    after = self._step(state, action)
                if after == state:
                    done |= bit
            if not done & 1:
                break
        if self._is_new(base, done, used, state):
            untried = timeline.callable_at[base] & ~done & ~pure_at[base]
            untried_open = (1 << timeline.open_callable_at[base]) - 1 & ~used
            self._path.append((base, done, used, state, untried, untried_open))
        return False

    def _is_new(self, base: int, done: int, used: int, state: int) -> bool:
        key = base, done, state
        explored = self._explored.get(key)
        if explored is None:
            self._explored[key] = [used]
            return True
        if any(fewer & used == fewer for fewer in explored):
            return False
        explored.append(used)
        return True

    def _try_open(self) -> bool:
        """Linearizes one more operation without a known outcome, if one would change the state."""
        base, done, used, state, _, untried = self._path[-1]
        timeline = self.timeline
        while untried:
            bit = untried & -untried
            untried ^= bit
            index = bit.bit_length() - 1
            if timeline.open_twin[index] & ~used:
                continue
            self.steps += 1
            after = self._step(state, timeline.open_action[index])
            if after not in (_REFUSED, state):
                self._path[-1] = base, done, used, state, 0, untried
                self._is_linearizable = self._arrive(base, done, used | bit, after)
                return True
        return False

    def _give_up(self) -> None:
        """Goes back from a configuration all of whose ways were tried."""
        base, done = self._path[-1][:2]
        count = base + done.bit_count()
        if count > self._longest_count:
            self._longest_count = count
            self._longest = tuple(self._path)
        self._path.pop()

    def _step(self, state: int, action: int) -> int:
        row = self._rows[state]
        after = row.get(action)
        if after is None:
            stepped = self._model.step(self._states[state], self.timeline.actions[action])
            after = _REFUSED if stepped is ILLEGAL else self._intern(stepped)
            row[action] = after
        return after

    def _intern(self, state: object) -> int:
        number = self._number_of.setdefault(state, len(self._states))
        if number == len(self._states):
            self._states.append(state)
            self._rows.append({})
        return number

    def longest(self) -> Prefix:
        """How far the search got at best."""
        linearized: list[Operation] = []
        base = done = used = state = 0
        path = self._longest or self._path
        for configuration in path:
            linearized += self._between(base, done, used, configuration)
            base, done, used, state, *_ = configuration
        timeline = self.timeline
        waiting = timeline.callable_at[base] & ~done
        stuck = tuple(timeline.returned[base + index] for index in _bits(waiting))
        return Prefix(tuple(linearized), self._states[state], stuck)

    def _between(
        self, base: int, done: int, used: int, following: _Configuration
    ) -> list[Operation]:
        """What was linearized from one configuration to the next: first what changed the state."""
        timeline = self.timeline
        next_base, next_done, next_used, *_ = following
        before = done << base | (1 << base) - 1
        after = next_done << next_base | (1 << next_base) - 1
        added = [timeline.returned[index] for index in _bits(after & ~before)]
        added.sort(key=lambda operation: self._model.is_pure(self._model.action(operation)))
        return [*(timeline.open[index] for index in _bits(next_used & ~used)), *added]


def _bits(mask: int) -> list[int]:
    return [index for index, bit in enumerate(reversed(f"{mask:b}")) if bit == "1"]
