"""Gets of one key, linearizable and serializable."""

from typing import Final

from bench.figures import LoadSpec
from bench.workloads.kv import RANGE_PATH, fill, get_request, settle, value_of
from bench.workloads.types import WrongAnswerError
from raftkv.pb import rpc_pb2

KEYS: Final = 1_000


class GetClient:
    """Reads one key after the other and looks at every value."""

    __slots__ = ("_next", "_requests", "_values")

    def __init__(self, requests: list[bytes], values: list[bytes], start: int) -> None:
        self._requests = requests
        self._values = values
        self._next = start

    def request(self) -> bytes:
        """A get of the next key."""
        self._next = number = (self._next + 1) % len(self._requests)
        return self._requests[number]

    def accept(self, reply: bytes) -> None:
        """Compares the value."""
        value = self._values[self._next]
        # Value, then `count: 1`, are the last bytes as etcd encodes them; another order of fields
        # would be as right, so a difference is only a reason to look closer.
        if reply[-len(value) - 2 : -2] != value:
            kvs = rpc_pb2.RangeResponse.FromString(reply).kvs
            if len(kvs) != 1 or kvs[0].value != value:
                raise WrongAnswerError(f"{kvs} instead of {value!r}")


class GetWorkload:
    """All clients read the same thousand keys, each from another start."""

    path = RANGE_PATH

    def __init__(self, spec: LoadSpec) -> None:
        self._spec = spec
        count = spec.keys or KEYS
        serializable = spec.workload == "get-serializable"
        self._keys = [b"%b/%05d" % (spec.prefix.encode(), number) for number in range(count)]
        self._requests = [get_request(key, serializable=serializable) for key in self._keys]
        self._values = [value_of(number) for number in range(count)]

    def prepare(self) -> None:
        """Puts the keys, and waits until every member that is asked has them."""
        fill(self._spec.endpoints[0], self._keys)
        settle(self._spec.endpoints, self._keys[-1])

    def client(self, number: int) -> GetClient:
        """A client with a start of its own."""
        return GetClient(self._requests, self._values, number * 7919 % len(self._keys))

    def verify(self) -> int:
        """Every answer was compared when it came."""
        return len(self._keys)
