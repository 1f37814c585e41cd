"""LeaseGrant and LeaseRevoke, and leases over a restart."""

from raftkv.command.types import Failure
from raftkv.config import LimitsConfig
from raftkv.mvcc.record import decode
from raftkv.mvcc.revision import ROW_KEYS_END, first_row_key
from raftkv.tests.apply.given import a_state, get, grant, put, refused, reloaded, revoke


def test_a_granted_lease_is_answered_with_its_id_and_ttl() -> None:
    state = a_state()
    revision, answer = grant(state, 1 << 62, 30)
    assert (revision, answer.ID, answer.TTL) == (1, 1 << 62, 30)
    assert answer.error == ""


def test_what_speaks_against_a_lease() -> None:
    state = a_state()
    grant(state, 7)
    longest = LimitsConfig().lease_ttl_seconds_max
    with refused(Failure.LEASE_EXISTS):
        grant(state, 7)
    with refused(Failure.LEASE_NOT_FOUND):
        grant(state, 0)
    with refused(Failure.LEASE_TTL_TOO_LARGE):
        grant(state, 8, longest + 1)
    assert longest == grant(state, 8, longest)[1].TTL


def test_revoking_deletes_all_keys_at_one_revision_in_their_order() -> None:
    state = a_state()
    grant(state, 7)
    for key in (b"c", b"a", b"b"):
        put(state, key, lease=7)
    put(state, b"stays")
    revision, _ = revoke(state, 7)
    assert revision == 6
    rows = [decode(row) for _, row in state.store.scan(first_row_key(6), ROW_KEYS_END, 9)]
    assert [row.key for row in rows] == [b"a", b"b", b"c"]
    assert get(state, b"\0", b"\0")[1].count == 1
    with refused(Failure.LEASE_NOT_FOUND):
        revoke(state, 7)


def test_revoking_a_lease_without_keys_does_not_move_the_revision() -> None:
    state = a_state()
    grant(state, 7)
    assert revoke(state, 7)[0] == 1


def test_leases_and_what_hangs_on_them_are_there_after_a_restart() -> None:
    state = a_state()
    grant(state, 7, 30)
    grant(state, -8, 40)
    put(state, b"a", lease=7)
    put(state, b"b", lease=-8)
    put(state, b"b")
    again = reloaded(state)
    assert again.lessor.ids() == [-8, 7]
    assert (again.lessor.keys(7), again.lessor.keys(-8)) == ([b"a"], [])
    assert again.lessor.granted_ttl(-8) == 40
