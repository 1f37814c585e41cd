"""Leases as replicated state, and their deadlines on the primary. Ten ticks are a second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.lease import deadlines
from raftkv.lease.lessor import Lessor
from raftkv.mvcc.memory import MemoryTables

TICKS_PER_SECOND = 10.0


@pytest.fixture
def tables() -> MemoryTables:
    return MemoryTables()


@pytest.fixture
def lessor(tables: MemoryTables) -> Lessor:
    return Lessor(tables, TICKS_PER_SECOND)


@pytest.fixture
def primary(lessor: Lessor) -> Lessor:
    lessor.promote(0)
    return lessor


def expired_until(lessor: Lessor, tick: int, leases_max: int = 100) -> dict[int, int]:
    """The tick at which each lease was first reported as expired."""
    found: dict[int, int] = {}
    for now in range(tick + 1):
        for lease in lessor.expired(now, leases_max):
            found.setdefault(lease, now)
    return found


# -- replicated state


def test_leases_and_their_ttls_are_stored_and_come_back_without_keys(
    lessor: Lessor, tables: MemoryTables
) -> None:
    lessor.grant(7, 60)
    lessor.grant(-7, 9_000_000_000)
    lessor.grant(8, 5)
    lessor.revoke(8)
    loaded = Lessor(tables, TICKS_PER_SECOND)
    loaded.load(list(tables.items("lease")))
    assert loaded.ids() == [-7, 7]
    assert [loaded.granted_ttl(lease) for lease in (-7, 7, 8)] == [9_000_000_000, 60, None]
    assert len(loaded) == 2
    assert not loaded.is_primary


def test_a_key_hangs_on_one_lease_at_most(lessor: Lessor) -> None:
    lessor.grant(1, 10)
    lessor.grant(2, 10)
    lessor.set_lease(b"b", 1)
    lessor.set_lease(b"a", 1)
    assert lessor.keys(1) == [b"a", b"b"]
    lessor.set_lease(b"b", 2)
    assert (lessor.keys(1), lessor.keys(2)) == ([b"a"], [b"b"])
    lessor.set_lease(b"a", 0)
    lessor.set_lease(b"never attached", 0)
    assert (lessor.keys(1), lessor.lease_of(b"a"), lessor.lease_of(b"b")) == ([], 0, 2)
    assert lessor.keys(99) == []


def test_a_revoked_lease_lets_go_of_its_keys(lessor: Lessor) -> None:
    lessor.grant(1, 10)
    lessor.set_lease(b"a", 1)
    lessor.revoke(1)
    assert lessor.lease_of(b"a") == 0
    assert not lessor.exists(1)
    lessor.grant(1, 10)
    assert lessor.keys(1) == []


def test_granting_a_lease_twice_is_our_mistake(lessor: Lessor) -> None:
    lessor.grant(1, 10)
    with pytest.raises(AssertionError):
        lessor.grant(1, 10)


@given(
    st.lists(
        st.tuples(st.sampled_from((b"a", b"b", b"c")), st.sampled_from((0, 1, 2))), max_size=30
    )
)
def test_attachments_are_those_of_a_plain_dictionary(
    changes: list[tuple[bytes, int]],
) -> None:
    lessor = Lessor(MemoryTables(), TICKS_PER_SECOND)
    attached: dict[bytes, int] = {}
    for key, lease in changes:
        lessor.set_lease(key, lease)
        attached[key] = lease
    for lease in (1, 2):
        expected = sorted(key for key, of in attached.items() if of == lease)
        assert lessor.keys(lease) == expected
    assert all(lessor.lease_of(key) == lease for key, lease in attached.items())


# -- deadlines


def test_a_lease_runs_out_after_its_ttl_and_never_before(primary: Lessor) -> None:
    primary.expired(100, 10)
    primary.grant(1, 3)
    assert primary.expired(130, 10) == []
    assert primary.expired(131, 10) == [1]


def test_a_renewed_lease_has_its_full_ttl_again(primary: Lessor) -> None:
    primary.grant(1, 3)
    assert primary.renew(1, 29) == 3
    assert primary.remaining(1, 29) == (3, 3)
    assert expired_until(primary, 100) == {1: 59}


def test_a_lease_that_has_run_out_or_is_gone_is_not_renewed(primary: Lessor) -> None:
    primary.grant(1, 3)
    assert primary.renew(1, 31) is None
    assert primary.renew(2, 0) is None
    assert primary.remaining(2, 0) is None


def test_what_remains_is_told_in_whole_seconds_and_is_never_negative(primary: Lessor) -> None:
    primary.grant(1, 3)
    remaining = [primary.remaining(1, tick) for tick in (0, 1, 2, 11, 12, 30, 31, 90)]
    assert remaining == [(seconds, 3) for seconds in (3, 3, 2, 2, 1, 0, 0, 0)]


def test_an_expired_lease_is_told_again_only_after_a_while_and_only_if_it_is_still_there(
    primary: Lessor,
) -> None:
    primary.grant(1, 1)
    primary.grant(2, 1)
    assert primary.expired(11, 10) == [1, 2]
    assert primary.expired(12, 10) == []
    primary.revoke(1)
    assert primary.expired(40, 10) == []
    assert primary.expired(41, 10) == [2]


def test_no_more_leases_expire_in_one_call_than_are_asked_for(primary: Lessor) -> None:
    for lease in range(1, 26):
        primary.grant(lease, 1)
    calls = [primary.expired(50, 10) for _ in range(4)]
    assert [len(call) for call in calls] == [10, 10, 5, 0]
    assert sorted(lease for call in calls for lease in call) == list(range(1, 26))


def test_a_new_primary_gives_every_lease_its_full_ttl(primary: Lessor) -> None:
    primary.grant(1, 10)
    primary.expired(90, 10)
    primary.demote()
    assert not primary.is_primary
    primary.promote(95)
    assert primary.remaining(1, 95) == (10, 10)
    assert expired_until(primary, 300) == {1: 195}


def test_only_the_primary_knows_when_a_lease_runs_out(lessor: Lessor) -> None:
    lessor.grant(1, 10)
    for ask in (lambda: lessor.renew(1, 0), lambda: lessor.remaining(1, 0)):
        with pytest.raises(AssertionError):
            ask()
    with pytest.raises(AssertionError):
        lessor.expired(0, 1)


def test_many_leases_of_before_a_promotion_are_taken_up_bit_by_bit(
    lessor: Lessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "SCHEDULED_PER_CALL", 10)
    for lease in range(1, 101):
        lessor.grant(lease, 5)
    lessor.promote(0)
    assert lessor.renew(100, 20) == 5
    lessor.revoke(50)
    found = expired_until(lessor, 200, leases_max=1_000)
    assert found.pop(100) == 70
    assert set(found) == set(range(1, 100)) - {50}
    assert set(found.values()) == {50}


def test_leases_that_come_and_go_leave_nothing_behind(
    primary: Lessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "_STALE_MAX", 10)
    primary.grant(1, 1_000_000)
    for _ in range(100):
        primary.grant(2, 1_000_000)
        primary.revoke(2)
    assert len(primary._primary._heap) <= 13
    assert primary.remaining(1, 0) == (1_000_000, 1_000_000)
    assert primary.expired(10_000_001, 10) == [1]


def test_a_lease_that_is_granted_again_has_a_life_of_its_own(primary: Lessor) -> None:
    primary.grant(1, 1)
    primary.revoke(1)
    primary.grant(1, 5)
    assert expired_until(primary, 100) == {1: 51}
