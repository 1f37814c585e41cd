"""Every message survives the way to bytes and back; nothing else passes."""

from contextlib import suppress
from typing import Any, get_args

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.peer import messages as p
from raftkv.peer.codec import _SHAPES, AnyMessage, DecodeError, decode, encode
from raftkv.raft import messages as r
from raftkv.raft.types import Membership, encode_entry

members = st.integers(1, 2**64 - 1)
counters = st.integers(0, 2**63 - 1)
identifiers = st.integers(0, 2**64 - 1)
signed = st.integers(-(2**63), 2**63 - 1)
texts = st.text(max_size=20)
payloads = st.binary(max_size=50)
flags = st.booleans()
groups = st.frozensets(members, max_size=5)
memberships = st.builds(Membership, groups, groups, groups, groups)
row_lists = st.dictionaries(st.binary(min_size=17, max_size=17), payloads, max_size=5).map(
    lambda rows: sorted(rows.items())
)
table_sets = st.dictionaries(
    texts,
    st.dictionaries(st.binary(min_size=1, max_size=511), payloads, max_size=5).map(
        lambda rows: sorted(rows.items())
    ),
    max_size=4,
)


def entries_after(index: int, bodies: list[bytes]) -> list[bytes]:
    return [encode_entry(7, index + 1 + at, 0, body) for at, body in enumerate(bodies)]


@st.composite
def append_entries(draw: st.DrawFn) -> r.AppendEntries:
    index = draw(st.integers(0, 2**63 - 100))
    entries = entries_after(index, draw(st.lists(payloads, max_size=5)))
    return r.AppendEntries(
        draw(members), draw(members), draw(counters), index, draw(counters), draw(counters), entries
    )


MESSAGES: dict[type, st.SearchStrategy[Any]] = {
    r.RequestVote: st.builds(
        r.RequestVote, members, members, counters, counters, counters, flags, flags
    ),
    r.RequestVoteResponse: st.builds(
        r.RequestVoteResponse, members, members, counters, flags, flags
    ),
    r.AppendEntries: append_entries(),
    r.AppendEntriesResponse: st.builds(
        r.AppendEntriesResponse, members, members, counters, flags, counters, counters, counters
    ),
    r.Heartbeat: st.builds(r.Heartbeat, members, members, counters, counters, counters),
    r.HeartbeatResponse: st.builds(r.HeartbeatResponse, members, members, counters, counters),
    r.InstallSnapshot: st.builds(
        r.InstallSnapshot, members, members, counters, counters, counters, memberships
    ),
    r.TimeoutNow: st.builds(r.TimeoutNow, members, members, counters),
    p.ForwardProposals: st.builds(
        p.ForwardProposals, members, members, counters, st.lists(payloads, max_size=5)
    ),
    p.ForwardMembership: st.builds(
        p.ForwardMembership,
        members,
        members,
        counters,
        st.lists(st.tuples(texts, members), max_size=3),
        payloads,
    ),
    p.ProposalsReturned: st.builds(
        p.ProposalsReturned, members, members, st.lists(st.binary(max_size=50), max_size=5)
    ),
    p.ProposalsRejected: st.builds(
        p.ProposalsRejected, members, members, st.lists(identifiers, max_size=5), texts
    ),
    p.ReadIndexRequest: st.builds(p.ReadIndexRequest, members, members, counters, identifiers),
    p.ReadIndexResponse: st.builds(p.ReadIndexResponse, members, members, identifiers, signed),
    p.LeaseRequest: st.builds(p.LeaseRequest, members, members, identifiers, flags, signed),
    p.LeaseResponse: st.builds(p.LeaseResponse, members, members, identifiers, signed, signed),
    p.SnapshotBegin: st.builds(p.SnapshotBegin, members, members, counters, identifiers),
    p.SnapshotChunk: st.builds(p.SnapshotChunk, members, members, identifiers, counters, row_lists),
    p.SnapshotEnd: st.builds(
        p.SnapshotEnd,
        members,
        members,
        counters,
        identifiers,
        counters,
        row_lists,
        table_sets,
        counters,
        counters,
        memberships,
    ),
    p.SnapshotAck: st.builds(p.SnapshotAck, members, members, identifiers, counters, flags),
}
every_message = st.one_of(*MESSAGES.values())


def test_every_message_has_a_code_and_a_strategy_here() -> None:
    unions = {*get_args(r.Message), *get_args(p.PeerMessage)}
    assert {kind for kind, _ in _SHAPES.values()} == unions == set(MESSAGES)
    for kind, checks in _SHAPES.values():
        assert len(checks) == len(getattr(kind, "_fields"))  # noqa: B009


@given(every_message)
def test_a_message_comes_back_as_it_was(message: AnyMessage) -> None:
    decoded = decode(encode(message))
    assert decoded == message
    assert type(decoded) is type(message)


@given(append_entries())
def test_entries_packed_once_make_the_same_bytes(message: r.AppendEntries) -> None:
    packed: dict[int, bytes] = {}
    other = message._replace(to=9, prev_term=1)
    assert encode(message, packed) == encode(message)
    assert encode(other, packed) == encode(other)
    assert len(packed) == 1


def damaged(data: bytes, source: st.DataObject) -> bytes:
    draw = source.draw
    at = draw(st.integers(0, len(data) - 1))
    return data[:at] + draw(st.binary(max_size=4)) + data[at + draw(st.integers(0, 3)) :]


@given(every_message, st.data())
def test_damaged_bytes_are_a_message_or_a_decode_error(
    message: AnyMessage, data: st.DataObject
) -> None:
    try:
        decoded = decode(damaged(encode(message), data))
    except DecodeError:
        return
    assert decode(encode(decoded)) == decoded


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_decode_error(data: bytes) -> None:
    with suppress(DecodeError):
        decode(data)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(_SHAPES)), st.data())
def test_fields_of_any_type_are_a_message_or_a_decode_error(code: int, data: st.DataObject) -> None:
    count = len(_SHAPES[code][1])
    values = data.draw(st.lists(plain, min_size=count, max_size=count))
    with suppress(DecodeError):
        decode(msgpack.packb((code, *values)))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param((99, 1, 2), id="unknown code"),
        pytest.param((), id="no code"),
        pytest.param(("3", 1, 2), id="a code that is text"),
        pytest.param((8, 1, 2), id="a field too few"),
        pytest.param((8, 1, 2, 3, 4), id="a field too many"),
        pytest.param((8, 0, 2, 3), id="to nobody"),
        pytest.param((8, 1, 2, -1), id="a negative term"),
        pytest.param((8, 1, 2, 2**63), id="a term about to overflow"),
        pytest.param((8, 1, True, 3), id="a flag for a number"),
        pytest.param((2, 1, 2, 3, 1, False), id="a number for a flag"),
        pytest.param((3, 1, 2, 3, 4, 1, 4, ["text"]), id="an entry that is text"),
        pytest.param((31, 1, 2, 3, 4, [(b"short", b"")]), id="a short row key"),
        pytest.param((31, 1, 2, 3, 4, [(b"b" * 17, b""), (b"a" * 17, b"")]), id="rows in disorder"),
        pytest.param((7, 1, 2, 3, 4, 5, [[1, 1], [], [], []]), id="a member twice"),
        pytest.param((7, 1, 2, 3, 4, 5, [[1], [], []]), id="three groups"),
    ],
)
def test_what_a_message_may_not_hold_is_refused(values: tuple[Any, ...]) -> None:
    with pytest.raises(DecodeError):
        decode(msgpack.packb(values))


def test_what_follows_a_message_is_refused() -> None:
    with pytest.raises(DecodeError):
        decode(encode(r.TimeoutNow(1, 2, 3)) + b"\x00")


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(DecodeError):
        decode(b"\x91" * 100_000 + b"\x00")


def test_an_array_that_only_claims_its_length_is_refused() -> None:
    with pytest.raises(DecodeError):
        decode(b"\xdd\xff\xff\xff\xff")
