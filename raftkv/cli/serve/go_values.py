"""Values in the notation of Go's `flag` package, which etcd's users write."""

import re

NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60 * 1_000_000_000,
    "h": 3_600 * 1_000_000_000,
}
TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})

_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_DURATION = re.compile(rf"[+-]?(?:{_PART.pattern})+")
_INTEGER = re.compile(r"[+-]?(?:\d+|0[xX][0-9a-fA-F]+)")


def parse_boolean(text: str) -> bool:
    """Reads a boolean.

    Raises:
        ValueError: It is none of Go's twelve spellings.
    """
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def parse_integer(text: str) -> int:
    """Reads an integer of 64 bits, decimal or 0x.

    Raises:
        ValueError: It is not one, or too large.
    """
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    number = int(text, 16 if "x" in text.lower() else 10)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{text!r} does not fit into 64 bits")
    return number


def parse_duration(text: str) -> int:
    """Reads a duration such as `10m`, `1h30m` or `1.5s`; returns nanoseconds.

    Raises:
        ValueError: It is not one; a number without a unit is not one, except 0.
    """
    if text in ("0", "+0", "-0"):
        return 0
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 10m or 1.5s")
    parts = _PART.findall(text)
    nanoseconds = round(sum(float(number) * NANOSECONDS[unit] for number, unit in parts))
    return -nanoseconds if text.startswith("-") else nanoseconds
