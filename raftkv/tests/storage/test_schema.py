"""Values of the data file come back as they were."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.raft.types import HardState, Membership
from raftkv.storage import schema
from raftkv.storage.schema import Identity, LogStart, SystemState

numbers = st.integers(0, 2**64 - 1)
groups = st.frozensets(numbers, max_size=5)
memberships = st.builds(Membership, groups, groups, groups, groups)


@given(st.builds(HardState, numbers, numbers, numbers), numbers, numbers, st.integers(0, 1))
def test_the_state_comes_back(hard: HardState, index: int, term: int, generation: int) -> None:
    state = SystemState(hard, index, term, generation, index)
    assert schema.decode_state(schema.encode_state(state)) == state


@given(numbers, numbers, st.none() | memberships)
def test_the_log_start_comes_back(index: int, term: int, membership: Membership | None) -> None:
    start = LogStart(index, term, membership)
    assert schema.decode_log_start(schema.encode_log_start(start)) == start


@given(numbers, numbers)
def test_the_identity_comes_back(cluster: int, member: int) -> None:
    identity = Identity(cluster, member)
    assert schema.decode_identity(schema.encode_identity(identity)) == identity


@pytest.mark.parametrize(
    "decode",
    [schema.decode_state, schema.decode_log_start, schema.decode_identity, schema.decode_format],
)
@pytest.mark.parametrize("data", [b"", b"x" * 19])
def test_a_damaged_value_is_an_error(decode: object, data: bytes) -> None:
    assert callable(decode)
    with pytest.raises(struct.error):
        decode(data)
