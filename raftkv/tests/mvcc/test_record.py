"""Rows against protobuf's own encoder and decoder."""

from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.mvcc import record
from raftkv.pb.kv_pb2 import KeyValue
from raftkv.pb.rpc_pb2 import RangeResponse

Row: TypeAlias = tuple[bytes, int, int, int, bytes, int]

INT64_MAX = (1 << 63) - 1
INT64_MIN = -(1 << 63)

keys = st.one_of(
    st.binary(min_size=1, max_size=300), st.just(b"k" * 127), st.just(b"k" * 128), st.just(b"\0")
)
values = st.one_of(st.binary(max_size=300), st.just(b"v" * 1023), st.just(b"v" * 20_000))
revisions = st.one_of(st.integers(1, 300), st.integers(1, INT64_MAX))
leases = st.one_of(st.just(0), st.integers(INT64_MIN, INT64_MAX))
puts = st.tuples(keys, revisions, revisions, revisions, values, leases)


def message(fields: Row) -> KeyValue:
    key, create_revision, mod_revision, version, value, lease = fields
    return KeyValue(
        key=key,
        create_revision=create_revision,
        mod_revision=mod_revision,
        version=version,
        value=value,
        lease=lease,
    )


@given(puts)
def test_a_row_is_what_protobuf_makes_of_the_same_fields(fields: Row) -> None:
    assert record.encode(*fields) == message(fields).SerializeToString()


@given(keys, revisions)
def test_a_tombstone_is_what_protobuf_makes_of_a_key_and_a_mod_revision(
    key: bytes, revision: int
) -> None:
    row = record.encode_tombstone(key, revision)
    assert row == KeyValue(key=key, mod_revision=revision).SerializeToString()
    assert record.is_tombstone(row)
    assert record.key_of(row) == key
    assert record.mod_revision_of(row) == revision
    assert record.index_fields(row) == (key, 0, 0, 0)
    assert record.decode(row) == (key, 0, revision, 0, b"", 0)


@given(puts)
def test_every_field_of_a_row_can_be_read_by_itself(fields: Row) -> None:
    row = record.encode(*fields)
    key, create_revision, mod_revision, version, value, lease = fields
    assert not record.is_tombstone(row)
    assert record.key_of(row) == key
    assert record.create_revision_of(row) == create_revision
    assert record.mod_revision_of(row) == mod_revision
    assert record.version_of(row) == version
    assert record.value_of(row) == value
    assert record.lease_of(row) == lease
    assert record.index_fields(row) == (key, create_revision, version, lease)
    assert record.decode(row) == fields


@given(puts)
def test_a_row_without_its_value_is_the_same_message_without_it(fields: Row) -> None:
    expected = message(fields)
    expected.ClearField("value")
    assert record.without_value(record.encode(*fields)) == expected.SerializeToString()


@given(st.integers(INT64_MIN, INT64_MAX))
def test_a_varint_is_protobufs(number: int) -> None:
    encoded = record.varint(number)
    expected = RangeResponse(count=number).SerializeToString()
    assert encoded == (expected[1:] or b"\0")
    assert record.read_varint(b"x" + encoded, 1) == (number % (1 << 64), 1 + len(encoded))


@pytest.mark.parametrize("bits", range(64))
def test_a_varint_is_protobufs_at_each_power_of_two(bits: int) -> None:
    for number in ((1 << bits) - 1, 1 << bits):
        encoded = record.varint(number)
        assert record.read_varint(encoded, 0) == (number, len(encoded))
        assert len(encoded) == max(1, -(-number.bit_length() // 7))


@given(st.lists(puts, max_size=3))
def test_rows_joined_as_fields_are_a_range_response(rows: list[Row]) -> None:
    body = b"".join(record.delimited(b"\x12", record.encode(*fields)) for fields in rows)
    expected = RangeResponse(kvs=[message(fields) for fields in rows])
    assert body == expected.SerializeToString()
