"""What may be remembered of header blocks, and what must be forgotten."""

import hpack
from hypothesis import given
from hypothesis import strategies as st

from raftkv.config import WireConfig
from raftkv.tests.wire.raw_client import ECHO, FAIL, RawClient
from raftkv.wire.header_cache import HeaderCache
from raftkv.wire.hpack_decoder import Decoder
from raftkv.wire.static_table import Field

Pairs = list[tuple[str, str]]


def pairs(fields: list[Field]) -> Pairs:
    return [(field.name, field.value) for field in fields]


class Cache:
    """A cache as a connection uses it, whose meanings are the fields themselves."""

    def __init__(self, config: WireConfig | None = None) -> None:
        self.interpreted = 0
        self.cache: HeaderCache[Pairs] = HeaderCache(
            Decoder(apart="grpc-timeout"), self._interpret, config or WireConfig()
        )

    def _interpret(self, fields: list[Field]) -> Pairs:
        self.interpreted += 1
        return pairs(fields)

    def look_up(self, block: bytes) -> tuple[Pairs, bool]:
        """Returns a block's meaning, and whether its bytes alone were enough."""
        known = self.cache.blocks.get(block)
        return (self.cache.read(block)[0], False) if known is None else (known, True)


LONG = st.sampled_from([f"{letter * 900}" for letter in "abcdefgh"])
SHORT = st.sampled_from(("/kv/Range", "/kv/DeleteRange", "/kv/Put"))
BLOCKS = st.lists(
    st.tuples(SHORT, st.one_of(st.none(), LONG), st.one_of(st.none(), st.integers(0, 4_096))),
    max_size=60,
)


@given(BLOCKS)
def test_a_block_means_what_it_means_without_a_cache_whatever_the_table_does(
    calls: list[tuple[str, str | None, int | None]],
) -> None:
    """The table is nearly always full: insertions evict, its length stays, indices move."""
    encoder, cache = hpack.Encoder(), Cache()
    for path, token, table_size in calls:
        if table_size is not None:
            encoder.header_table_size = table_size
        fields = [(":method", "POST"), (":path", path)]
        if token is not None:
            fields.append(("token", token))
        assert cache.look_up(encoder.encode(fields))[0] == fields


def test_with_a_full_table_an_insertion_does_not_turn_a_range_into_a_delete() -> None:
    encoder, cache = hpack.Encoder(), Cache()
    for path in ("/kv/Range", "/kv/DeleteRange"):
        cache.look_up(encoder.encode([(":path", path)]))
    repeated = encoder.encode([(":path", "/kv/Range")])
    assert cache.look_up(repeated)[0] == [(":path", "/kv/Range")]
    assert cache.look_up(repeated) == ([(":path", "/kv/Range")], True)
    cache.look_up(encoder.encode([("token", "t" * 3_900)]))
    assert not cache.cache.blocks


def test_a_block_without_insertion_is_known_by_its_bytes_the_next_time() -> None:
    encoder, cache = hpack.Encoder(), Cache()
    fields = [(":method", "POST"), (":path", "/kv/Put")]
    assert cache.look_up(encoder.encode(fields)) == (fields, False)
    assert not cache.cache.blocks, "the first block inserted"
    assert cache.look_up(encoder.encode(fields)) == (fields, False)
    assert cache.look_up(encoder.encode(fields)) == (fields, True)


def test_a_size_update_empties_the_cache_and_its_block_is_not_kept() -> None:
    encoder, cache = hpack.Encoder(), Cache()
    for _ in range(3):
        cache.look_up(encoder.encode([(":method", "POST"), (":path", "/kv/Put")]))
    assert cache.cache.blocks
    encoder.header_table_size = 2_000
    cache.look_up(encoder.encode([(":method", "POST")]))
    assert not cache.cache.blocks


def test_changing_deadlines_do_not_make_the_rest_be_interpreted_again() -> None:
    encoder, cache = hpack.Encoder(), Cache()
    for number in range(50):
        fields = [(":path", "/kv/Put"), ("grpc-timeout", f"{number}m")]
        meaning, apart = cache.cache.read(encoder.encode(fields))
        assert (meaning, apart) == ([(":path", "/kv/Put")], f"{number}m")
    assert cache.interpreted == 1


def test_the_cache_has_as_many_blocks_as_configured_and_none_larger() -> None:
    config = WireConfig(header_cache_blocks_max=4, header_cache_block_bytes_max=20)
    cache = Cache(config)
    for number in range(20):
        block = b"\x00\x01a\x02%02d" % number
        assert cache.look_up(block)[0] == [("a", f"{number:02d}")]
        assert len(cache.cache.blocks) <= 4
        assert len(cache.cache._meanings) <= 4
    large = b"\x00\x01b\x19" + b"v" * 25
    cache.look_up(large)
    assert large not in cache.cache.blocks


def test_the_server_sends_each_call_to_its_own_method_while_deadlines_evict_all() -> None:
    client = RawClient()
    for number in range(400):
        path = (ECHO, FAIL)[number % 3 == 0]
        client.send(client.request(path, b"%d" % number, grpc_timeout=f"{10_000 + number}m"))
        head, body, trailers = client.reply()
        if path == ECHO:
            assert (head["content-type"], trailers) == ("application/grpc", {"grpc-status": "0"})
            assert body[5:] == b"%d" % number
        else:
            assert trailers["grpc-status"] == "9"
