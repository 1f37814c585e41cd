"""Our HPACK against RFC 7541's examples and against the `hpack` library."""

import hpack
import pytest
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hypothesis import given
from hypothesis import strategies as st

from raftkv.wire import huffman
from raftkv.wire.errors import ConnectionViolationError, ErrorCode
from raftkv.wire.hpack_decoder import Decoder
from raftkv.wire.hpack_encoder import Encoder

NAMES = st.sampled_from((":path", "grpc-timeout", "x", "user-agent", "content-type", "a" * 300))
VALUES = st.one_of(
    st.sampled_from(("", "0", "/", "application/grpc", "5S", "trailers", "v" * 4_000)),
    st.text(st.characters(max_codepoint=255), max_size=40),
)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=12)
TABLE_SIZES = st.one_of(st.none(), st.integers(0, 4_096))

REQUESTS_PLAIN = (
    "828684410f7777772e6578616d706c652e636f6d",
    "828684be58086e6f2d6361636865",
    "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
)
REQUESTS_HUFFMAN = (
    "828684418cf1e3c2e5f23a6ba0ab90f4ff",
    "828684be5886a8eb10649cbf",
    "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
)
REQUEST_FIELDS = (
    [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")],
    [
        *((":method", "GET"), (":scheme", "http"), (":path", "/")),
        *((":authority", "www.example.com"), ("cache-control", "no-cache")),
    ],
    [
        *((":method", "GET"), (":scheme", "https"), (":path", "/index.html")),
        *((":authority", "www.example.com"), ("custom-key", "custom-value")),
    ],
)
REQUEST_TABLE_BYTES = (57, 110, 164)
RESPONSES_PLAIN = (
    (
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
        "6e1768747470733a2f2f7777772e6578616d706c652e636f6d"
    ),
    "4803333037c1c0bf",
    (
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f"
        "3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076"
        "657273696f6e3d31"
    ),
)
RESPONSES_HUFFMAN = (
    (
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f"
        "0b97c8e9ae82ae43d3"
    ),
    "4883640effc1c0bf",
    (
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335df"
        "dfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"
    ),
)
COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"
RESPONSE_FIELDS = (
    [
        *((":status", "302"), ("cache-control", "private")),
        *(("date", "Mon, 21 Oct 2013 20:13:21 GMT"), ("location", "https://www.example.com")),
    ],
    [
        *((":status", "307"), ("cache-control", "private")),
        *(("date", "Mon, 21 Oct 2013 20:13:21 GMT"), ("location", "https://www.example.com")),
    ],
    [
        *((":status", "200"), ("cache-control", "private")),
        *(("date", "Mon, 21 Oct 2013 20:13:22 GMT"), ("location", "https://www.example.com")),
        *(("content-encoding", "gzip"), ("set-cookie", COOKIE)),
    ],
)
RESPONSE_TABLE_BYTES = (222, 222, 215)


def decoded(decoder: Decoder, block: bytes) -> list[tuple[str, str]]:
    fields, apart = decoder.decode(block)
    assert apart is None
    return [(field.name, field.value) for field in fields]


def in_reference(decoder: hpack.Decoder, block: bytes) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in decoder.decode(block, raw=True)
    ]


@pytest.mark.parametrize("blocks", [REQUESTS_PLAIN, REQUESTS_HUFFMAN], ids=["plain", "huffman"])
def test_the_requests_of_rfc_7541_appendices_c3_and_c4_decode(blocks: tuple[str, ...]) -> None:
    decoder = Decoder()
    for block, fields, size in zip(blocks, REQUEST_FIELDS, REQUEST_TABLE_BYTES, strict=True):
        assert decoded(decoder, bytes.fromhex(block)) == fields
        assert decoder.table_bytes == size


@pytest.mark.parametrize("blocks", [RESPONSES_PLAIN, RESPONSES_HUFFMAN], ids=["plain", "huffman"])
def test_the_responses_of_rfc_7541_appendices_c5_and_c6_decode(blocks: tuple[str, ...]) -> None:
    decoder = Decoder(table_bytes_max=256)
    for block, fields, size in zip(blocks, RESPONSE_FIELDS, RESPONSE_TABLE_BYTES, strict=True):
        assert decoded(decoder, bytes.fromhex(block)) == fields
        assert decoder.table_bytes == size


@pytest.mark.parametrize(
    ("block", "field", "table_bytes"),
    [
        (
            "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
            ("custom-key", "custom-header"),
            55,
        ),
        ("040c2f73616d706c652f70617468", (":path", "/sample/path"), 0),
        ("100870617373776f726406736563726574", ("password", "secret"), 0),
        ("82", (":method", "GET"), 0),
    ],
    ids=["C.2.1 inserted", "C.2.2 not inserted", "C.2.3 never inserted", "C.2.4 indexed"],
)
def test_each_form_of_rfc_7541_appendix_c2_decodes(
    block: str, field: tuple[str, str], table_bytes: int
) -> None:
    decoder = Decoder()
    assert decoded(decoder, bytes.fromhex(block)) == [field]
    assert decoder.table_bytes == table_bytes
    assert decoder.changed == (table_bytes > 0)


def test_our_encoder_writes_what_appendix_c3_shows() -> None:
    encoder = Encoder()
    for block, fields in zip(REQUESTS_PLAIN, REQUEST_FIELDS, strict=True):
        assert encoder.encode(fields).hex() == block


@given(st.lists(st.tuples(FIELDS, TABLE_SIZES, st.booleans()), max_size=12))
def test_we_decode_all_that_the_reference_encodes(
    blocks: list[tuple[list[tuple[str, str]], int | None, bool]],
) -> None:
    encoder, decoder = hpack.Encoder(), Decoder()
    for fields, table_size, is_huffman in blocks:
        if table_size is not None:
            encoder.header_table_size = table_size
        raw = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in fields]
        block = encoder.encode(raw, huffman=is_huffman)
        assert decoded(decoder, block) == fields


@given(st.lists(st.tuples(FIELDS, FIELDS, TABLE_SIZES), max_size=12))
def test_the_reference_decodes_all_that_we_encode(
    blocks: list[tuple[list[tuple[str, str]], list[tuple[str, str]], int | None]],
) -> None:
    encoder, decoder = Encoder(), hpack.Decoder(max_header_list_size=1 << 20)
    for lasting, passing, table_size in blocks:
        if table_size is not None:
            decoder.max_allowed_table_size = table_size
            encoder.limit_table(table_size)
        block = encoder.encode(lasting, passing)
        assert in_reference(decoder, block) == lasting + passing


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_any_bytes_mean_to_us_what_they_mean_to_the_reference_or_are_refused(
    blocks: list[bytes],
) -> None:
    ours, reference = Decoder(), hpack.Decoder()
    for block in blocks:
        try:
            fields = decoded(ours, block)
        except ConnectionViolationError:
            with pytest.raises(hpack.HPACKError):
                in_reference(reference, block)
            return
        try:
            expected = in_reference(reference, block)
        except hpack.HPACKError:
            return
        assert fields == expected


def test_the_computed_huffman_code_is_the_one_of_appendix_b() -> None:
    codes = {symbol: code for code, symbol in huffman._SYMBOLS.items()}
    for symbol, (code, length) in enumerate(zip(REQUEST_CODES, REQUEST_CODES_LENGTH, strict=True)):
        assert codes[symbol] == f"{code:0{length}b}"


@given(st.binary(max_size=200))
def test_huffman_code_of_any_bytes_is_read_back(data: bytes) -> None:
    encoded = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH).encode(data)
    assert huffman.decode(encoded) == data.decode("latin-1")


@pytest.mark.parametrize(
    "encoded",
    ["ff", "ffffffff", "00", "1f00", "07ff", "fffffffffffffffffffffffc"],
    ids=["8 bits of padding", "end of string", "zeros", "zeros again", "9 bits", "end inside"],
)
def test_wrong_huffman_padding_is_refused(encoded: str) -> None:
    with pytest.raises(huffman.HuffmanError):
        huffman.decode(bytes.fromhex(encoded))


@pytest.mark.parametrize(
    "block",
    [
        "80",
        "be",
        "ff80808080808080808001",
        "ffffffffff0f",
        "7fffffffffff7f",
        "40",
        "4003616263",
        "0001617f",
        "00ff8080808001",
        "8221",
        "3fe21f",
        "3fffffffffff7f",
        "0085ffffffffff00",
    ],
    ids=[
        "index 0",
        "index past the table",
        "an integer with useless zeros for ever",
        "a huge index",
        "a huge name index",
        "nothing after the first byte",
        "no value",
        "a value past the end",
        "a huge string",
        "a size update after a field",
        "a table over the limit",
        "a huge table",
        "broken Huffman code",
    ],
)
def test_hostile_blocks_are_refused(block: str) -> None:
    with pytest.raises(ConnectionViolationError) as caught:
        Decoder().decode(bytes.fromhex(block))
    assert caught.value.code is ErrorCode.COMPRESSION_ERROR


def test_a_changing_value_is_returned_apart_and_the_rest_stay_the_same_objects() -> None:
    encoder, decoder = hpack.Encoder(), Decoder(apart="grpc-timeout")
    lists = []
    for timeout in ("1S", "2S", "3S"):
        block = encoder.encode([(":path", "/a/b"), ("grpc-timeout", timeout), ("te", "trailers")])
        fields, apart = decoder.decode(block)
        assert apart == timeout
        lists.append(fields)
    assert lists[0] == lists[1] == lists[2], "fields are compared by identity"


def test_the_same_literal_is_the_same_object_without_being_in_the_table() -> None:
    decoder = Decoder()
    block = bytes.fromhex("040c2f73616d706c652f70617468")
    assert decoder.decode(block)[0] == decoder.decode(block)[0]
    assert decoder.table_bytes == 0
    assert not decoder.changed


def test_literals_that_never_come_again_do_not_pile_up() -> None:
    decoder = Decoder()
    for number in range(1_000):
        decoder.decode(b"\x00\x01a\x04%04d" % number)
    assert len(decoder._kept_literals) <= 64
