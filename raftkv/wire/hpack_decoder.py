"""Reading header blocks (RFC 7541): one decoder a connection and direction.

Static and dynamic table are one list, so that an index is looked up in one step: entry 0 does not
exist, 1 to 61 are the static table, and the newest dynamic entry is always 62. An insertion moves
at most 128 pointers, which costs less than any cleverer structure.

A field that stays in the table is the same `Field` object each time. That is what lets
`header_cache.py` recognise a list of headers without looking at their text.

The value of `apart` (grpc-timeout) differs in almost every block of a client with deadlines. As a
literal it is returned beside the fields, not among them, so that the rest can be recognised.
"""

from typing import NoReturn

from raftkv.wire import huffman
from raftkv.wire.errors import ConnectionViolationError, ErrorCode
from raftkv.wire.frames import HEADER_TABLE_BYTES_DEFAULT
from raftkv.wire.static_table import FIRST_DYNAMIC_INDEX, STATIC_FIELDS, Field

_INTEGER_MAX = (1 << 31) - 1
_RUN_BYTES = 64
_SHORT_BYTES = 8
_KEPT_LITERALS_MAX = 64
_KEPT_LITERAL_BYTES_MAX = 256
_NO_FIELD = Field("", "")


def _fail(reason: str) -> NoReturn:
    raise ConnectionViolationError(ErrorCode.COMPRESSION_ERROR, reason)


def _integer(block: bytes, position: int, prefix_max: int) -> tuple[int, int]:
    """Reads the rest of an integer whose prefix was full (section 5.1)."""
    value = prefix_max
    shift = 0
    while True:
        byte = block[position]
        position += 1
        value += (byte & 0x7F) << shift
        if value > _INTEGER_MAX or shift > 28:
            _fail("an integer over 2^31-1")
        if byte < 0x80:
            return value, position
        shift += 7


def _string_end(block: bytes, position: int) -> int:
    """Returns where the string at `position` ends (section 5.2)."""
    length = block[position] & 0x7F
    position += 1
    if length == 0x7F:
        length, position = _integer(block, position, 0x7F)
    position += length
    if position > len(block):
        _fail("a string that goes past its header block")
    return position


def _string(block: bytes, position: int) -> tuple[str, int]:
    """Reads a string (section 5.2)."""
    first = block[position]
    position += 1
    length = first & 0x7F
    if length == 0x7F:
        length, position = _integer(block, position, 0x7F)
    stop = position + length
    if stop > len(block):
        _fail("a string that goes past its header block")
    raw = block[position:stop]
    if first < 0x80:
        return raw.decode("latin-1"), stop
    return (huffman.decode_short if length <= _SHORT_BYTES else huffman.decode)(raw), stop


class Decoder:
    """The decoding side of HPACK. After an exception the decoder must not be used again."""

    def __init__(
        self, table_bytes_max: int = HEADER_TABLE_BYTES_DEFAULT, apart: str | None = None
    ) -> None:
        self.changed = False
        """Whether the last block changed the table: an insertion or a size update."""
        self._table: list[Field] = [_NO_FIELD, *STATIC_FIELDS]
        self._table_bytes = 0
        self._capacity_bytes = table_bytes_max
        self._table_bytes_max = table_bytes_max
        self._apart = apart
        self._kept_literals: dict[tuple[str, bytes], Field] = {}

    @property
    def table_bytes(self) -> int:
        """What the dynamic table weighs (RFC 7541, section 4.1)."""
        return self._table_bytes

    def decode(self, block: bytes) -> tuple[list[Field], str | None]:
        """Returns the fields of a block, and the value that is kept apart, if there is one.

        Raises:
            ConnectionViolationError: COMPRESSION_ERROR; the table is then undefined.
        """
        table = self._table
        fields: list[Field] = []
        append = fields.append
        apart: str | None = None
        self.changed = False
        position = 0
        end = len(block)
        try:
            while position < end:
                count = len(fields)
                # Most fields are one byte, an index below 127: those first, and in a tight loop.
                for byte in block[position : position + _RUN_BYTES]:
                    if byte <= 0x80 or byte == 0xFF:
                        break
                    append(table[byte & 0x7F])
                else:
                    position += len(fields) - count
                    continue
                position += len(fields) - count + 1
                if byte == 0xFF:
                    index, position = _integer(block, position, 0x7F)
                    append(table[index])
                    continue
                if byte & 0x60 == 0x20:
                    is_first = not fields and apart is None
                    position = self._resize(block, position, byte, is_first=is_first)
                    continue
                field, position = self._literal(block, position, byte)
                if field.name != self._apart or apart is not None:
                    append(field)
                else:
                    apart = field.value
        except IndexError:
            _fail("a header block that ends early, or an index out of the table")
        except huffman.HuffmanError as error:
            _fail(str(error))
        return fields, apart

    def _resize(self, block: bytes, position: int, byte: int, *, is_first: bool) -> int:
        """Reads a table size update (section 6.3), which comes before all fields (section 4.2)."""
        if not is_first:
            _fail("a table size update after a field")
        capacity = byte & 0x1F
        if capacity == 0x1F:
            capacity, position = _integer(block, position, 0x1F)
        if capacity > self._table_bytes_max:
            _fail("a table size over SETTINGS_HEADER_TABLE_SIZE")
        self.changed = True
        self._capacity_bytes = capacity
        while self._table_bytes > capacity:
            self._table_bytes -= self._table.pop().size
        return position

    def _literal(self, block: bytes, position: int, byte: int) -> tuple[Field, int]:
        """Reads a literal field (section 6.2), and inserts it where the block says so."""
        if byte == 0x80:
            _fail("index 0")
        insert = byte & 0x40
        prefix_max = 0x3F if insert else 0x0F
        index = byte & prefix_max
        if index == prefix_max:
            index, position = _integer(block, position, prefix_max)
        if index:
            name = self._table[index].name
        else:
            name, position = _string(block, position)
        start = position
        if insert:
            value, position = _string(block, position)
            field = Field(name, value)
            self._insert(field)
            return field, position
        position = _string_end(block, position)
        return self._kept_literal(name, block[start:position]), position

    def _kept_literal(self, name: str, encoded: bytes) -> Field:
        """Returns the same object for the same literal, as long as there are few of them.

        Clients that never index a path send it as a literal in each call.
        """
        key = (name, encoded)
        field = self._kept_literals.get(key)
        if field is None:
            field = Field(name, _string(encoded, 0)[0])
            if len(name) + len(encoded) <= _KEPT_LITERAL_BYTES_MAX and name != self._apart:
                if len(self._kept_literals) >= _KEPT_LITERALS_MAX:
                    self._kept_literals.clear()
                self._kept_literals[key] = field
        return field

    def _insert(self, field: Field) -> None:
        """Makes the field the newest entry (section 4.4)."""
        self.changed = True
        table = self._table
        table.insert(FIRST_DYNAMIC_INDEX, field)
        table_bytes = self._table_bytes + field.size
        capacity_bytes = self._capacity_bytes
        while table_bytes > capacity_bytes:
            table_bytes -= table.pop().size
        self._table_bytes = table_bytes
