"""The entries that were not compacted yet, in memory, as the bytes they travel as.

The log knows where its entries are and which of them still have to be written; it does not know who
leads, nor what is committed.

Invariants:
- Entries are contiguous: the first has index `offset + 1`, the last `last_index`.
- Terms never decrease from one entry to the next, and none is below `offset_term`.
- `offset <= durable_index <= last_index`.
- Everything up to `_written` was handed out for writing; a truncation not handed out yet is
  remembered in `_truncate_from`.
"""

from bisect import bisect_right
from itertools import accumulate

from raftkv.raft.types import check_entries, entry_term


class Log:
    """One member's log from `offset + 1` on."""

    __slots__ = (
        "_entries",
        "_run",
        "_run_first",
        "_truncate_from",
        "_written",
        "byte_size",
        "durable_index",
        "last_index",
        "offset",
        "offset_term",
    )

    def __init__(self, offset: int, offset_term: int, entries: list[bytes], term_max: int) -> None:
        """Takes over a stored log.

        Args:
            offset: The index that a snapshot or the stored state stands for; entries follow it.
            offset_term: The term of the entry that was at `offset`.
            entries: All of them durable.
            term_max: The member's current term, beyond which no entry can be.

        Raises:
            CorruptEntryError: An entry is damaged or out of place.
        """
        check_entries(entries, offset, offset_term, term_max)
        self.offset = offset
        self.offset_term = offset_term
        self.last_index = offset + len(entries)
        self.durable_index = self.last_index
        self.byte_size = sum(map(len, entries))
        self._entries = list(entries)
        self._written = self.last_index
        self._truncate_from = 0
        self._run_first = 0
        self._run: tuple[list[bytes], int] = ([], 0)

    @property
    def first_index(self) -> int:
        """The index of the first entry that is here, or would be."""
        return self.offset + 1

    @property
    def last_term(self) -> int:
        """The term of the last entry, compacted or not."""
        return entry_term(self._entries[-1]) if self._entries else self.offset_term

    def term_at(self, index: int) -> int | None:
        """The term of the entry at `index`; None when it was compacted or does not exist."""
        if self.offset < index <= self.last_index:
            return entry_term(self._entries[index - self.offset - 1])
        return self.offset_term if index == self.offset else None

    def slice(self, first: int, last: int) -> list[bytes]:
        """The entries from `first` to `last`, both included, both of them here."""
        assert self.offset < first, (
            f"entry {first} is compacted, the log starts after {self.offset}"
        )
        assert last <= self.last_index, f"entry {last} is beyond the end at {self.last_index}"
        return self._entries[first - self.offset - 1 : last - self.offset]

    def run(self, first: int, bytes_max: int) -> tuple[list[bytes], int]:
        """Entries from `first` on, and their bytes: as many as fit, but at least one.

        Followers mostly need the same run, so the last answer is kept and shared: don't change it.
        """
        if first == self._run_first:
            return self._run
        entries = self.slice(first, self.last_index)
        size = sum(map(len, entries))
        if size > bytes_max and len(entries) > 1:
            sizes = list(accumulate(map(len, entries)))
            count = max(1, bisect_right(sizes, bytes_max))
            del entries[count:]
            size = sizes[count - 1]
        self._run_first, self._run = first, (entries, size)
        return self._run

    def last_agreeable(self, index: int, term: int, floor: int) -> int:
        """The highest index in `floor..index` whose term is at most `term`; else `floor`.

        Whoever has an entry of `term` at `index` can't agree with us where our term is higher: this
        skips a whole term of conflicting entries in one message (section 5.3, the optimization).
        """
        assert floor >= self.offset, f"floor {floor} is compacted, log starts after {self.offset}"
        high = min(index, self.last_index)
        if high <= floor:
            return min(index, floor)
        low, high = floor - self.offset, high - self.offset
        return self.offset + bisect_right(self._entries, term, lo=low, hi=high, key=entry_term)

    def append(self, entries: list[bytes]) -> int:
        """Adds entries that were checked to follow the last one; returns their bytes."""
        size = sum(map(len, entries))
        self._entries += entries
        self.last_index += len(entries)
        self.byte_size += size
        self._run_first = 0
        return size

    def truncate(self, index: int) -> None:
        """Removes the entry at `index` and all that follow it."""
        assert self.offset < index <= self.last_index, (
            f"truncating at {index}, the log has {self.first_index}..{self.last_index}"
        )
        place = index - self.offset - 1
        self.byte_size -= sum(map(len, self._entries[place:]))
        del self._entries[place:]
        self.last_index = index - 1
        self.durable_index = min(self.durable_index, self.last_index)
        self._forget_written(index)

    def compact(self, index: int) -> None:
        """Removes entries up to `index`, of which the state no longer needs any."""
        term = self.term_at(index)
        assert term is not None, f"compacting to {index}, the log ends at {self.last_index}"
        assert index <= self._written, f"compacting to {index}, written are {self._written}"
        count = index - self.offset
        self.byte_size -= sum(map(len, self._entries[:count]))
        del self._entries[:count]
        self.offset, self.offset_term = index, term
        self.durable_index = max(self.durable_index, index)
        self._run_first = 0

    def restart_after(self, index: int, term: int) -> None:
        """Makes the log start after a snapshot's last entry (section 7).

        A log that has that very entry keeps what follows it; any other is discarded whole.
        """
        if self.term_at(index) == term:
            # What was not written of the part that the snapshot covers need not be written any
            # more.
            self._written = max(self._written, index)
            self.compact(index)
            return
        if self.last_index > self.offset:
            self.truncate(self.first_index)
        self.offset, self.offset_term, self.last_index = index, term, index
        self.durable_index = self._written = index
        self._run_first = 0

    def persisted(self, term: int, index: int) -> bool:
        """Notes that the entry of `term` at `index` and all before it are durable.

        Returns whether that is news about the log as it is now: a later leader may have replaced
        the entry while it was being written.
        """
        if index <= self.durable_index or self.term_at(index) != term:
            return False
        self.durable_index = index
        return True

    def take_unwritten(self) -> tuple[int, list[bytes]]:
        """(truncate from, or 0; entries to append): what the stored log lacks. Taken once."""
        truncate_from, self._truncate_from = self._truncate_from, 0
        if self._written == self.last_index:
            return truncate_from, []
        entries = self._entries[self._written - self.offset :]
        self._written = self.last_index
        return truncate_from, entries

    def _forget_written(self, index: int) -> None:
        """Entries from `index` on are gone: those that were written must go from the disk too."""
        self._run_first = 0
        if index <= self._written:
            self._written = index - 1
            self._truncate_from = min(index, self._truncate_from or index)
