"""Half-open intervals of keys, and which of them contain a key.

A treap: a search tree by (start, end) and at the same time a heap by a pseudo-random rank, so that
it stays shallow whatever the order of insertion (Seidel and Aragon, 1996). Every node knows the
greatest end below it, so a search leaves out subtrees that end before the key. Finding k of n
intervals takes O(log n + k) for intervals that are mostly disjoint, inserting and removing O(log
n).
"""

from typing import Generic, TypeVar

Value = TypeVar("Value")

_RANK_MODULUS = 1 << 64


class _Node(Generic[Value]):
    __slots__ = ("end", "end_max", "left", "rank", "right", "start", "value")

    def __init__(self, start: bytes, end: bytes, value: Value, rank: int) -> None:
        self.start = start
        self.end = end
        self.value = value
        self.rank = rank
        """A parent's rank is at least its children's."""
        self.end_max = end
        """The greatest end in the subtree."""
        self.left: _Node[Value] | None = None
        self.right: _Node[Value] | None = None

    def update(self) -> None:
        """Computes `end_max` from the children's."""
        end_max = self.end
        if self.left is not None and self.left.end_max > end_max:
            end_max = self.left.end_max
        if self.right is not None and self.right.end_max > end_max:
            end_max = self.right.end_max
        self.end_max = end_max


class IntervalTree(Generic[Value]):
    """A map from intervals [start, end) to values that finds what a key is in."""

    def __init__(self) -> None:
        self._root: _Node[Value] | None = None
        self._rank = 1
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def get(self, start: bytes, end: bytes) -> Value | None:
        """The value of exactly this interval, or None."""
        node = self._root
        wanted = (start, end)
        while node is not None:
            here = (node.start, node.end)
            if here == wanted:
                return node.value
            node = node.left if wanted < here else node.right
        return None

    def stab(self, key: bytes) -> list[Value]:
        """The values of all intervals that contain `key`, in the order of their intervals."""
        found: list[Value] = []
        waiting: list[_Node[Value]] = []
        node = self._root
        while True:
            while node is not None and node.end_max > key:
                waiting.append(node)
                node = node.left
            if not waiting:
                return found
            node = waiting.pop()
            if node.start > key:
                # All further nodes start even later: those waiting are this one's ancestors to the
                # right.
                return found
            if node.end > key:
                found.append(node.value)
            node = node.right

    def insert(self, start: bytes, end: bytes, value: Value) -> None:
        """Adds an interval that is not there yet."""
        assert start < end, f"empty interval [{start!r}, {end!r})"
        # A full-period linear congruential sequence (Knuth's MMIX constants): no clock, no chance.
        self._rank = (self._rank * 6364136223846793005 + 1442695040888963407) % _RANK_MODULUS
        left, right = _split(self._root, (start, end))
        node = _Node(start, end, value, self._rank >> 16)
        self._root = _join(_join(left, node), right)
        self._length += 1

    def remove(self, start: bytes, end: bytes) -> None:
        """Removes an interval that is there."""
        self._root = _remove(self._root, (start, end))
        self._length -= 1


def _split(
    node: _Node[Value] | None, at: tuple[bytes, bytes]
) -> tuple[_Node[Value] | None, _Node[Value] | None]:
    """The nodes before `at`, and those after it."""
    if node is None:
        return None, None
    here = (node.start, node.end)
    assert here != at, f"interval [{at[0]!r}, {at[1]!r}) is already there"
    if here < at:
        node.right, right = _split(node.right, at)
        node.update()
        return node, right
    left, node.left = _split(node.left, at)
    node.update()
    return left, node


def _join(left: _Node[Value] | None, right: _Node[Value] | None) -> _Node[Value] | None:
    """One tree of two, every interval of `left` being before every interval of `right`."""
    if left is None or right is None:
        return left or right
    if left.rank >= right.rank:
        left.right = _join(left.right, right)
        left.update()
        return left
    right.left = _join(left, right.left)
    right.update()
    return right


def _remove(node: _Node[Value] | None, at: tuple[bytes, bytes]) -> _Node[Value] | None:
    assert node is not None, f"interval [{at[0]!r}, {at[1]!r}) is not there"
    here = (node.start, node.end)
    if here == at:
        return _join(node.left, node.right)
    if at < here:
        node.left = _remove(node.left, at)
    else:
        node.right = _remove(node.right, at)
    node.update()
    return node
