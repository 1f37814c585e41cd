"""Puts of 256-byte values, and filling the store with many keys."""

from typing import Final

from bench.figures import LoadSpec
from bench.workloads.kv import FILLER, PUT_PATH, read_numbers
from bench.workloads.types import WrongAnswerError
from raftkv.pb import rpc_pb2

KEYS_A_CLIENT: Final = 64
PARSE_EVERY: Final = 64


class PutClient:
    """Overwrites its own keys in turn with rising numbers."""

    __slots__ = ("_head", "_revision", "acknowledged", "sent")

    def __init__(self, prefix: str, number: int) -> None:
        self._head = b"%b/%05d/" % (prefix.encode(), number)
        self._revision = 0
        self.sent = 0
        self.acknowledged = 0

    def request(self) -> bytes:
        """The next put, as one format: key (field 1) and value (field 2, 256 bytes)."""
        self.sent = sent = self.sent + 1
        head = self._head
        return b"\x0a%c%b%02d\x12\x80\x02%016d%b" % (
            len(head) + 2,
            head,
            sent % KEYS_A_CLIENT,
            sent,
            FILLER,
        )

    def accept(self, reply: bytes) -> None:
        """Notes the acknowledgement; looks into every 64th for a revision that has risen."""
        self.acknowledged = self.sent
        if not self.sent % PARSE_EVERY:
            revision = rpc_pb2.PutResponse.FromString(reply).header.revision
            if revision <= self._revision:
                raise WrongAnswerError(f"revision {revision} after {self._revision}")
            self._revision = revision

    def key(self) -> bytes:
        """The key of the last acknowledged put."""
        return b"%b%02d" % (self._head, self.acknowledged % KEYS_A_CLIENT)


class PutWorkload:
    """Every client writes keys of its own."""

    path = PUT_PATH

    def __init__(self, spec: LoadSpec) -> None:
        self._spec = spec
        self._clients: list[PutClient] = []

    def prepare(self) -> None:
        """Needs nothing."""

    def client(self, number: int) -> PutClient:
        """A client with keys of its own."""
        client = PutClient(self._spec.prefix, number)
        self._clients.append(client)
        return client

    def verify(self) -> int:
        """The last acknowledged put of each client is there, unless a later one was tried."""
        clients = [client for client in self._clients if client.acknowledged]
        keys = [client.key() for client in clients]
        numbers = read_numbers(self._spec.endpoints[0], keys)
        for key, number, client in zip(keys, numbers, clients, strict=True):
            if not client.acknowledged <= number <= client.sent:
                raise WrongAnswerError(f"{key!r} holds {number}, not {client.acknowledged}")
        return len(keys)


class FillClient:
    """Writes each of its share of the keys once, then stops."""

    __slots__ = ("_left", "_prefix")

    def __init__(self, prefix: str, keys: range) -> None:
        self._prefix = prefix.encode()
        self._left = iter(keys)

    def request(self) -> bytes | None:
        """A put of the next key, whose value has the key's number."""
        number = next(self._left, None)
        if number is None:
            return None
        prefix = self._prefix
        return b"\x0a%c%b/%08d\x12\x80\x02%016d%b" % (
            len(prefix) + 9,
            prefix,
            number,
            number,
            FILLER,
        )

    def accept(self, reply: bytes) -> None:
        """Nothing to compare: `verify` reads keys back."""


class FillWorkload:
    """`spec.keys` different keys, once each; ends by itself."""

    path = PUT_PATH

    def __init__(self, spec: LoadSpec) -> None:
        self._spec = spec

    def prepare(self) -> None:
        """Needs nothing."""

    def client(self, number: int) -> FillClient:
        """A client that writes every n-th key."""
        return FillClient(self._spec.prefix, range(number, self._spec.keys, self._spec.clients))

    def verify(self) -> int:
        """A thousand keys spread over all of them, at each member."""
        numbers = range(0, self._spec.keys, max(1, self._spec.keys // 1000))
        keys = [b"%b/%08d" % (self._spec.prefix.encode(), number) for number in numbers]
        endpoints = sorted(set(self._spec.endpoints))
        for endpoint in endpoints:
            if read_numbers(endpoint, keys) != list(numbers):
                raise WrongAnswerError(f"{endpoint} lacks keys")
        return len(keys) * len(endpoints)
