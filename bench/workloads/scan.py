"""Ranges of a thousand keys with their values, linearizable."""

from typing import Final

from bench.figures import LoadSpec
from bench.workloads.kv import RANGE_PATH, fill, prefix_end, settle, value_of
from bench.workloads.types import WrongAnswerError
from raftkv.pb import rpc_pb2

KEYS: Final = 1_000
PARSE_EVERY: Final = 16


class ScanClient:
    """Asks for the whole range again and again."""

    __slots__ = ("_accepted", "_keys", "_request")

    def __init__(self, request: bytes, keys: list[bytes]) -> None:
        self._request = request
        self._keys = keys
        self._accepted = 0

    def request(self) -> bytes:
        """The one range request."""
        return self._request

    def accept(self, reply: bytes) -> None:
        """Compares every key and value of each 16th answer, and the size of all others."""
        if self._accepted % PARSE_EVERY == 0:
            kvs = rpc_pb2.RangeResponse.FromString(reply).kvs
            if [kv.key for kv in kvs] != self._keys:
                raise WrongAnswerError(f"{len(kvs)} keys, or in another order")
            if any(kv.value != value_of(number) for number, kv in enumerate(kvs)):
                raise WrongAnswerError("a value is not the one that was put")
        elif len(reply) < len(self._keys) * len(value_of(0)):
            raise WrongAnswerError(f"{len(reply)} bytes are too few")
        self._accepted += 1


class ScanWorkload:
    """All clients read the same range."""

    path = RANGE_PATH

    def __init__(self, spec: LoadSpec) -> None:
        self._spec = spec
        prefix = spec.prefix.encode() + b"/"
        self._keys = [b"%b%05d" % (prefix, number) for number in range(spec.keys or KEYS)]
        self._request = rpc_pb2.RangeRequest(
            key=prefix, range_end=prefix_end(prefix)
        ).SerializeToString()

    def prepare(self) -> None:
        """Puts the keys, and waits until every member that is asked has them."""
        fill(self._spec.endpoints[0], self._keys)
        settle(self._spec.endpoints, self._keys[-1])

    def client(self, number: int) -> ScanClient:  # noqa: ARG002
        """A client like all others."""
        return ScanClient(self._request, self._keys)

    def verify(self) -> int:
        """Answers were compared when they came."""
        return len(self._keys)
