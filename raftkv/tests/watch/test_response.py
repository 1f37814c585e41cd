"""The bytes made by hand are the bytes protobuf makes."""

from hypothesis import given
from hypothesis import strategies as st

from raftkv.mvcc import record
from raftkv.pb.kv_pb2 import Event, KeyValue
from raftkv.pb.rpc_pb2 import ResponseHeader, WatchResponse
from raftkv.watch import response

revisions = st.integers(0, 2**63 - 1)
ids = st.integers(-(2**63), 2**63 - 1)
reasons = st.text(min_size=1)


@st.composite
def key_values(draw: st.DrawFn) -> KeyValue:
    return KeyValue(
        key=draw(st.binary(min_size=1, max_size=300)),
        create_revision=draw(st.integers(1, 2**63 - 1)),
        mod_revision=draw(st.integers(1, 2**63 - 1)),
        version=draw(st.integers(1, 2**63 - 1)),
        value=draw(st.binary(max_size=300)),
        lease=draw(ids),
    )


def header_of(revision: int) -> ResponseHeader:
    return ResponseHeader(revision=revision)


@given(revisions, ids)
def test_a_created_response_is_protobufs(revision: int, watch_id: int) -> None:
    expected = WatchResponse(header=header_of(revision), watch_id=watch_id, created=True)
    made = response.created(response.revision_header(revision), watch_id)
    assert made == expected.SerializeToString()


@given(revisions, reasons)
def test_a_refused_response_is_protobufs(revision: int, reason: str) -> None:
    expected = WatchResponse(
        header=header_of(revision), watch_id=-1, created=True, canceled=True, cancel_reason=reason
    )
    made = response.refused(response.revision_header(revision), reason)
    assert made == expected.SerializeToString()


@given(revisions, ids)
def test_a_canceled_response_is_protobufs(revision: int, watch_id: int) -> None:
    expected = WatchResponse(header=header_of(revision), watch_id=watch_id, canceled=True)
    made = response.canceled(response.revision_header(revision), watch_id)
    assert made == expected.SerializeToString()


@given(revisions, ids, st.integers(1, 2**63 - 1))
def test_a_compacted_response_is_protobufs(
    revision: int, watch_id: int, compact_revision: int
) -> None:
    expected = WatchResponse(
        header=header_of(revision),
        watch_id=watch_id,
        canceled=True,
        compact_revision=compact_revision,
    )
    made = response.compacted(response.revision_header(revision), watch_id, compact_revision)
    assert made == expected.SerializeToString()


@given(
    revisions,
    ids,
    st.booleans(),
    st.lists(st.tuples(st.booleans(), key_values(), st.none() | key_values()), max_size=4),
)
def test_a_response_with_events_is_protobufs(
    revision: int,
    watch_id: int,
    is_fragment: bool,  # noqa: FBT001
    changes: list[tuple[bool, KeyValue, KeyValue | None]],
) -> None:
    expected = WatchResponse(header=header_of(revision), watch_id=watch_id, fragment=is_fragment)
    made = response.revision_header(revision) + response.watch_id_field(watch_id)
    if is_fragment:
        made += response.FRAGMENT
    for is_delete, kv, previous in changes:
        if is_delete:
            row = record.encode_tombstone(kv.key, kv.mod_revision)
            kv = KeyValue(key=kv.key, mod_revision=kv.mod_revision)  # noqa: PLW2901
        else:
            row = kv.SerializeToString()
        kind = Event.DELETE if is_delete else Event.PUT
        expected.events.append(Event(type=kind, kv=kv, prev_kv=previous))
        before = None if previous is None else previous.SerializeToString()
        made += response.event_field(row, before, is_delete=is_delete)
    assert made == expected.SerializeToString()
