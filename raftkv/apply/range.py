"""Range: reads one key or a range of keys, now or at an earlier revision.

Rows go into the answer as they are stored. A large range is read in steps that pin one revision, so
that whoever runs them can let other work in between; a small one, and one in a transaction, in a
single piece.
"""

from collections.abc import Generator
from sys import maxsize
from typing import Protocol, TypeAlias

from raftkv.apply import selection
from raftkv.apply.fields import number
from raftkv.apply.interval import end_of
from raftkv.command.types import Failure
from raftkv.mvcc.record import delimited, without_value
from raftkv.mvcc.store import Store
from raftkv.pb.rpc_pb2 import RangeRequest

KEYS_PER_STEP = 256
"""Keys read in between two pauses."""

RangeAnswer: TypeAlias = tuple[int, bytes] | Failure
"""(the newest revision, the RangeResponse without its header), or why not."""

_KVS = b"\x12"
_MORE = b"\x18\x01"
_COUNT = b"\x20"
_COUNT_ONE = b"\x20\x01"


class View(Protocol):
    """Whose newest revision counts: the store's, or that of a transaction under way."""

    @property
    def revision(self) -> int:
        """The newest revision."""


def execute_range(store: Store, request: RangeRequest, view: View | None = None) -> RangeAnswer:
    """Reads a range in one piece."""
    if request.range_end:
        return _run(range_steps(store, request, view))
    store.counts.ranges += 1
    newest = store.revision if view is None else view.revision
    revision = _pinned(store, request.revision, newest)
    if isinstance(revision, Failure):
        return revision
    return newest, _one_key(store, request, revision, newest)


def range_steps(
    store: Store, request: RangeRequest, view: View | None = None
) -> Generator[None, None, RangeAnswer]:
    """Reads a range, pausing after each `KEYS_PER_STEP` keys; the store may change meanwhile.

    A compaction past the revision that is read ends it with COMPACTED.
    """
    store.counts.ranges += 1
    newest = store.revision if view is None else view.revision
    revision = _pinned(store, request.revision, newest)
    if isinstance(revision, Failure):
        return revision
    if not request.range_end:
        return newest, _one_key(store, request, revision, newest)
    try:
        body = yield from _Reading(store, request, view or store, revision).steps()
    except _CompactedError:
        return Failure.COMPACTED
    return newest, body


def _run(steps: Generator[None, None, RangeAnswer]) -> RangeAnswer:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: RangeAnswer = end.value
            return answer


def _pinned(store: Store, revision: int, newest: int) -> int | Failure:
    """The revision to read at."""
    if revision > newest:
        return Failure.FUTURE_REVISION
    if revision <= 0:
        return newest
    return Failure.COMPACTED if revision < store.compact_revision else revision


def _one_key(store: Store, request: RangeRequest, revision: int, newest: int) -> bytes:
    key = request.key
    index = store.index
    row_key = index.find(key) if revision == newest else index.find_at(key, revision)
    if row_key is None:
        return b""
    if request.count_only:
        return _COUNT_ONE
    rows = store.rows.get_many([row_key])
    if selection.has_filters(request) and not (
        selection.pick_row_keys(request, [row_key]) and selection.pick_rows(request, rows)
    ):
        return _COUNT_ONE
    row = without_value(rows[0]) if request.keys_only else rows[0]
    return delimited(_KVS, row) + _COUNT_ONE


class _CompactedError(Exception):
    """The revision that is being read was compacted away between two steps."""


class _Reading:
    """A range of keys being read at one revision."""

    def __init__(self, store: Store, request: RangeRequest, view: View, revision: int) -> None:
        self._store = store
        self._request = request
        self._view = view
        self._revision = revision
        self._end = end_of(request.key, request.range_end)
        self._next: bytes | None = request.key
        """Where the next page begins; None after the last."""

    def steps(self) -> Generator[None, None, bytes]:
        """The response without its header."""
        request = self._request
        count = yield from self._count()
        if request.count_only:
            return number(_COUNT, count)
        limit = request.limit if request.limit > 0 else maxsize
        if selection.is_plain(request):
            kvs = yield from self._first_kvs(limit)
            more = count > limit
        else:
            kvs, more = yield from self._selected(limit)
        return kvs + (_MORE if more else b"") + number(_COUNT, count)

    def _count(self) -> Generator[None, None, int]:
        start = self._request.key
        index = self._store.index
        if self._is_newest:
            return index.live.count(start, self._end)
        count = index.count_at(start, self._end, self._revision)
        if count is None:
            row_keys = yield from self._first_row_keys(maxsize)
            count = len(row_keys)
            self._next = start
        return count

    def _first_kvs(self, keys_max: int) -> Generator[None, None, bytes]:
        """The first keys of the range, as fields of the response."""
        kvs: list[bytes] = []
        left = keys_max
        while True:
            row_keys = self._page(left)
            kvs.append(self._kvs(self._store.rows.get_many(row_keys)))
            left -= len(row_keys)
            if self._next is None or not left:
                return b"".join(kvs)
            yield from self._pause()

    def _first_row_keys(self, keys_max: int) -> Generator[None, None, list[bytes]]:
        """The row keys of the first keys of the range."""
        row_keys: list[bytes] = []
        while True:
            row_keys += self._page(keys_max - len(row_keys))
            if self._next is None or len(row_keys) == keys_max:
                return row_keys
            yield from self._pause()

    def _selected(self, limit: int) -> Generator[None, None, tuple[bytes, bool]]:
        """What is left after filtering, sorting and the limit; and whether there were more."""
        request = self._request
        considered = selection.keys_considered(request) or maxsize
        row_keys = yield from self._first_row_keys(considered)
        row_keys = selection.pick_row_keys(request, row_keys)
        if selection.needs_rows(request):
            rows = yield from self._rows(row_keys)
            rows = selection.sort_rows(request, selection.pick_rows(request, rows))
            return self._kvs(rows[:limit]), len(rows) > limit
        row_keys = selection.sort_row_keys(request, row_keys)
        rows = yield from self._rows(row_keys[:limit])
        return self._kvs(rows), len(row_keys) > limit

    def _page(self, keys_max: int) -> list[bytes]:
        """The row keys of the next keys: at most `KEYS_PER_STEP` are looked at."""
        assert self._next is not None, "a page after the last"
        wanted = min(KEYS_PER_STEP, keys_max)
        index = self._store.index
        if self._is_newest:
            page, self._next = index.page(self._next, self._end, wanted)
        else:
            page, self._next = index.page_at(self._next, self._end, self._revision, wanted)
        return page

    def _rows(self, row_keys: list[bytes]) -> Generator[None, None, list[bytes]]:
        rows: list[bytes] = []
        for at in range(0, len(row_keys), KEYS_PER_STEP):
            if at:
                yield from self._pause()
            rows += self._store.rows.get_many(row_keys[at : at + KEYS_PER_STEP])
        return rows

    def _kvs(self, rows: list[bytes]) -> bytes:
        """Rows as fields of the response."""
        if self._request.keys_only:
            rows = [without_value(row) for row in rows]
        return b"".join([delimited(_KVS, row) for row in rows])

    def _pause(self) -> Generator[None, None, None]:
        yield
        if self._revision < self._store.compact_revision:
            raise _CompactedError

    @property
    def _is_newest(self) -> bool:
        """Whether what is there now is what was there at the revision."""
        return self._view.revision == self._revision
