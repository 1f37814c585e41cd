"""Random commands over few keys, so that they meet each other."""

from hypothesis import strategies as st

from raftkv.command.types import CommandKind
from raftkv.pb import rpc_pb2 as pb

KEYS = (b"a", b"aa", b"b", b"b\0", b"\xff")
BOUNDS = (*KEYS, b"\0", b"\1", b"d")
LEASES = (1, 2, -3, 1 << 62)

keys = st.sampled_from(KEYS)
starts = st.sampled_from(BOUNDS)
ends = st.sampled_from((b"", b"", *BOUNDS))
values = st.sampled_from((b"", b"x", b"y", b"value" * 30))
maybe_lease = st.sampled_from((0, 0, 0, *LEASES))
rarely = st.sampled_from((False, False, False, True))
revisions = st.integers(-1, 20)
maybe_revision = st.one_of(st.just(0), revisions)
limits = st.sampled_from((-1, 0, 0, 1, 2, 3, 100))

puts = st.builds(
    pb.PutRequest,
    key=keys,
    value=values,
    lease=maybe_lease,
    prev_kv=rarely,
    ignore_value=rarely,
    ignore_lease=rarely,
)
deletes = st.builds(pb.DeleteRangeRequest, key=starts, range_end=ends, prev_kv=rarely)
ranges = st.builds(
    pb.RangeRequest,
    key=starts,
    range_end=ends,
    limit=limits,
    revision=maybe_revision,
    sort_order=st.sampled_from(pb.RangeRequest.SortOrder.values()),
    sort_target=st.sampled_from(pb.RangeRequest.SortTarget.values()),
    keys_only=rarely,
    count_only=rarely,
    min_mod_revision=maybe_revision,
    max_mod_revision=maybe_revision,
    min_create_revision=maybe_revision,
    max_create_revision=maybe_revision,
)
plain_ranges = st.builds(
    pb.RangeRequest, key=starts, range_end=ends, limit=limits, revision=maybe_revision
)


numbers = st.one_of(st.integers(0, 3), revisions, maybe_lease)
compares: st.SearchStrategy[pb.Compare] = st.one_of(
    [
        st.builds(
            pb.Compare,
            target=st.just(target),
            key=starts,
            range_end=ends,
            result=st.sampled_from(pb.Compare.CompareResult.values()),
            **{field: values if field == "value" else numbers},
        )
        for target, field in (
            (pb.Compare.VERSION, "version"),
            (pb.Compare.CREATE, "create_revision"),
            (pb.Compare.MOD, "mod_revision"),
            (pb.Compare.VALUE, "value"),
            (pb.Compare.LEASE, "lease"),
        )
    ]
)


def _operations(
    nested: st.SearchStrategy[pb.TxnRequest] | None,
) -> st.SearchStrategy[list[pb.RequestOp]]:
    choices = [
        st.builds(pb.RequestOp, request_put=puts),
        st.builds(pb.RequestOp, request_delete_range=deletes),
        st.builds(pb.RequestOp, request_range=st.one_of(plain_ranges, ranges)),
    ]
    if nested is not None:
        choices.append(st.builds(pb.RequestOp, request_txn=nested))
    return st.lists(st.one_of(choices), max_size=4)


def _txns(nested: st.SearchStrategy[pb.TxnRequest] | None) -> st.SearchStrategy[pb.TxnRequest]:
    return st.builds(
        pb.TxnRequest,
        compare=st.lists(compares, max_size=2),
        success=_operations(nested),
        failure=_operations(nested),
    )


txns = _txns(_txns(_txns(None)))
leases = st.sampled_from(LEASES)
granted = [(CommandKind.LEASE_GRANT, pb.LeaseGrantRequest(ID=lease, TTL=9)) for lease in LEASES]
"""What a sequence begins with, so that leases are used rather than missed."""
commands = st.one_of(
    st.tuples(st.just(CommandKind.PUT), puts),
    st.tuples(st.just(CommandKind.PUT), st.builds(pb.PutRequest, key=keys, value=values)),
    st.tuples(st.just(CommandKind.DELETE_RANGE), deletes),
    st.tuples(st.just(CommandKind.TXN), txns),
    st.tuples(st.just(CommandKind.DELETE_RANGE), st.builds(pb.DeleteRangeRequest, key=keys)),
    st.tuples(
        st.just(CommandKind.COMPACT),
        st.builds(pb.CompactionRequest, revision=st.integers(-1, 45)),
    ),
    st.tuples(
        st.just(CommandKind.LEASE_GRANT),
        st.builds(pb.LeaseGrantRequest, ID=leases, TTL=st.integers(1, 100)),
    ),
    st.tuples(st.just(CommandKind.LEASE_REVOKE), st.builds(pb.LeaseRevokeRequest, ID=leases)),
)
