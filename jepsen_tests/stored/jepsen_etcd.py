"""Jepsen's log of its first test of etcd: a register that is read, written, compared and set.

A line is `INFO  jepsen.util - PROCESS  :invoke|:ok|:fail|:info  :read|:write|:cas  VALUE`. The
words have meanings of their own here: `:fail` of a `:cas` is an answer, "the value is another one",
and so says something of the register; `:fail` of a `:read` is a timeout and says nothing; after
`:info` the operation stays open to the end, and its process is never heard of again. Any other
`:fail` is taken for an `:info`, which is always safe. What the nemesis did is passed over.
"""

import re
from collections.abc import Iterable

from jepsen_tests.history import History, Json, MalformedError, Status
from jepsen_tests.stored.events import Pairing

_LINE = re.compile(
    r"INFO\s+jepsen\.util\s+-\s+(\d{1,9})\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+"
    r"(nil|-?\d{1,18}|\[-?\d{1,18}\s+-?\d{1,18}\]|:timed-out)\s*"
)
_NO_OPERATION = re.compile(r"\s*|INFO\s+jepsen\.util\s+-\s+:nemesis\s.*", re.DOTALL)
_TIMED_OUT = ":timed-out"


def is_jepsen_etcd(line: str) -> bool:
    """Whether a log that begins so is of this format."""
    return line.startswith("INFO") and "jepsen.util" in line


def read_jepsen_etcd(lines: Iterable[str]) -> History:
    """The history of a log.

    Raises:
        MalformedError: it is none; the text names the line.
    """
    pairing = Pairing()
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            if _NO_OPERATION.fullmatch(line):
                continue
            raise MalformedError(f"line {number}: not a line of Jepsen's log of etcd")
        try:
            _event(pairing, number, match.groups())
        except MalformedError as error:
            raise MalformedError(f"line {number}: {error}") from None
    return pairing.end()


def _event(pairing: Pairing, number: int, fields: tuple[str, ...]) -> None:
    process, kind, function, text = int(fields[0]), *fields[1:]
    value = _value(text)
    expected = {"read": (int, type(None)), "write": (int,), "cas": (list,)}[function]
    is_silent = text == _TIMED_OUT and kind in {"fail", "info"}
    is_argument = isinstance(value, expected) and text != _TIMED_OUT
    if not is_silent and not is_argument:
        raise MalformedError(f":{kind} of a {function} with {text}")
    match kind:
        case "invoke":
            pairing.invoke(number, process, function, "", value)
        case "ok":
            pairing.complete(number, process, function, Status.OK, _result(function, value))
        case "info":
            pairing.complete(number, process, function, Status.INFO)
        case _ if function == "cas" and text != _TIMED_OUT:
            pairing.complete(number, process, function, Status.OK, result=False)
        case _:
            status = Status.FAIL if function == "read" else Status.INFO
            pairing.complete(number, process, function, status)


def _value(text: str) -> Json:
    if text in {"nil", _TIMED_OUT}:
        return None
    if text.startswith("["):
        return [int(part) for part in text[1:-1].split()]
    return int(text)


def _result(function: str, value: Json) -> Json:
    return {"read": value, "write": None, "cas": True}[function]
