"""The models: what each allows, as short stories."""

from typing import Any

import pytest

from jepsen_tests.history import Json, MalformedError, Operation
from jepsen_tests.model.catalogue import MODELS
from jepsen_tests.model.model import ILLEGAL, Model, frozen
from jepsen_tests.tests.check.histories import op


def does(function: str, value: Json = None, result: Json = None, revision: int = 0) -> Operation:
    return op(function, value, result, at=(0, 1), revision=revision)


def unknown(function: str, value: Json = None) -> Operation:
    return op(function, value, at=(0, None))


def kv(value: str, version: int, create: int, mod: int) -> Json:
    return {
        "key": "x",
        "value": value,
        "version": version,
        "create_revision": create,
        "mod_revision": mod,
        "lease": 0,
    }


TRUE: Json = True
FALSE: Json = False
STORIES: list[tuple[str, list[Operation], bool]] = [
    ("register", [does("read"), does("write", 1), does("read", None, 1)], True),
    ("register", [does("write", 1), does("read")], False),
    ("register", [does("write", TRUE), does("read", None, 1)], False),
    ("register", [does("write", [1, {"a": 2}]), does("read", None, [1, {"a": 2}])], True),
    ("cas-register", [does("cas", [None, 1], TRUE), does("read", None, 1)], True),
    ("cas-register", [does("cas", [2, 1], FALSE), does("read")], True),
    ("cas-register", [does("cas", [None, 1], FALSE)], False),
    ("cas-register", [unknown("cas", [None, 1]), does("read", None, 1)], True),
    ("versioned-register", [does("read"), does("write", "a", 1)], True),
    ("versioned-register", [does("read", None, [0, None]), does("write", "a", 2)], False),
    ("versioned-register", [does("write", "a"), does("read", None, [1, "a"])], True),
    ("versioned-register", [does("write", "a"), does("read", None, [2, "a"])], False),
    ("versioned-register", [does("write", "a"), does("cas", ["a", "b"], 2)], True),
    ("versioned-register", [does("write", "a"), does("cas", ["c", "b"], FALSE)], True),
    ("kv", [does("get", None, ""), does("append", "a"), does("append", "b")], True),
    ("kv", [does("append", "a"), does("put", "b"), does("get", None, "b")], True),
    ("kv", [does("append", "a"), does("append", "b"), does("get", None, "ba")], False),
    ("append", [does("append", 1), does("append", 2), does("read", None, [1, 2])], True),
    ("append", [does("append", 1), does("read", None, [])], False),
    ("set", [does("read"), does("add", 1), does("add", 2), does("read", None, [2, 1])], True),
    ("set", [does("add", 1), does("read", None, [1, 2])], False),
    ("mutex", [does("acquire"), does("release"), does("acquire")], True),
    ("mutex", [does("acquire"), does("acquire")], False),
    ("mutex", [does("release")], False),
    ("etcd", [does("put", "a", revision=2), does("range", None, [kv("a", 1, 2, 2)])], True),
    ("etcd", [does("put", "a", revision=2), does("range", None, [kv("a", 1, 2, 3)])], False),
    ("etcd", [does("put", "a", revision=2), does("range", None, [kv("a", 2, 2, 2)])], False),
    ("etcd", [does("put", "a", revision=3), does("put", "b", revision=2)], False),
    ("etcd", [unknown("put", "a"), does("range", None, [kv("a", 1, 7, 7)])], True),
    (
        "etcd",
        [does("put", "a", revision=2), does("delete", None, 1, 3), does("range", None, [])],
        True,
    ),
    ("etcd", [does("put", "a", revision=2), does("delete", None, 0, 2)], False),
    ("etcd", [does("delete", None, 1, 3)], False),
    ("etcd", [does("put", "a", revision=2), unknown("delete"), does("read")], True),
    (
        "etcd",
        [
            does("put", "a", revision=2),
            does("delete", None, 1, 3),
            does("put", "b", revision=4),
            does("range", None, [kv("b", 1, 4, 4)]),
        ],
        True,
    ),
    ("etcd", [does("cas", [None, "a"], TRUE, 2), does("read", None, "a")], True),
]


def runs(model: Model[Any], operations: list[Operation]) -> bool:
    state = model.initial
    for operation in operations:
        action = model.action(operation)
        after = model.step(state, action)
        if after is ILLEGAL:
            return False
        assert not model.is_pure(action) or after == state, f"{action} changed {state}"
        hash(after)
        state = after
    return True


@pytest.mark.parametrize(("name", "story", "is_allowed"), STORIES)
def test_a_story(name: str, story: list[Operation], is_allowed: bool) -> None:  # noqa: FBT001
    assert runs(MODELS[name], story) == is_allowed


@pytest.mark.parametrize(
    ("name", "operation", "reason"),
    [
        ("versioned-register", does("read", None, 3), "a versioned read gives"),
        ("kv", does("put", 3), "put takes a string"),
        ("set", does("read", None, "ab"), "a set is read as a list"),
        ("set", does("read", None, [1, 1]), "an element is twice"),
        ("etcd", does("range", None, 3), "a range of one key gives"),
        ("etcd", does("range", {"range_end": "z"}, []), "is not for a model of single keys"),
        ("etcd", does("delete", {"range_end": "z"}, 1), "is not about a single key"),
        ("register", does("read", {"serializable": TRUE}), "is not for a model of single keys"),
    ],
)
def test_what_a_model_cannot_read_is_an_error(name: str, operation: Operation, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        runs(MODELS[name], [operation])


def test_true_and_one_are_different_values() -> None:
    assert frozen([True, 0]) != frozen([1, False])
    assert frozen({"a": [1, None]}) == frozen({"a": [1, None]})
