"""A run of the tiny store in which everything happens: what to do is a list of numbers."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from jepsen_tests.history import Fact, History, Status
from jepsen_tests.tests.check.tiny_etcd import MILLISECOND, SECOND, TinyEtcd

KEYS = ("a", "b", "c", "d")


def random_run(seed: int, actions: Sequence[str]) -> History:
    """Carries out the actions; whatever else there is to choose comes from the seed."""
    store = TinyEtcd(random.Random(seed))
    everything = [store.watch("\0", "\0", 1), store.watch("\0", "\0", 1, prev_kv=False)]
    for number, action in enumerate(actions):
        store.later()
        # Those see all, so they go on before a compaction can end them.
        if action == "compact" or store.chance.random() < 0.5:
            for watch in everything:
                store.deliver(watch, 1_000)
        ACTIONS[action](store, f"v{number}")
        store.settle()
    _end(store)
    return store.history


def _put(store: TinyEtcd, value: str) -> None:
    key = store.chance.choice(KEYS)
    store.write({key: (value, 0)}, [])
    store.did("put", key, value)


def _delete(store: TinyEtcd, _: str) -> None:
    key = store.chance.choice(KEYS)
    store.did("delete", key, result=store.write({}, [key]), revision=store.revision)


def _refused(store: TinyEtcd, value: str) -> None:
    key = store.chance.choice(KEYS)
    store.did("put", key, value, status=Status.FAIL, revision=0, error="no space")


def _lost(store: TinyEtcd, value: str) -> None:
    key = store.chance.choice(KEYS)
    if store.chance.random() < 0.5:
        store.write({key: (value, 0)}, [])
    store.did("put", key, value, status=Status.INFO, revision=0, return_ns=None)


def _txn(store: TinyEtcd, value: str) -> None:
    key, other = store.chance.sample(KEYS, 2)
    store.write({key: (value, 0), other: (value, 0)}, [])
    store.did("txn", value=[["w", key, value], ["w", other, value], ["r", "e", None]])


def _range(store: TinyEtcd, _: str) -> None:
    range_end = store.chance.choice(["", "c", "\0"])
    store.range("a", range_end, limit=store.chance.randint(0, 2))


def _grant(store: TinyEtcd, _: str) -> None:
    store.grant(store.chance.randint(1, 4))


def _lease(store: TinyEtcd) -> int:
    return store.chance.choice([*store.leases, 1])


def _attach(store: TinyEtcd, value: str) -> None:
    lease = _lease(store)
    key, other = store.chance.sample(KEYS, 2)
    if lease in store.leases:
        store.write({key: (value, lease), other: (value, lease)}, [])
        store.did("txn", value=[["w", key, value, lease], ["w", other, value, lease]])


def _line_up(store: TinyEtcd, function: str, name: str) -> None:
    """Several at once, so that there is something to wait for."""
    for lease in list(store.leases)[:3]:
        store.contend(function, name, lease)


def _give_up(store: TinyEtcd, function: str, ending: str) -> None:
    for waiting in [each for each in store.waiting if each.owns and each.function == function]:
        store.write({}, [waiting.key])
        store.did(ending, waiting.name, waiting.key)


def _watch(store: TinyEtcd, _: str) -> None:
    chance = store.chance
    start = chance.choice([0, store.compacted + 1, store.revision + 1, store.revision + 4])
    filters = chance.choice([[], [], ["NOPUT"], ["NODELETE"]])
    asks = chance.random() < 0.5
    store.watch("a", chance.choice(["", "c", "d"]), start, filters=filters, prev_kv=asks)


def _compact(store: TinyEtcd, _: str) -> None:
    if store.revision > store.compacted + 2:
        store.compacted = store.chance.randint(store.compacted + 1, store.revision)
        store.did("compact", value=store.compacted)


def _deliver(store: TinyEtcd, _: str) -> None:
    store.deliver(store.chance.choice(store.watches), store.chance.randint(1, 10))


def _compare_and_set(store: TinyEtcd, value: str) -> None:
    key = store.chance.choice(KEYS)
    found = store.kvs.get(key)
    expected = found["value"] if found and store.chance.random() < 0.5 else "nothing like it"
    succeeds = found is not None and found["value"] == expected
    if succeeds:
        store.write({key: (value, 0)}, [])
    store.did("cas", key, [expected, value], result=succeeds)


def _guarded(store: TinyEtcd, value: str) -> None:
    """A transaction with a comparison and two branches."""
    key, other = store.chance.sample(KEYS, 2)
    succeeds, is_there = key in store.kvs, other in store.kvs
    operations: Any = [["w", other, f"{value}-else"]]
    if succeeds:
        store.write({key: (value, 0)}, [other])
        operations = [["w", key, value], ["d", other, int(is_there)]]
    else:
        store.write({other: (f"{value}-else", 0)}, [])
    transaction: Any = {
        "compare": [["create_revision", key, ">", 0]],
        "then": [["w", key, value], ["d", other, None]],
        "else": [["w", other, f"{value}-else"]],
    }
    result: Any = {"succeeded": succeeds, "operations": operations}
    store.did("txn", value=transaction, result=result)


def _fenced(store: TinyEtcd, value: str) -> None:
    """A write that only the owner of a lock may do, by one who owns it or once did."""
    claims = [each for each in store.history.by_function.get("acquire", []) if each.result]
    if not claims:
        return
    own: Any = store.chance.choice(claims).result
    key, created = own["key"], own["create_revision"]
    found = store.kvs.get(key)
    succeeds = found is not None and found["create_revision"] == created
    if succeeds:
        store.write({"guarded": (value, 0)}, [])
    transaction: Any = {
        "compare": [["create_revision", key, "=", created]],
        "then": [["w", "guarded", value]],
        "else": [],
    }
    store.did("txn", value=transaction, result={"succeeded": succeeds, "operations": []})


def _end(store: TinyEtcd) -> None:
    """All leases end, all watches are told everything, and what is there is read."""
    for _ in range(20):
        store.later(SECOND)
        store.settle()
    for watch in list(store.watches):
        store.deliver(watch, 10_000)
        store.progress(watch)
    store.now_ns += 200 * MILLISECOND
    store.range("\0", "\0")
    held: Any = {"name": "r", "key": "\0", "range_end": "\0", "revision": store.revision}
    kvs: Any = list(store.kvs.values())
    store.history.append(Fact(name="reflector", value={**held, "kvs": kvs}))
    for member in ("m1", "m2"):
        hashed: Any = {"revision": store.revision, "compact_revision": store.compacted}
        store.history.append(Fact(name="hash_kv", value={"member": member, **hashed, "hash": 7}))


ACTIONS: dict[str, Callable[[TinyEtcd, str], None]] = {
    "put": _put,
    "delete": _delete,
    "cas": _compare_and_set,
    "txn": _txn,
    "guarded": _guarded,
    "range": _range,
    "refused": _refused,
    "lost": _lost,
    "grant": _grant,
    "attach": _attach,
    "keep-alive": lambda store, _: store.keep_alive(_lease(store)),
    "revoke": lambda store, _: store.revoke(_lease(store)),
    "time-to-live": lambda store, _: store.time_to_live(_lease(store)),
    "sleep": lambda store, _: store.later(3 * SECOND),
    "acquire": lambda store, _: _line_up(store, "acquire", "lock"),
    "release": lambda store, _: _give_up(store, "acquire", "release"),
    "fenced": _fenced,
    "campaign": lambda store, _: _line_up(store, "campaign", "vote"),
    "resign": lambda store, _: _give_up(store, "campaign", "resign"),
    "watch": _watch,
    "deliver": _deliver,
    "progress": lambda store, _: store.progress(store.chance.choice(store.watches)),
    "compact": _compact,
}
