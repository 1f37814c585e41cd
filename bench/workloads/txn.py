"""Transactions as Kubernetes' API servers send them for an update.

If the object's mod_revision is still the one that was read, put the new object, else get the
present one.
"""

from bench.figures import LoadSpec
from bench.workloads.kv import FILLER, TXN_PATH, bytes_field, read_numbers, varint
from bench.workloads.types import WrongAnswerError
from raftkv.pb import rpc_pb2


class TxnClient:
    """Updates its own object over and over; the first update creates it."""

    __slots__ = ("_compare", "_get", "_put", "_revision", "acknowledged", "sent")

    def __init__(self, key: bytes) -> None:
        # result: EQUAL (0, left out), target: MOD (2), key; mod_revision follows.
        self._compare = b"\x10\x02" + bytes_field(3, key)
        self._put = bytes_field(1, key)
        self._get = bytes_field(3, bytes_field(1, bytes_field(1, key)))
        self._revision = 0
        self.acknowledged = 0
        self.sent = 0

    def request(self) -> bytes:
        """TxnRequest: one compare (field 1), one put if it holds (2), one range if not (3)."""
        self.sent = sent = self.sent + 1
        compare = b"%b\x30%b" % (self._compare, varint(self._revision))
        put = b"%b\x12\x80\x02%016d%b" % (self._put, sent, FILLER)
        return b"".join((bytes_field(1, compare), bytes_field(2, bytes_field(2, put)), self._get))

    def accept(self, reply: bytes) -> None:
        """The compare must have held; the answer's revision is the object's new mod_revision."""
        response = rpc_pb2.TxnResponse.FromString(reply)
        if not response.succeeded:
            raise WrongAnswerError(f"mod_revision is not {self._revision}: {response}")
        self._revision = response.header.revision
        self.acknowledged = self.sent


class TxnWorkload:
    """Every client updates an object of its own, so every transaction must succeed."""

    path = TXN_PATH

    def __init__(self, spec: LoadSpec) -> None:
        self._spec = spec
        self._clients: list[TxnClient] = []
        self._keys: list[bytes] = []

    def prepare(self) -> None:
        """Needs nothing: mod_revision 0 stands for an object that is not there."""

    def client(self, number: int) -> TxnClient:
        """A client with an object of its own."""
        key = b"%b/%05d" % (self._spec.prefix.encode(), number)
        client = TxnClient(key)
        self._keys.append(key)
        self._clients.append(client)
        return client

    def verify(self) -> int:
        """Each object is as its client last wrote it."""
        done = [(k, c) for k, c in zip(self._keys, self._clients, strict=True) if c.acknowledged]
        numbers = read_numbers(self._spec.endpoints[0], [key for key, _ in done])
        for (key, client), number in zip(done, numbers, strict=True):
            if not client.acknowledged <= number <= client.sent:
                raise WrongAnswerError(f"{key!r} holds {number}, not {client.acknowledged}")
        return len(done)
