"""Bugs of the store: revisions, versions, transactions, compaction, reads of old ones."""

from typing import Any

from jepsen_tests.planted.planting import Bed, Bug
from raftkv.apply import delete_range, lease, put, txn
from raftkv.apply import range as ranges
from raftkv.apply.parts import Parts
from raftkv.command.types import Failure
from raftkv.lease.lessor import Lessor
from raftkv.mvcc import compaction, loading
from raftkv.mvcc.garbage import Garbage
from raftkv.mvcc.history import create_and_version
from raftkv.mvcc.index import KeyIndex
from raftkv.mvcc.record import delimited
from raftkv.mvcc.revision import MAIN_BYTES
from raftkv.mvcc.store import Store, WriteTransaction


def _keep_version(bed: Bed) -> None:
    versions: dict[tuple[int, bytes], int] = {}

    def delete(old: Any, self: KeyIndex, key: bytes, row_key: bytes, main: int) -> Any:  # noqa: ANN401
        versions[id(self), key] = self.numbers(key)[1]
        return old(self, key, row_key, main)

    def set_key(old: Any, self: KeyIndex, key: bytes, row_key: bytes, main: int) -> Any:  # noqa: ANN401
        created, version, previous = old(self, key, row_key, main)
        return created, version + versions.get((id(self), key), 0), previous

    bed.wrap(KeyIndex, "delete", delete)
    bed.wrap(KeyIndex, "put", set_key)


def _create_anew(bed: Bed) -> None:
    def set_key(old: Any, self: KeyIndex, key: bytes, row_key: bytes, main: int) -> Any:  # noqa: ANN401
        _, version, previous = old(self, key, row_key, main)
        return main, version, previous

    bed.wrap(KeyIndex, "put", set_key)


def _always_a_revision(bed: Bed) -> None:
    def end(self: WriteTransaction) -> int:
        self._store.revision = self.main
        return self.main

    bed.replace(WriteTransaction, "end", end)


def _a_revision_each(bed: Bed) -> None:
    """Each operation of a transaction makes a revision of its own."""

    def do(old: Any, parts: Parts, transaction: WriteTransaction, step: Any) -> Any:  # noqa: ANN401
        answer = old(parts, transaction, step)
        if transaction._sub:  # noqa: SLF001 - a bug keeps no manners
            parts.store.revision = transaction.main
            transaction.main += 1
            transaction._sub = 0  # noqa: SLF001
        return answer

    bed.wrap(txn, "_do", do)


def _write_before_the_check(bed: Bed) -> None:
    """A transaction that fails leaves behind what it did before it failed."""

    def check(old: Any, parts: Parts, branch: Any) -> Any:  # noqa: ANN401
        failure = old(parts, branch)
        if failure is not None:
            for kind, operation, _ in branch.steps:
                if kind == "request_put" and not operation.request_put.lease:
                    transaction = parts.begin()
                    put.put_within(parts, transaction, operation.request_put)
                    parts.end(transaction)
        return failure

    bed.wrap(txn, "_check", check)


def _compare_the_last_alone(bed: Bed) -> None:
    def all_hold(old: Any, store: Store, compares: Any) -> Any:  # noqa: ANN401
        return old(store, list(compares)[-1:])

    bed.wrap(txn, "all_hold", all_hold)


def _previous_after_the_put(bed: Bed) -> None:
    def put_within(old: Any, parts: Parts, transaction: Any, request: Any) -> Any:  # noqa: ANN401
        answer = old(parts, transaction, request)
        row = parts.store.row(request.key)
        return delimited(b"\x12", row) if request.prev_kv and row is not None else answer

    bed.wrap(put, "put_within", put_within)
    bed.replace(txn, "put_within", put.put_within)


def _revoke_key_by_key(bed: Bed) -> None:
    def delete_keys(old: Any, parts: Parts, transaction: Any, keys: list[bytes]) -> None:  # noqa: ANN401
        for key in keys[:-1]:
            single = parts.begin()
            old(parts, single, [key])
            parts.end(single)
        transaction.main = parts.store.revision + 1
        old(parts, transaction, keys[-1:])

    bed.wrap(lease, "delete_keys", delete_keys)


def _revoke_in_any_order(bed: Bed) -> None:
    def keys(self: Lessor, lease_id: int) -> list[bytes]:
        return list(self._keys.get(lease_id, ()))

    bed.replace(Lessor, "keys", keys)


def _keep_the_lease(bed: Bed) -> None:
    """A deleted key stays attached: it goes once more with the lease of its earlier life."""

    def delete_keys(old: Any, parts: Parts, transaction: Any, keys: list[bytes]) -> None:  # noqa: ANN401
        del old
        for key in keys:
            if parts.store.exists(key):
                transaction.delete(key)

    bed.wrap(delete_range, "delete_keys", delete_keys)


def _detach_never(bed: Bed) -> None:
    def set_lease(old: Any, self: Lessor, key: bytes, lease_id: int) -> None:  # noqa: ANN401
        if lease_id:
            old(self, key, lease_id)

    bed.wrap(Lessor, "set_lease", set_lease)


def _serve_compacted(bed: Bed) -> None:
    def pinned(store: Store, revision: int, newest: int) -> int | Failure:
        del store
        if revision > newest:
            return Failure.FUTURE_REVISION
        return newest if revision <= 0 else revision

    bed.replace(ranges, "_pinned", pinned)


def _serve_the_future(bed: Bed) -> None:
    def pinned(old: Any, store: Store, revision: int, newest: int) -> int | Failure:  # noqa: ANN401
        return old(store, min(revision, newest), newest)  # type: ignore[no-any-return]

    bed.wrap(ranges, "_pinned", pinned)


def _read_the_present(bed: Bed) -> None:
    def find_at(self: KeyIndex, key: bytes, revision: int) -> bytes | None:
        del revision
        return self.find(key)

    bed.replace(KeyIndex, "find_at", find_at)


def _remove_early_tombstones(bed: Bed) -> None:
    """A tombstone at the compact revision goes: a watch from there, or a restart, may need it."""

    def take(self: Garbage, compact_revision: int, rows_max: int) -> list[bytes]:
        taken: list[bytes] = old_take(self, compact_revision, rows_max)
        queue, bound = self._tombstones, (compact_revision + 1).to_bytes(MAIN_BYTES, "big")
        while len(taken) < rows_max and queue and queue[:MAIN_BYTES] < bound:
            taken.append(bytes(queue[:17]))
            del queue[:17]
        return taken

    old_take = Garbage.take
    bed.replace(Garbage, "take", take)


def _remove_tombstones_first(bed: Bed) -> None:
    def take(old: Any, self: Garbage, compact_revision: int, rows_max: int) -> Any:  # noqa: ANN401
        before, self._superseded = self._superseded, bytearray()
        taken = old(self, compact_revision, rows_max)
        self._superseded = before
        return taken + old(self, compact_revision, rows_max - len(taken))

    bed.wrap(Garbage, "take", take)


def _keep_one_too_few(bed: Bed) -> None:
    """Compaction removes the row that a reader at the compact revision needs."""

    def take(old: Any, self: Garbage, compact_revision: int, rows_max: int) -> Any:  # noqa: ANN401
        return old(self, compact_revision + 3, rows_max)

    bed.wrap(Garbage, "take", take)


def _never_remove(bed: Bed) -> None:
    bed.replace(compaction, "step", lambda *_: False)


def _forget_the_compaction(bed: Bed) -> None:
    def loaded(old: Any, store: Store, compact_revision: int, rolling_hash: int) -> None:  # noqa: ANN401
        old(store, compact_revision, rolling_hash)
        store.compact_revision = min(compact_revision, 0)

    bed.wrap(loading, "loaded", loaded)


def _lose_versions_at_boot(bed: Bed) -> None:
    def restore_put(
        old: Any,  # noqa: ANN401
        self: KeyIndex,
        key: bytes,
        row_key: bytes,
        create_revision: int,
        version: int,
    ) -> Any:  # noqa: ANN401
        known = self._histories.get(key)
        seen = create_and_version(known)[1] if known is not None else 0
        return old(self, key, row_key, create_revision, min(version, seen + 1))

    bed.wrap(KeyIndex, "restore_put", restore_put)


def _revive_at_boot(bed: Bed) -> None:
    def restore_tombstone(old: Any, self: KeyIndex, key: bytes, row_key: bytes) -> Any:  # noqa: ANN401
        if key not in self._histories:
            return None
        return old(self, key, row_key)

    bed.wrap(KeyIndex, "restore_tombstone", restore_tombstone)


BUGS = (
    Bug(
        "version-kept-after-delete",
        "classic",
        "a key that comes back begins with version 1",
        _keep_version,
    ),
    Bug(
        "create-revision-rewritten",
        "classic",
        "a key keeps its create_revision until it is deleted",
        _create_anew,
    ),
    Bug(
        "revision-without-a-write",
        "classic",
        "only what changes a key makes a revision",
        _always_a_revision,
    ),
    Bug(
        "transaction-in-several-revisions",
        "classic",
        "a transaction has one revision",
        _a_revision_each,
    ),
    Bug(
        "transaction-leaves-half",
        "classic",
        "a transaction that fails has changed nothing",
        _write_before_the_check,
    ),
    Bug(
        "compare-last-alone",
        "classic",
        "every condition of a transaction must hold",
        _compare_the_last_alone,
    ),
    Bug(
        "previous-value-after-the-put",
        "classic",
        "prev_kv is what was there before the put",
        _previous_after_the_put,
    ),
    Bug(
        "revoke-in-several-revisions",
        "classic",
        "a revoked lease takes its keys along at one revision",
        _revoke_key_by_key,
    ),
    Bug(
        "revoke-in-any-order",
        "classic",
        "what an entry does has one order on every member",
        _revoke_in_any_order,
        {"crashes_per_second": 1.0},
    ),
    Bug(
        "deleted-key-stays-attached",
        "classic",
        "a deleted key is detached from its lease",
        _keep_the_lease,
    ),
    Bug(
        "put-without-lease-keeps-it",
        "classic",
        "a put without a lease detaches the key",
        _detach_never,
    ),
    Bug(
        "compacted-revision-served",
        "classic",
        "a read before the compact revision is refused",
        _serve_compacted,
    ),
    Bug(
        "future-revision-served",
        "classic",
        "a read of a revision that is yet to come is refused",
        _serve_the_future,
    ),
    Bug(
        "old-revision-reads-new",
        "classic",
        "a read at a revision gives what was there then",
        _read_the_present,
    ),
    Bug(
        "tombstone-removed-early",
        "etcd 17780, 18089, 19179",
        "a tombstone at the compact revision stays: a watch may begin there",
        _remove_early_tombstones,
        {"crashes_per_second": 1.0},
    ),
    Bug(
        "tombstone-removed-first",
        "etcd 17780",
        "a tombstone goes only after all that it hides",
        _remove_tombstones_first,
        {"crashes_per_second": 1.0},
    ),
    Bug(
        "compaction-removes-too-much",
        "classic",
        "a compaction keeps what its own revision shows",
        _keep_one_too_few,
    ),
    Bug(
        "compaction-never-ends",
        "classic",
        "what was given up is removed in the end",
        _never_remove,
    ),
    Bug(
        "compaction-forgotten-at-boot",
        "classic",
        "the compact revision survives a restart",
        _forget_the_compaction,
        {"crashes_per_second": 1.0},
    ),
    Bug(
        "version-lost-at-boot",
        "classic",
        "a key's version survives compaction and restart",
        _lose_versions_at_boot,
        {"crashes_per_second": 1.0},
    ),
    Bug(
        "tombstone-ignored-at-boot",
        "etcd 17780",
        "a stored tombstone says that its key is gone",
        _revive_at_boot,
        {"crashes_per_second": 1.0},
    ),
)
