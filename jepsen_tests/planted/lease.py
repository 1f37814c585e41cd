"""Bugs of leases: when they end, who may end them, who may say that they live."""

from typing import Any

from jepsen_tests.planted.planting import Bed, Bug
from raftkv.command.types import CommandKind
from raftkv.lease.deadlines import Deadlines
from raftkv.lease.lessor import Lessor
from raftkv.mvcc import loading
from raftkv.node import lease_answers, node
from raftkv.node.parts import Parts
from raftkv.pb import rpc_pb2


def _ignore_renewals(bed: Bed) -> None:
    bed.replace(Deadlines, "renew", lambda *_: True)


def _let_leases_live(bed: Bed) -> None:
    bed.replace(Deadlines, "expired", lambda *_: [])


def _stay_primary(bed: Bed) -> None:
    bed.replace(Lessor, "demote", lambda _: None)


def _expire_as_former_leader(bed: Bed) -> None:
    """Who was leader goes on to end leases, and has its revocations forwarded to who is."""

    def tick(old: Any, parts: Parts) -> None:  # noqa: ANN401
        old(parts)
        lessor = parts.state.lessor
        if lessor.is_primary and parts.raft.leader != parts.raft.member_id:
            for lease in lessor.expired(parts.tick_count, 100):
                body = rpc_pb2.LeaseRevokeRequest(ID=lease).SerializeToString()
                parts.proposals.add(CommandKind.LEASE_REVOKE, body, lambda _: None)

    bed.replace(Lessor, "demote", lambda _: None)
    bed.wrap(node, "on_tick", tick)


def _prove_nothing(bed: Bed) -> None:
    def answer(parts: Parts, lease: int, *, renew: bool, on_answer: Any) -> None:  # noqa: ANN401
        on_answer(*parts.leading.lease_answer(parts.state, lease, parts.tick_count, renew=renew))

    bed.replace(lease_answers, "_answer_when_proved", answer)


def _renew_what_ran_out(bed: Bed) -> None:
    def renew(self: Deadlines, lease: int, tick: int) -> bool:
        ttl_ticks = self._ttl_ticks(lease)
        assert ttl_ticks is not None, "it exists"
        self._deadlines[lease] = tick + ttl_ticks
        return True

    bed.replace(Deadlines, "renew", renew)


def _count_from_the_grant(bed: Bed) -> None:
    """A new primary remembers when a lease began, and that it was renewed it does not know."""
    granted: dict[tuple[int, int], int] = {}

    def promote(old: Any, self: Lessor, tick: int) -> None:  # noqa: ANN401
        old(self, tick)
        for lease in self._ttls:
            since = granted.setdefault((id(self), lease), tick)
            ttl_ticks = self._ttl_ticks(lease) or 0
            self._primary._deadlines[lease] = max(tick + 1, since + ttl_ticks)  # noqa: SLF001

    bed.wrap(Lessor, "promote", promote)


def _half_the_time(bed: Bed) -> None:
    def promote(old: Any, self: Lessor, tick: int) -> None:  # noqa: ANN401
        old(self, tick)
        deadlines = self._primary
        for lease in self._ttls:
            deadlines._deadlines[lease] = tick + (self._ttl_ticks(lease) or 0) // 2  # noqa: SLF001

    bed.wrap(Lessor, "promote", promote)


def _forget_at_boot(bed: Bed) -> None:
    bed.replace(Lessor, "load", lambda *_: None)


def _forget_keys_at_boot(bed: Bed) -> None:
    def load_rows(old: Any, store: Any, pairs: Any, set_lease: Any) -> None:  # noqa: ANN401
        del set_lease
        old(store, pairs, lambda *_: None)

    bed.wrap(loading, "load_rows", load_rows)


def _keep_at_term_start(bed: Bed) -> None:
    """Deadlines are only kept for leases that are granted while this member leads."""

    def promote(old: Any, self: Lessor, tick: int) -> None:  # noqa: ANN401
        known, self._ttls = self._ttls, {}
        old(self, tick)
        self._ttls = known

    bed.wrap(Lessor, "promote", promote)


def _revoke_one_of_them(bed: Bed) -> None:
    def expired(old: Any, self: Lessor, tick: int, leases_max: int) -> Any:  # noqa: ANN401
        found = old(self, tick, leases_max)
        return [lease for lease in found if lease % 7]

    bed.wrap(Lessor, "expired", expired)


BUGS = (
    Bug(
        "lease-not-renewed",
        "classic",
        "a renewed lease lives its full time again",
        _ignore_renewals,
    ),
    Bug("lease-never-ends", "etcd 9395", "a lease that nobody renews ends", _let_leases_live),
    Bug(
        "lease-kept-by-old-leader",
        "etcd 9395, 13491, 17132",
        "a new leader gives every lease its time anew",
        _stay_primary,
    ),
    Bug(
        "lease-ended-by-former-leader",
        "etcd 15247",
        "only today's leader may end a lease",
        _expire_as_former_leader,
        {"new_leader_harm": 0.7, "pauses_per_second": 0.5},
    ),
    Bug(
        "lease-renewed-without-proof",
        "etcd 11456",
        "a leader proves that it leads before it says that a lease lives",
        _prove_nothing,
        {"members": 3, "new_leader_harm": 0.7, "partitions_per_second": 1.0},
    ),
    Bug(
        "ended-lease-renewed",
        "etcd 9395",
        "a lease that has run out, and is being revoked, is not renewed",
        _renew_what_ran_out,
    ),
    Bug(
        "renewals-lost-with-leader",
        "etcd 9395, 13491",
        "a new leader gives every lease its time anew",
        _count_from_the_grant,
        {"transfers_per_second": 1.0},
    ),
    Bug(
        "lease-shortened-by-election",
        "etcd 13491",
        "a change of leader shortens no lease",
        _half_the_time,
        {"transfers_per_second": 1.0},
    ),
    Bug(
        "leases-of-before-never-end",
        "etcd 9395, 17132",
        "a new leader takes over the leases of the one before",
        _keep_at_term_start,
    ),
    Bug(
        "lease-forgotten-at-boot",
        "classic",
        "leases survive a restart",
        _forget_at_boot,
        {"crashes_per_second": 1.0},
    ),
    Bug(
        "lease-keys-forgotten-at-boot",
        "classic",
        "a lease knows its keys after a restart",
        _forget_keys_at_boot,
        {"crashes_per_second": 1.0},
    ),
    Bug(
        "some-leases-never-end",
        "etcd 17132",
        "every lease that nobody renews ends",
        _revoke_one_of_them,
    ),
)
