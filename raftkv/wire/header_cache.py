"""Remembers what header blocks mean, so that a steady client's headers cost one dictionary lookup.

Two levels. `blocks` maps the bytes of a block to its meaning. The rule that keeps it right: a block
is kept only if decoding it inserted nothing and announced no size, and any insertion or size update
empties it, because indices mean other fields from then on. Comparing table lengths instead would be
wrong: with a full table an insertion evicts, and the length stays.

Below that, `_meanings` maps the decoded fields to their meaning. A client whose deadlines change
the table with every call never hits the first level, but its other fields are the same table
entries, the same objects, so the second level finds them without looking at their text. That
mapping is of fields, not of indices, so it stays right whatever happens to the table.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from raftkv.config import WireConfig
from raftkv.wire.errors import ConnectionViolationError, ErrorCode
from raftkv.wire.hpack_decoder import Decoder
from raftkv.wire.static_table import Field

Meaning = TypeVar("Meaning")


class HeaderCache(Generic[Meaning]):
    """Turns header blocks into their meaning, decoding as seldom as possible."""

    def __init__(
        self, decoder: Decoder, interpret: Callable[[list[Field]], Meaning], config: WireConfig
    ) -> None:
        self.blocks: dict[bytes, Meaning] = {}
        """Looked up by the connection's loop; a block that is missing here is given to `read`."""
        self._decoder = decoder
        self._interpret = interpret
        self._meanings: dict[tuple[Field, ...], Meaning] = {}
        self._blocks_max = config.header_cache_blocks_max
        self._block_bytes_max = config.header_cache_block_bytes_max
        self._list_bytes_max = config.header_list_bytes_max

    def read(self, block: bytes) -> tuple[Meaning, str | None]:
        """Returns a block's meaning, and the value that the decoder keeps apart.

        Raises:
            ConnectionViolationError: not HPACK, or a header list over the limit.
        """
        fields, apart = self._decoder.decode(block)
        changed = self._decoder.changed
        if changed and self.blocks:
            self.blocks.clear()
        key = tuple(fields)
        meaning = self._meanings.get(key)
        if meaning is None:
            if sum([field.size for field in fields]) > self._list_bytes_max:
                raise ConnectionViolationError(
                    ErrorCode.ENHANCE_YOUR_CALM, "too large a header list"
                )
            meaning = self._interpret(fields)
            if len(block) > self._block_bytes_max:
                return meaning, apart
            if len(self._meanings) >= self._blocks_max:
                self._meanings.clear()
            self._meanings[key] = meaning
        if not changed and apart is None and len(block) <= self._block_bytes_max:
            if len(self.blocks) >= self._blocks_max:
                self.blocks.clear()
            self.blocks[block] = meaning
        return meaning, apart
