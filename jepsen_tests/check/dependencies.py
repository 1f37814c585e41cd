"""A graph of transactions, in which an edge says "came before", and its cycles.

Strongly connected components are found by Tarjan's algorithm, without recursion; a shortest cycle
in one of them by breadth-first search. Everything is linear but that search, whose number of starts
is bounded.
"""

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise


class Kind(IntEnum):
    """Why one transaction came before another (Adya 1999; Alvaro and Kingsbury 2020).

    Each is a bit; kinds together are a plain integer.
    """

    WW = 1
    """The second overwrote, or added to, what the first wrote."""
    WR = 2
    """The second read what the first wrote."""
    RW = 4
    """The first did not see yet what the second wrote."""
    PROCESS = 8
    """The same client did first the one, then the other."""
    REALTIME = 16
    """The first had returned before the second was called."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One step of a cycle."""

    before: int
    after: int
    kind: Kind


_STARTS_MAX = 200
"""From so many transactions of a component a shortest cycle is looked for."""


class Graph:
    """Which transaction came before which, and why."""

    def __init__(self, size: int) -> None:
        self.after: list[dict[int, int]] = [{} for _ in range(size)]
        """For each transaction those after it, with the kinds of the edge."""
        self.evidence: dict[tuple[int, int, Kind], Hashable] = {}

    def add(self, before: int, after: int, kind: Kind, evidence: Hashable = None) -> None:
        """Adds an edge; of several reasons of a kind the first is kept."""
        if before == after:
            return
        edges = self.after[before]
        kinds = edges.get(after, 0)
        if not kinds & kind:
            edges[after] = kinds | kind
            if evidence is not None:
                self.evidence[before, after, kind] = evidence

    def components(self, kinds: int, among: Collection[int] | None = None) -> Iterator[list[int]]:
        """The strongly connected components of more than one, by edges of these kinds."""
        yield from _Tarjan(self._step(kinds, among)).run(
            range(len(self.after)) if among is None else among
        )

    def shortest_cycle(self, kinds: int, among: Collection[int]) -> list[Edge]:
        """A shortest cycle by edges of these kinds; empty if there is none."""
        step = self._step(kinds, among)
        best: list[int] = []
        for start in sorted(among)[:_STARTS_MAX]:
            path = _path(step, start, start)
            if path and (not best or len(path) < len(best)):
                best = path
        return self._edges(best, kinds)

    def cycle_with_one(self, kind: Kind, others: int, among: Collection[int]) -> list[Edge]:
        """A short cycle with one edge of a kind, the others of other kinds; or empty."""
        step = self._step(others, among)
        best: list[int] = []
        first = [
            (before, after)
            for before in sorted(among)
            for after, kinds in self.after[before].items()
            if kinds & kind and after in among
        ]
        for before, after in first[:_STARTS_MAX]:
            path = _path(step, after, before)
            if path and (not best or len(path) + 1 < len(best)):
                best = [before, *path]
        if not best:
            return []
        return [Edge(best[0], best[1], kind), *self._edges(best[1:], others)]

    def _step(self, kinds: int, among: Collection[int] | None) -> Callable[[int], list[int]]:
        def step(node: int) -> list[int]:
            edges = self.after[node].items()
            return [
                after for after, has in edges if has & kinds and (among is None or after in among)
            ]

        return step

    def _edges(self, path: list[int], kinds: int) -> list[Edge]:
        """The edges along a path, each with the strongest reason among these kinds."""
        edges = []
        for before, after in pairwise(path):
            has = self.after[before][after] & kinds
            edges.append(Edge(before, after, Kind(has & -has)))
        return edges


def _path(step: Callable[[int], list[int]], start: int, goal: int) -> list[int]:
    """A shortest path of at least one edge; empty if there is none."""
    came_from: dict[int, int] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for after in step(node):
            if after == goal:
                path = [goal, node]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return path[::-1]
            if after not in came_from and after != start:
                came_from[after] = node
                queue.append(after)
    return []


class _Tarjan:
    """Tarjan's strongly connected components (1972), with a stack of our own."""

    def __init__(self, step: Callable[[int], list[int]]) -> None:
        self._step = step
        self._index: dict[int, int] = {}
        self._low: dict[int, int] = {}
        self._stack: list[int] = []
        self._on_stack: set[int] = set()

    def run(self, nodes: Iterable[int]) -> Iterator[list[int]]:
        for root in nodes:
            if root not in self._index:
                yield from self._visit(root)

    def _visit(self, root: int) -> Iterator[list[int]]:
        index, low = self._index, self._low
        self._enter(root)
        calls = [(root, iter(self._step(root)))]
        while calls:
            node, following = calls[-1]
            for after in following:
                if after not in index:
                    self._enter(after)
                    calls.append((after, iter(self._step(after))))
                    break
                if after in self._on_stack:
                    low[node] = min(low[node], index[after])
            else:
                calls.pop()
                if calls:
                    caller = calls[-1][0]
                    low[caller] = min(low[caller], low[node])
                if low[node] == index[node]:
                    component = self._leave(node)
                    if len(component) > 1:
                        yield component

    def _enter(self, node: int) -> None:
        self._index[node] = self._low[node] = len(self._index)
        self._stack.append(node)
        self._on_stack.add(node)

    def _leave(self, node: int) -> list[int]:
        """The component whose first node this is."""
        position = len(self._stack) - 1
        while self._stack[position] != node:
            position -= 1
        component = self._stack[position:]
        del self._stack[position:]
        self._on_stack.difference_update(component)
        return component
