"""Revisions counted from where an example began, so that one store can serve many examples."""

from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)

RAW_BELOW = -1_000
"""A revision below it in a request is sent as it is: a negative one."""

_OF_REQUESTS = frozenset(
    (
        "revision",
        "start_revision",
        "mod_revision",
        "create_revision",
        "min_mod_revision",
        "max_mod_revision",
        "min_create_revision",
        "max_create_revision",
    )
)
_OF_ANSWERS = frozenset(("revision", "mod_revision", "create_revision", "compact_revision"))
_OF_ONE_CLUSTER = frozenset(("cluster_id", "member_id", "raft_term"))


def absolute(message: M, base: int) -> M:
    """A copy of a request whose revisions other than 0 are counted from the store's beginning."""
    copy = type(message)()
    copy.CopyFrom(message)
    _shift(copy, base)
    return copy


def _shift(message: Message, base: int) -> None:
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for each in value if field.is_repeated else (value,):
                _shift(each, base)
        elif field.name in _OF_REQUESTS and value > RAW_BELOW:
            setattr(message, field.name, base + value)


def relative(message: Message, base: int) -> dict[str, Any]:
    """An answer in plain values: revisions counted from `base`, what names the cluster left out.

    A field that holds nothing is not there, as on the wire.
    """
    plain: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            many = [relative(each, base) for each in (value if field.is_repeated else (value,))]
            plain[field.name] = many if field.is_repeated else many[0]
        elif field.name in _OF_ANSWERS:
            plain[field.name] = value - base
        elif field.name not in _OF_ONE_CLUSTER:
            plain[field.name] = list(value) if field.is_repeated else value
    return plain
