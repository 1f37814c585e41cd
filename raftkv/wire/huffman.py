"""The Huffman code of header strings (RFC 7541, appendix B), decoding only: we never send it.

The code is canonical, so the lengths say everything: codes of one length are consecutive numbers in
the order of their symbols. Decoding goes byte by byte through rows. A row stands for the bits left
over from the bytes before; for each next byte it has the symbols completed by it (two at most,
since no code is shorter than 5 bits) and the row to go on with. Entries are computed when they are
first needed and shared by all connections: at most 256 rows of 256 entries, a few megabytes.
"""

from functools import lru_cache
from typing import Final, TypeAlias

_LENGTHS: Final = bytes.fromhex(
    "0d171c1c1c1c1c1c1c181e1c1c1e1c1c1c1c1c1c1c1c1e1c1c1c1c1c1c1c1c1c"
    "060a0a0c0d06080b0a0a080b080606060505050606060606060607080f060c0a"
    "0d06070707070707070707070707070707070707070707070807080d130d0e06"
    "0f05060506050606060507070606060506070605050607070707070f0b0e0d1c"
    "1416141416161617161717171717181718181617181717171715161716171718"
    "1615141616171715171616181516171715151615171617171416161617161617"
    "1a1a1413161716191a1a1a1b1b1a181913151a1b1b1a1b1815151a1a1c1b1b1b"
    "14181415161515171616191918181a171a1b1a1a1b1b1b1b1b1c1b1b1b1b1b1a"
    "1e"
)
"""The code length of each byte value, and of the end-of-string symbol 256."""
_END_OF_STRING: Final = 256


class _Row(list["_Entry | None"]):
    """What each next byte does after the bits in `left_over`."""

    __slots__ = ("left_over", "may_end")

    def __init__(self, left_over: str) -> None:
        super().__init__([None] * 256)
        self.left_over = left_over
        """Zeros and ones: a proper prefix of at least one code."""
        # Section 5.2: padding is less than 8 bits, the start of the end-of-string code, all ones.
        self.may_end = len(left_over) < 8 and "0" not in left_over


_Entry: TypeAlias = tuple[str, _Row]


class HuffmanError(ValueError):
    """The bytes are not Huffman code, or their padding is wrong."""


def _symbols_by_code() -> dict[str, int]:
    """Returns each symbol under its code, written in zeros and ones."""
    symbols: dict[str, int] = {}
    code = 0
    length_before = 0
    for symbol in sorted(range(len(_LENGTHS)), key=lambda symbol: (_LENGTHS[symbol], symbol)):
        length = _LENGTHS[symbol]
        code <<= length - length_before
        symbols[f"{code:0{length}b}"] = symbol
        code += 1
        length_before = length
    return symbols


_SYMBOLS: Final = _symbols_by_code()
_ROOT: Final = _Row("")
_rows: Final = {"": _ROOT}


def _entry(row: _Row, byte: int) -> _Entry:
    """Computes and keeps what `byte` does in `row`."""
    symbols = ""
    bits = ""
    for bit in f"{row.left_over}{byte:08b}":
        bits += bit
        symbol = _SYMBOLS.get(bits)
        if symbol == _END_OF_STRING:
            raise HuffmanError("the end-of-string symbol inside a string")
        if symbol is not None:
            symbols += chr(symbol)
            bits = ""
    following = _rows.get(bits)
    if following is None:
        following = _rows[bits] = _Row(bits)
    entry = (symbols, following)
    row[byte] = entry
    return entry


def decode(data: bytes) -> str:
    """Returns the string, each byte as the character of that number (Latin-1).

    Raises:
        HuffmanError: not a string that RFC 7541 section 5.2 allows.
    """
    row = _ROOT
    text = ""
    for byte in data:
        symbols, row = row[byte] or _entry(row, byte)
        text += symbols
    if not row.may_end:
        raise HuffmanError("the padding is not the start of the end-of-string symbol")
    return text


@lru_cache(maxsize=4_096)
def decode_short(data: bytes) -> str:
    """Does what `decode` does, remembering: for strings of a few bytes, which often come again.

    Deadlines are such: "4999712u" is what grpc-go makes of five seconds a moment later, and the
    moment has few lengths.
    """
    return decode(data)
