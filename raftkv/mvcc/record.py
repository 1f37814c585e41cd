"""The bytes of a row: a serialized `mvccpb.KeyValue`, made and read by hand.

A row is made once, when a key is put, and goes as it is into range responses, watch events and
`prev_kv` fields. Its fields come in the order of their numbers, and what is zero is left out, as
protobuf's own encoder does it: key 1, create_revision 2, mod_revision 3, version 4, value 5, lease
6. A tombstone has a key and a mod_revision only.
"""

from typing import NamedTuple

_KEY = 0x0A
_CREATE_REVISION = 0x10
_MOD_REVISION = 0x18
_VERSION = 0x20
_VALUE = 0x2A
_LEASE = 0x30

_UNSIGNED_LIMIT = 1 << 64
_SIGNED_LIMIT = 1 << 63
_ONE_BYTE = tuple(bytes((number,)) for number in range(0x80))
_TWO_BYTES_LIMIT = 1 << 14
_THREE_BYTES_LIMIT = 1 << 21
_FOUR_BYTES_LIMIT = 1 << 28
_LENGTHS = 0x400
_LENGTH = tuple(
    bytes((number,)) if number < 0x80 else bytes((number & 0x7F | 0x80, number >> 7))
    for number in range(_LENGTHS)
)
"""The varints of lengths that are common."""


class Fields(NamedTuple):
    """A row taken apart. A tombstone's create_revision and version are 0."""

    key: bytes
    create_revision: int
    mod_revision: int
    version: int
    value: bytes
    lease: int


def varint(number: int) -> bytes:
    """A number as protobuf's int64: negative ones take ten bytes."""
    if 0 <= number < 0x80:
        return _ONE_BYTE[number]
    if 0 <= number < _TWO_BYTES_LIMIT:
        return bytes((number & 0x7F | 0x80, number >> 7))
    if 0 <= number < _THREE_BYTES_LIMIT:
        return bytes((number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80, number >> 14))
    if 0 <= number < _FOUR_BYTES_LIMIT:
        low, high = number & 0x3FFF, number >> 14
        return bytes((low & 0x7F | 0x80, low >> 7 | 0x80, high & 0x7F | 0x80, high >> 7))
    if number < 0:
        number += _UNSIGNED_LIMIT
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned varint at `at`, and the place after it."""
    number = data[at]
    at += 1
    if number < 0x80:
        return number, at
    number &= 0x7F
    shift = 7
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def delimited(tag: bytes, payload: bytes) -> bytes:
    """A length-delimited field: a message or bytes under `tag`."""
    length = len(payload)
    return tag + (_LENGTH[length] if length < _LENGTHS else varint(length)) + payload


def encode(
    key: bytes, create_revision: int, mod_revision: int, version: int, value: bytes, lease: int
) -> bytes:
    """The row of a put; every number but `lease` is positive."""
    length = len(key)
    key_length = _LENGTH[length] if length < _LENGTHS else varint(length)
    length = len(value)
    value_length = _LENGTH[length] if length < _LENGTHS else varint(length)
    mod = varint(mod_revision)
    create = mod if create_revision == mod_revision else varint(create_revision)
    head = (b"\x0a", key_length, key, b"\x10", create, b"\x18", mod, b"\x20", varint(version))
    row = b"".join((*head, b"\x2a", value_length, value) if length else head)
    return row + b"\x30" + varint(lease) if lease else row


def encode_tombstone(key: bytes, mod_revision: int) -> bytes:
    """The row of a deletion, which is also the `kv` of its event."""
    return b"".join((b"\x0a", varint(len(key)), key, b"\x18", varint(mod_revision)))


def is_tombstone(row: bytes) -> bool:
    """Whether the row says that its key was deleted."""
    length = row[1]
    if length < 0x80:
        return row[length + 2] == _MOD_REVISION
    length, at = read_varint(row, 1)
    return row[at + length] == _MOD_REVISION


def key_of(row: bytes) -> bytes:
    """The key of a row."""
    length = row[1]
    if length < 0x80:
        return row[2 : length + 2]
    length, at = read_varint(row, 1)
    return row[at : at + length]


def create_revision_of(row: bytes) -> int:
    """The create_revision of a row that is no tombstone."""
    return read_varint(row, _after_key(row) + 1)[0]


def mod_revision_of(row: bytes) -> int:
    """The mod_revision of a row."""
    at = _after_key(row)
    if row[at] == _CREATE_REVISION:
        at = _skip_varint(row, at + 1)
    return read_varint(row, at + 1)[0]


def version_of(row: bytes) -> int:
    """The version of a row that is no tombstone."""
    at = _skip_varint(row, _after_key(row) + 1)
    at = _skip_varint(row, at + 1)
    return read_varint(row, at + 1)[0]


def value_of(row: bytes) -> bytes:
    """The value of a row."""
    start, stop = _value_field(row)
    return b"" if start == stop else row[read_varint(row, start + 1)[1] : stop]


def lease_of(row: bytes) -> int:
    """The lease of a row, 0 for none."""
    _, at = _value_field(row)
    return _signed(read_varint(row, at + 1)[0]) if at < len(row) else 0


def without_value(row: bytes) -> bytes:
    """The row as a keys-only range returns it."""
    start, stop = _value_field(row)
    return row[:start] + row[stop:]


def decode(row: bytes) -> Fields:
    """Takes a row apart."""
    if is_tombstone(row):
        return Fields(key_of(row), 0, read_varint(row, _after_key(row) + 1)[0], 0, b"", 0)
    create, at = read_varint(row, _after_key(row) + 1)
    mod, at = read_varint(row, at + 1)
    version, _ = read_varint(row, at + 1)
    return Fields(key_of(row), create, mod, version, value_of(row), lease_of(row))


def index_fields(row: bytes) -> tuple[bytes, int, int, int]:
    """What the index takes from a row: key, create_revision, version (0: a tombstone), lease."""
    at = _after_key(row)
    if row[at] == _MOD_REVISION:
        return key_of(row), 0, 0, 0
    create, at = read_varint(row, at + 1)
    version, at = read_varint(row, _skip_varint(row, at + 1) + 1)
    end = len(row)
    if at < end and row[at] == _VALUE:
        length, at = read_varint(row, at + 1)
        at += length
    lease = _signed(read_varint(row, at + 1)[0]) if at < end else 0
    return key_of(row), create, version, lease


def _after_key(row: bytes) -> int:
    """Where the field after the key begins."""
    length = row[1]
    if length < 0x80:
        return length + 2
    length, at = read_varint(row, 1)
    return at + length


def _skip_varint(row: bytes, at: int) -> int:
    while row[at] >= 0x80:
        at += 1
    return at + 1


def _value_field(row: bytes) -> tuple[int, int]:
    """Where the value field begins and ends; both are the same when there is none."""
    at = _skip_varint(row, _after_key(row) + 1)
    end = len(row)
    while at < end:
        tag = row[at]
        if tag == _VALUE:
            length, start = read_varint(row, at + 1)
            return at, start + length
        if tag == _LEASE:
            break
        at = _skip_varint(row, at + 1)
    return at, at


def _signed(number: int) -> int:
    return number - _UNSIGNED_LIMIT if number >= _SIGNED_LIMIT else number
