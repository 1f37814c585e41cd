"""The header field, against protobuf's own encoding."""

from hypothesis import given
from hypothesis import strategies as st

from raftkv.pb import rpc_pb2 as pb
from raftkv.raft.types import Membership
from raftkv.service.header import Headers

IDS = st.integers(min_value=1, max_value=2**64 - 1)


class Consensus:
    def __init__(self, term: int = 0) -> None:
        self.leader = 1
        self.term = term
        self.membership = Membership(frozenset((1,)))


def expected(cluster: int, member: int, revision: int, term: int) -> bytes:
    header = pb.ResponseHeader(
        cluster_id=cluster, member_id=member, revision=revision, raft_term=term
    )
    return pb.PutResponse(header=header).SerializeToString()


@given(
    IDS,
    IDS,
    st.lists(
        st.tuples(
            st.one_of(st.integers(0, 2**63 - 1), st.integers(0, 40_000)),
            st.integers(0, 2**40),
        ),
        max_size=30,
    ),
)
def test_the_field_is_what_protobuf_would_write(
    cluster: int, member: int, answers: list[tuple[int, int]]
) -> None:
    consensus = Consensus()
    headers = Headers(cluster, member, consensus)
    for revision, term in answers:
        consensus.term = term
        assert headers.field(revision) == expected(cluster, member, revision, term)


def test_every_small_revision_and_the_borders_between_cached_pieces() -> None:
    consensus = Consensus(3)
    headers = Headers(7, 9, consensus)
    for revision in [*range(700), *range(2**14 - 300, 2**14 + 300), *range(300)]:
        assert headers.field(revision) == expected(7, 9, revision, 3)
