"""What clients ask for, drawn by chance: puts, deletes, transactions, compactions, ranges."""

import random

from raftkv.pb import rpc_pb2 as pb

KEYS = [f"k{i}".encode() for i in range(8)]
LARGE_BYTES = 5_000
"""More than a message of entries, or a chunk of a snapshot, is meant to carry."""
LARGE_CHANCE = 0.02
REVISIONS_KEPT_MAX = 20
"""A compaction leaves at most about so many."""
_RESULTS = (pb.Compare.EQUAL, pb.Compare.NOT_EQUAL, pb.Compare.GREATER, pb.Compare.LESS)


class Requests:
    """Draws requests; values are unique, so that each tells who wrote it."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._count = 0

    def put(self, last_lease: int) -> pb.PutRequest:
        """A put, some with a lease, some that keep what is there, some that ask for it."""
        chance = self._chance
        request = pb.PutRequest(key=self._key(), prev_kv=chance.random() < 0.3)
        if chance.random() < 0.05:
            request.ignore_value = True
        else:
            request.value = self._value(b"v")
        if chance.random() < 0.1:
            # Perhaps one that is gone, or is yet to come.
            request.lease = chance.randint(max(1, last_lease - 5), last_lease + 1)
        elif chance.random() < 0.05:
            request.ignore_lease = True
        return request

    def delete(self) -> pb.DeleteRangeRequest:
        """A deletion of a key, or of a few."""
        chance = self._chance
        key = self._key()
        end = key[:-1] + bytes((key[-1] + 2,)) if chance.random() < 0.2 else b""
        return pb.DeleteRangeRequest(key=key, range_end=end, prev_kv=chance.random() < 0.7)

    def compaction(self, newest_revision: int) -> pb.CompactionRequest:
        """A compaction a little behind the newest revision, or right at it."""
        kept = self._chance.choice((0, REVISIONS_KEPT_MAX // 2, REVISIONS_KEPT_MAX))
        return pb.CompactionRequest(revision=max(1, newest_revision - kept))

    def range(self, newest_revision: int) -> pb.RangeRequest:
        """A range, now or at an earlier revision, perhaps one that is gone or not there yet."""
        chance = self._chance
        request = pb.RangeRequest(key=self._key(), serializable=chance.random() < 0.2)
        if chance.random() < 0.5:
            request.key, request.range_end = b"k", b"l"
            request.limit = chance.choice((0, 0, 3))
        if chance.random() < 0.3:
            request.revision = max(0, newest_revision - chance.randint(-5, 40))
        request.keys_only = chance.random() < 0.1
        request.count_only = chance.random() < 0.1
        return request

    def ranges(self, newest_revision: int) -> list[pb.RangeRequest]:
        """One range, or two that must be answered at one revision."""
        return [self.range(newest_revision) for _ in range(1 if self._chance.random() < 0.8 else 2)]

    def txn(self, newest_revision: int, *, nested: bool = True) -> pb.TxnRequest:
        """A transaction with several conditions and operations."""
        chance = self._chance
        compares = [self._compare() for _ in range(chance.choice((0, 1, 1, 2)))]
        return pb.TxnRequest(
            compare=compares,
            success=self._operations(newest_revision, nested=nested),
            failure=self._operations(newest_revision, nested=nested),
        )

    def _operations(self, newest_revision: int, *, nested: bool) -> list[pb.RequestOp]:
        """Operations on different keys: etcd refuses to put one twice in a transaction."""
        chance = self._chance
        keys = chance.sample(KEYS[:5] if nested else KEYS[5:], chance.randint(1, 3))
        operations = [self._operation(key, newest_revision) for key in keys]
        if nested and chance.random() < 0.1:
            inner = self.txn(newest_revision, nested=False)
            operations.append(pb.RequestOp(request_txn=inner))
        return operations

    def _operation(self, key: bytes, newest_revision: int) -> pb.RequestOp:
        chance = self._chance
        kind = chance.random()
        if kind < 0.6:
            put = pb.PutRequest(key=key, value=self._value(b"t"), prev_kv=chance.random() < 0.3)
            put.lease = 1 << 30 if chance.random() < 0.03 else 0  # there is no such lease
            return pb.RequestOp(request_put=put)
        if kind < 0.8:
            asked = pb.RangeRequest(key=b"k", range_end=b"l")
            if chance.random() < 0.2:
                asked.revision = max(1, newest_revision - chance.randint(0, 30))
            return pb.RequestOp(request_range=asked)
        delete = pb.DeleteRangeRequest(key=key, prev_kv=chance.random() < 0.3)
        return pb.RequestOp(request_delete_range=delete)

    def _compare(self) -> pb.Compare:
        chance = self._chance
        compare = pb.Compare(key=self._key(), result=chance.choice(_RESULTS))
        match chance.randrange(3):
            case 0:
                compare.target, compare.version = pb.Compare.VERSION, chance.randint(0, 3)
            case 1:
                compare.target = pb.Compare.MOD
                compare.mod_revision = chance.randint(0, 2 * self._count)
            case _:
                compare.target = pb.Compare.CREATE
                compare.create_revision = chance.choice((0, self._count))
        return compare

    def _value(self, prefix: bytes) -> bytes:
        self._count += 1
        padding = bytes(LARGE_BYTES if self._chance.random() < LARGE_CHANCE else 0)
        return prefix + b"%d" % self._count + padding

    def _key(self) -> bytes:
        return self._chance.choice(KEYS)
