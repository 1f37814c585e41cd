"""A stored history of any known format, told by how it begins."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from jepsen_tests.history import History, MalformedError, text_lines
from jepsen_tests.stored.jepsen_etcd import is_jepsen_etcd, read_jepsen_etcd
from jepsen_tests.stored.porcupine_kv import is_porcupine_kv, read_porcupine_kv


@dataclass(frozen=True, slots=True)
class Stored:
    """A history as it was found."""

    history: History
    model: str | None
    """The model that goes with the format, by name; None where the history says what it is."""


@dataclass(frozen=True, slots=True)
class _Format:
    begins: Callable[[str], bool]
    read: Callable[[Iterable[str]], History]
    model: str


_FOREIGN = (
    _Format(is_jepsen_etcd, read_jepsen_etcd, "cas-register"),
    _Format(is_porcupine_kv, read_porcupine_kv, "kv"),
)


def read_stored(path: Path) -> Stored:
    """Reads a history; a file without anything in it is an empty one.

    Raises:
        MalformedError: it is of no format, or damaged.
        OSError: it cannot be read.
    """
    lines = text_lines(path)
    blank: list[str] = []
    for first in lines:
        if first.strip():
            break
        blank.append(first)
    else:
        return Stored(History(), None)
    for known in _FOREIGN:
        if known.begins(first):
            try:
                history = known.read(chain(blank, (first,), lines))
            except MalformedError as error:
                raise MalformedError(f"{path}: {error}") from None
            return Stored(history, known.model)
    if first.lstrip().startswith("{"):
        return Stored(History.load(path), None)
    raise MalformedError(
        f"{path}: not a history: neither JSON lines, nor Jepsen's log of etcd, nor porcupine's kv"
    )
