"""What a field of a message may hold: one small check for each kind of field.

A check takes what msgpack made of the bytes (arrays as tuples) and gives back the field's value, or
raises DecodeError. Nothing that a socket brings may pass a check and then break an assumption
further in: ids and counters fit their bytes, rows are in order, keys fit LMDB. Entries carry their
own checksum and place, which consensus checks.
"""

from collections.abc import Callable
from operator import lt
from typing import TypeAlias

from raftkv.raft.types import Membership

Check: TypeAlias = Callable[[object], object]
Pairs: TypeAlias = list[tuple[bytes, bytes]]

COUNTER_MAX = (1 << 63) - 1
"""Terms, indexes and other counters stay below half of their 8 bytes: adding to one never
overflows."""
_ID_MAX = (1 << 64) - 1
_TEXT_CHARACTERS_MAX = 4_096
_MEMBERS_MAX = 1_000
_TABLES_MAX = 100
_ROW_KEY_BYTES = 17
_TABLE_KEY_BYTES_MAX = 511


class DecodeError(Exception):
    """Bytes from another member are not a message."""


def member_id(value: object) -> int:
    """A member's id: 64 bits, not 0."""
    if type(value) is int and 0 < value <= _ID_MAX:
        return value
    raise DecodeError(f"not a member id: {_shown(value)}")


def identifier(value: object) -> int:
    """Any 64 bits without a sign."""
    if type(value) is int and 0 <= value <= _ID_MAX:
        return value
    raise DecodeError(f"not 64 bits: {_shown(value)}")


def counter(value: object) -> int:
    """A term, an index or another number that only grows."""
    if type(value) is int and 0 <= value <= COUNTER_MAX:
        return value
    raise DecodeError(f"not a counter: {_shown(value)}")


def signed(value: object) -> int:
    """A lease's id, or a number whose negative values have a meaning of their own."""
    if type(value) is int and -COUNTER_MAX - 1 <= value <= COUNTER_MAX:
        return value
    raise DecodeError(f"not a signed number: {_shown(value)}")


def flag(value: object) -> bool:
    """True or False."""
    if value is True or value is False:
        return value
    raise DecodeError(f"not a flag: {_shown(value)}")


def octets(value: object) -> bytes:
    """Bytes whose meaning is the receiver's business."""
    if type(value) is bytes:
        return value
    raise DecodeError(f"not bytes: {_shown(value)}")


def text(value: object) -> str:
    """A short text."""
    if type(value) is str and len(value) <= _TEXT_CHARACTERS_MAX:
        return value
    raise DecodeError(f"not a short text: {_shown(value)}")


def texts(value: object) -> tuple[str, ...]:
    """A few short texts."""
    return tuple(map(text, array(value, _MEMBERS_MAX)))


def octets_list(value: object) -> list[bytes]:
    """Byte strings in order, such as entries or commands."""
    if type(value) is not tuple or set(map(type, value)) - {bytes}:
        raise DecodeError("not a list of bytes")
    return list(value)


def identifiers(value: object) -> list[int]:
    """Request ids."""
    return list(map(identifier, array(value)))


def changes(value: object) -> list[tuple[str, int]]:
    """(action, member) pairs of a membership change."""
    pairs = _pairs(array(value, _MEMBERS_MAX))
    return [(text(action), member_id(member)) for action, member in pairs]


def rows(value: object) -> Pairs:
    """(17 byte key, row) pairs in strictly ascending order."""
    pairs = _octet_pairs(value)
    keys = [key for key, _ in pairs]
    if set(map(len, keys)) - {_ROW_KEY_BYTES}:
        raise DecodeError(f"a row's key is not {_ROW_KEY_BYTES} bytes long")
    if not all(map(lt, keys, keys[1:])):
        raise DecodeError("rows are not in order")
    return pairs


def tables(value: object) -> dict[str, Pairs]:
    """Whole small tables by name, each in strictly ascending order of its keys."""
    if type(value) is not dict or len(value) > _TABLES_MAX:
        raise DecodeError("not a set of tables")
    found = {text(name): _octet_pairs(pairs) for name, pairs in value.items()}
    for name, pairs in found.items():
        keys = [key for key, _ in pairs]
        if keys and not 0 < min(map(len, keys)) <= max(map(len, keys)) <= _TABLE_KEY_BYTES_MAX:
            raise DecodeError(f"a key of table {name:.80} is empty or too long")
        if not all(map(lt, keys, keys[1:])):
            raise DecodeError(f"table {name:.80} is not in order")
    return found


def membership(value: object) -> Membership:
    """The four groups of a membership, each as sorted ids."""
    groups = array(value)
    if len(groups) != 4:
        raise DecodeError(f"a membership of {len(groups)} groups")
    return Membership(*map(_members, groups))


def membership_groups(value: object) -> tuple[list[int], ...]:
    """The way back: what msgpack writes for a Membership; TypeError for anything else."""
    if not isinstance(value, Membership):
        raise TypeError(f"a message holds a {type(value).__name__}")
    groups = (value.voters, value.voters_outgoing, value.learners, value.learners_next)
    return tuple(map(sorted, groups))


def array(value: object, length_max: int = COUNTER_MAX) -> tuple[object, ...]:
    """Values in order."""
    if type(value) is not tuple or len(value) > length_max:
        raise DecodeError("not a list, or too long")
    return value


def _members(value: object) -> frozenset[int]:
    ids = array(value, _MEMBERS_MAX)
    found = frozenset(map(member_id, ids))
    if len(found) != len(ids):
        raise DecodeError("a membership names a member twice")
    return found


def _pairs(values: tuple[object, ...]) -> list[tuple[object, object]]:
    pairs = []
    for value in values:
        if type(value) is not tuple or len(value) != 2:
            raise DecodeError("not a list of pairs")
        pairs.append(value)
    return pairs


def _octet_pairs(value: object) -> Pairs:
    pairs = []
    for pair in array(value):
        if type(pair) is not tuple or len(pair) != 2 or set(map(type, pair)) != {bytes}:
            raise DecodeError("not a list of pairs of bytes")
        pairs.append(pair)
    return pairs


def _shown(value: object) -> str:
    # Never the repr of something large: an error must not cost more than the frame did.
    return str(value) if type(value) is int else type(value).__name__
