"""Random requests: mostly right ones, over few keys, so that they meet each other."""

from google.protobuf.message import Message
from hypothesis import strategies as st

from raftkv.pb import rpc_pb2 as pb
from raftkv.tests.conformance.revisions import RAW_BELOW

KEYS = (b"a", b"ab", b"b", b"b\0", b"c", b"d")
LEASES = (1, 2, 3)

keys = st.sampled_from(KEYS * 4 + (b"a",) * 8 + (b"",))
ends = st.sampled_from((b"",) * 8 + (b"\0",) * 2 + KEYS + (b"z",) * 2)
values = st.sampled_from((b"", b"1", b"2", b"10", b"x" * 300))
seldom = st.sampled_from((False,) * 7 + (True,))
revisions = st.sampled_from((0,) * 12 + tuple(range(-1, 12)) + (RAW_BELOW, 1_000))
bounds = st.sampled_from((0,) * 12 + tuple(range(1, 9)))
leases = st.sampled_from((0,) * 16 + LEASES * 2 + (99,))

ranges = st.builds(
    pb.RangeRequest,
    key=keys,
    range_end=ends,
    limit=st.sampled_from((0,) * 5 + (1, 2, 3, -1)),
    revision=revisions,
    sort_order=st.sampled_from((0,) * 4 + (1, 2)),
    sort_target=st.sampled_from((0,) * 4 + (1, 2, 3, 4)),
    serializable=st.booleans(),
    keys_only=seldom,
    count_only=seldom,
    min_mod_revision=bounds,
    max_mod_revision=bounds,
    min_create_revision=bounds,
    max_create_revision=bounds,
)
odd_ranges = st.builds(pb.RangeRequest, key=keys, range_end=ends, sort_order=st.just(3))
"""Never an unknown sort target: etcd 3.5.1 ends with a nil pointer dereference."""
plain_puts = st.builds(pb.PutRequest, key=keys, value=values, lease=leases, prev_kv=st.booleans())
keeping_puts = st.builds(
    pb.PutRequest,
    key=keys,
    value=st.sampled_from((b"", b"", b"", b"1")),
    lease=st.sampled_from((0, 0, 0, 1)),
    prev_kv=st.booleans(),
    ignore_value=st.booleans(),
    ignore_lease=st.booleans(),
)
puts = st.one_of(plain_puts, plain_puts, plain_puts, plain_puts, keeping_puts)
deletes = st.builds(pb.DeleteRangeRequest, key=keys, range_end=ends, prev_kv=st.booleans())


@st.composite
def compares(draw: st.DrawFn) -> pb.Compare:
    """A comparison, now and then of something else than it says."""
    compare = draw(
        st.builds(
            pb.Compare,
            result=st.sampled_from((0, 0, 0, 1, 2, 3)),
            target=st.sampled_from((0, 1, 2, 3, 4)),
            key=keys,
            range_end=ends,
        )
    )
    field = ("version", "create_revision", "mod_revision", "value", "lease")[compare.target]
    if draw(seldom):
        field = draw(st.sampled_from(("version", "value", "lease")))
    if field == "value":
        compare.value = draw(values)
    elif field == "version":
        compare.version = draw(st.integers(0, 3))
    elif field == "lease":
        compare.lease = draw(leases)
    else:
        setattr(compare, field, draw(st.integers(0, 9)))
    return compare


def operations(txns: st.SearchStrategy[pb.TxnRequest] | None) -> st.SearchStrategy[pb.RequestOp]:
    """One operation of a transaction."""
    kinds = [
        st.builds(pb.RequestOp, request_range=ranges),
        st.builds(pb.RequestOp, request_put=puts),
        st.builds(pb.RequestOp, request_put=puts),
        st.builds(pb.RequestOp, request_delete_range=deletes),
    ]
    if txns is not None:
        kinds.append(st.builds(pb.RequestOp, request_txn=txns))
    return st.one_of(*kinds)


def txns_of(inner: st.SearchStrategy[pb.TxnRequest] | None) -> st.SearchStrategy[pb.TxnRequest]:
    """Transactions whose nested ones are `inner`."""
    branch = st.lists(operations(inner), max_size=4)
    return st.builds(
        pb.TxnRequest,
        compare=st.lists(compares(), max_size=2),
        success=branch,
        failure=branch,
    )


txns = txns_of(txns_of(txns_of(None)))
odd_txns = st.sampled_from(
    (
        pb.TxnRequest(),
        pb.TxnRequest(success=[pb.RequestOp()]),
        pb.TxnRequest(compare=[pb.Compare.FromString(b"\x10\x09\x1a\x01a")]),  # target 9
        pb.TxnRequest(compare=[pb.Compare.FromString(b"\x08\x09\x1a\x01a")]),  # result 9
        pb.TxnRequest(compare=[pb.Compare(key=b"a", target=pb.Compare.VALUE)]),
        pb.TxnRequest(compare=[pb.Compare(key=b"a")] * 129),
        pb.TxnRequest(success=[pb.RequestOp(request_range=pb.RangeRequest(key=b"a"))] * 128),
        pb.TxnRequest(success=[pb.RequestOp(request_range=pb.RangeRequest(key=b"a"))] * 129),
    )
)
compactions = st.builds(
    pb.CompactionRequest,
    revision=st.sampled_from((-1, 0, *tuple(range(1, 8)) * 2, 1_000)),
    physical=st.booleans(),
)
grants = st.builds(
    pb.LeaseGrantRequest,
    ID=st.sampled_from((*LEASES * 3, 0)),
    TTL=st.sampled_from((60, 60, 60, 100, 1, 0, -1, 9_000_000_000, 9_000_000_001)),
)
revocations = st.builds(pb.LeaseRevokeRequest, ID=st.sampled_from((*LEASES * 2, 0, 99)))
times = st.builds(
    pb.LeaseTimeToLiveRequest, ID=st.sampled_from((*LEASES * 2, 0, 99)), keys=st.booleans()
)
renewals = st.builds(pb.LeaseKeepAliveRequest, ID=st.sampled_from((*LEASES * 2, 99)))

# Never the id -1: etcd 3.5.1 forgets a watch of that id when it refuses another one.
watches = st.builds(
    pb.WatchCreateRequest,
    key=st.sampled_from((b"a",) * 4 + (b"",) * 2) | keys,
    range_end=st.sampled_from((b"\0", b"\0", b"z")) | ends,
    start_revision=st.sampled_from((0,) * 4 + tuple(range(-1, 10))),
    watch_id=st.sampled_from((0,) * 8 + (1, 5, -7)),
    prev_kv=st.booleans(),
    filters=st.sampled_from(([],) * 8 + ([0], [1])),
    progress_notify=st.booleans(),
    fragment=st.booleans(),
)
creations = st.builds(pb.WatchRequest, create_request=watches)
cancellations = st.builds(
    pb.WatchRequest,
    cancel_request=st.builds(pb.WatchCancelRequest, watch_id=st.sampled_from((0, 0, 1, 2, 5, 77))),
)

STEPS = {
    "range": ranges,
    "odd range": odd_ranges,
    "put": puts,
    "delete": deletes,
    "txn": txns,
    "odd txn": odd_txns,
    "compact": compactions,
    "grant": grants,
    "revoke": revocations,
    "time to live": times,
    "keep alive": renewals,
    "leases": st.just(pb.LeaseLeasesRequest()),
    "watch": creations,
    "cancel": cancellations,
}
_KINDS = (
    ["put"] * 24
    + ["range", "txn"] * 8
    + ["delete", "watch", "grant"] * 4
    + ["compact", "cancel"] * 2
    + ["odd range", "odd txn", "revoke", "time to live", "keep alive", "leases"]
)


@st.composite
def sequences(draw: st.DrawFn) -> list[Message]:
    """Requests to send one after the other."""
    kinds = draw(st.lists(st.sampled_from(_KINDS), min_size=8, max_size=28))
    granted = [pb.LeaseGrantRequest(ID=lease, TTL=60) for lease in LEASES[:2]]
    beginning = [
        *draw(st.sampled_from(([], granted, granted))),
        *draw(st.lists(creations, max_size=2)),
        *draw(st.lists(plain_puts, min_size=2, max_size=6)),
    ]
    return beginning + [draw(STEPS[kind]) for kind in kinds]
