"""Writing header blocks (RFC 7541): one encoder a connection and direction.

The caller says which fields will come again; those enter the dynamic table the first time and are
one byte from then on. All others are literals. Strings are sent plain, never in Huffman code: our
headers are few and short. `changes` tells a caller who keeps encoded blocks when they are out of
date.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, TypeAlias

from raftkv.wire.frames import HEADER_TABLE_BYTES_DEFAULT
from raftkv.wire.static_table import FIRST_DYNAMIC_INDEX, STATIC_FIELDS

HeaderPair: TypeAlias = tuple[str, str]

_STATIC_PAIRS: Final = {
    (field.name, field.value): index for index, field in reversed([*enumerate(STATIC_FIELDS, 1)])
}
_STATIC_NAMES: Final = {
    field.name: index for index, field in reversed([*enumerate(STATIC_FIELDS, 1)])
}


def encode_integer(value: int, prefix_bits: int, flags: int = 0) -> bytes:
    """Returns the integer in RFC 7541's form (section 5.1), `flags` above its prefix."""
    prefix_max = (1 << prefix_bits) - 1
    if value < prefix_max:
        return bytes((flags | value,))
    encoded = bytearray((flags | prefix_max,))
    value -= prefix_max
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _string(text: str) -> bytes:
    raw = text.encode("latin-1")
    return encode_integer(len(raw), 7) + raw


class Encoder:
    """The encoding side of HPACK."""

    def __init__(self) -> None:
        self.changes = 0
        """Counts what makes blocks encoded earlier unusable: insertions, evictions, size
        updates."""
        self._entries: deque[HeaderPair] = deque()
        self._numbers: dict[HeaderPair, int] = {}
        self._inserted = 0
        self._table_bytes = 0
        self._capacity_bytes = HEADER_TABLE_BYTES_DEFAULT
        self._announced_bytes = HEADER_TABLE_BYTES_DEFAULT
        self._lowest_bytes = HEADER_TABLE_BYTES_DEFAULT

    def limit_table(self, bytes_max: int) -> None:
        r"""Takes the peer\'s HEADER_TABLE_SIZE; the next block announces what we then use."""
        capacity = min(bytes_max, HEADER_TABLE_BYTES_DEFAULT)
        if capacity == self._capacity_bytes:
            return
        self._capacity_bytes = capacity
        self._lowest_bytes = min(self._lowest_bytes, capacity)
        self.changes += 1
        self._evict()

    def encode(self, lasting: Iterable[HeaderPair], passing: Iterable[HeaderPair] = ()) -> bytes:
        """Returns a block with the fields of both, those of `lasting` first and remembered."""
        pieces = []
        if (
            self._capacity_bytes != self._announced_bytes
            or self._lowest_bytes < self._announced_bytes
        ):
            pieces.append(self._size_updates())
        for pair in lasting:
            index = self._index(pair)
            if index:
                pieces.append(encode_integer(index, 7, 0x80))
            elif self._size(pair) <= self._capacity_bytes:
                pieces.append(self._literal(pair, 6, 0x40))
                self._insert(pair)
            else:
                pieces.append(self._literal(pair, 4, 0x00))
        for pair in passing:
            index = self._index(pair)
            if index:
                pieces.append(encode_integer(index, 7, 0x80))
            else:
                pieces.append(self._literal(pair, 4, 0x00))
        return b"".join(pieces)

    def encode_known(self, fields: Iterable[HeaderPair]) -> bytes:
        """Returns a block with the fields if each is in a table and nothing is to be announced.

        Otherwise returns no bytes. Changes nothing, so the block need not be sent.
        """
        if (
            self._capacity_bytes != self._announced_bytes
            or self._lowest_bytes < self._announced_bytes
        ):
            return b""
        indices = [self._index(pair) for pair in fields]
        return b"".join([encode_integer(i, 7, 0x80) for i in indices]) if all(indices) else b""

    def encode_name(self, name: str) -> bytes:
        """Returns the start of a literal that never enters the table, up to its value.

        No bytes if the name is in no table.
        """
        index = self._name_index(name)
        return encode_integer(index, 4) if index else b""

    def _size_updates(self) -> bytes:
        """Announces the table's capacity, the lowest it had in between first (section 4.2)."""
        updates = b""
        if self._lowest_bytes < min(self._announced_bytes, self._capacity_bytes):
            updates = encode_integer(self._lowest_bytes, 5, 0x20)
        updates += encode_integer(self._capacity_bytes, 5, 0x20)
        self._announced_bytes = self._lowest_bytes = self._capacity_bytes
        self.changes += 1
        return updates

    def _index(self, pair: HeaderPair) -> int:
        """Returns the index of the whole field, 0 when no table has it."""
        index = _STATIC_PAIRS.get(pair)
        if index is not None:
            return index
        number = self._numbers.get(pair)
        return 0 if number is None else FIRST_DYNAMIC_INDEX + self._inserted - number

    def _name_index(self, name: str) -> int:
        """Returns the index of a field of that name, 0 when no table has one."""
        index = _STATIC_NAMES.get(name)
        if index is not None:
            return index
        for position, (known, _) in enumerate(self._entries):
            if known == name:
                return FIRST_DYNAMIC_INDEX + position
        return 0

    def _literal(self, pair: HeaderPair, prefix_bits: int, flags: int) -> bytes:
        name, value = pair
        index = self._name_index(name)
        encoded_name = b"" if index else _string(name)
        return encode_integer(index, prefix_bits, flags) + encoded_name + _string(value)

    @staticmethod
    def _size(pair: HeaderPair) -> int:
        return len(pair[0]) + len(pair[1]) + 32

    def _insert(self, pair: HeaderPair) -> None:
        self._inserted += 1
        self._entries.appendleft(pair)
        self._numbers[pair] = self._inserted
        self._table_bytes += self._size(pair)
        self.changes += 1
        self._evict()

    def _evict(self) -> None:
        while self._table_bytes > self._capacity_bytes:
            pair = self._entries.pop()
            del self._numbers[pair]
            self._table_bytes -= self._size(pair)
