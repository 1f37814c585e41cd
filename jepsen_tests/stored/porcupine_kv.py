"""Porcupine's recorded histories of a store of strings: one EDN map a line.

A line is `{:process 9, :type :invoke, :f :append, :key "0", :value "x 9 0 y"}`, with `:get`, `:put`
and `:append`, of which each has its `:ok`.
"""

import re
from collections.abc import Iterable

from jepsen_tests.history import History, MalformedError, Status
from jepsen_tests.stored.events import Pairing

_LINE = re.compile(
    r"\{:process (\d{1,9}), :type :(invoke|ok), :f :(get|put|append), "
    r':key "([^"\\]*)", :value (nil|"[^"\\]*")\}\s*'
)


def is_porcupine_kv(line: str) -> bool:
    """Whether a file that begins so is of this format."""
    return line.startswith("{:process")


def read_porcupine_kv(lines: Iterable[str]) -> History:
    """The history of a file.

    Raises:
        MalformedError: it is none; the text names the line.
    """
    pairing = Pairing()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise MalformedError(f"line {number}: not a line of a kv history of porcupine")
        process, kind, function, key, text = match.groups()
        value = None if text == "nil" else text[1:-1]
        if (value is None) != (function == "get" and kind == "invoke"):
            raise MalformedError(f"line {number}: {kind} of {function} with {text}")
        try:
            if kind == "invoke":
                pairing.invoke(number, int(process), function, key, value)
            else:
                result = value if function == "get" else None
                pairing.complete(number, int(process), function, Status.OK, result)
        except MalformedError as error:
            raise MalformedError(f"line {number}: {error}") from None
    return pairing.end()
