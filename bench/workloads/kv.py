"""Keys, values and the few request bytes that workloads share.

A value says which write it was in its first 16 digits; the rest is the same noise everywhere, so
that a value is made and checked without touching each of its bytes.
"""

import random
import string
from typing import Final

from bench.channel import Channel, call
from bench.figures import VALUE_BYTES
from bench.workloads.types import WrongAnswerError
from raftkv.pb import rpc_pb2

PUT_PATH: Final = "/etcdserverpb.KV/Put"
RANGE_PATH: Final = "/etcdserverpb.KV/Range"
TXN_PATH: Final = "/etcdserverpb.KV/Txn"
WATCH_PATH: Final = "/etcdserverpb.Watch/Watch"

DIGITS: Final = 16
FILLER: Final = "".join(
    random.Random(1).choices(string.ascii_letters, k=VALUE_BYTES - DIGITS)
).encode()
"""Letters that do not compress to nothing."""


def value_of(number: int) -> bytes:
    """The value of that write."""
    return b"%016d%b" % (number, FILLER)


def varint(value: int) -> bytes:
    """Protobuf's variable-length integer."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def bytes_field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field with a number under 16."""
    return bytes((number << 3 | 2,)) + varint(len(content)) + content


def put_request(key: bytes, value: bytes) -> bytes:
    """A PutRequest."""
    return bytes_field(1, key) + bytes_field(2, value)


def get_request(key: bytes, *, serializable: bool = False) -> bytes:
    """A RangeRequest for one key."""
    return rpc_pb2.RangeRequest(key=key, serializable=serializable).SerializeToString()


def prefix_end(prefix: bytes) -> bytes:
    """The first key after all keys with that prefix, whose last byte is not 255."""
    return prefix[:-1] + bytes((prefix[-1] + 1,))


def fill(endpoint: str, keys: list[bytes]) -> None:
    """Puts `value_of(i)` under the i-th key."""
    with Channel(endpoint, PUT_PATH) as channel:
        channel.call_many(put_request(key, value_of(i)) for i, key in enumerate(keys))


def settle(endpoints: list[str], key: bytes) -> None:
    """Waits until each member has applied all that was acknowledged: a linearizable read each."""
    for endpoint in sorted(set(endpoints)):
        call(endpoint, RANGE_PATH, get_request(key))


def read_numbers(endpoint: str, keys: list[bytes]) -> list[int]:
    """The number in the value of each key, from linearizable reads.

    Raises:
        WrongAnswerError: a key is missing or its value damaged.
    """
    with Channel(endpoint, RANGE_PATH) as channel:
        replies = channel.call_many(get_request(key) for key in keys)
    numbers = []
    for key, reply in zip(keys, replies, strict=True):
        kvs = rpc_pb2.RangeResponse.FromString(reply).kvs
        if len(kvs) != 1 or kvs[0].key != key or kvs[0].value[DIGITS:] != FILLER:
            raise WrongAnswerError(f"{key!r} reads as {kvs}")
        numbers.append(int(kvs[0].value[:DIGITS]))
    return numbers
