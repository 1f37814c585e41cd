"""Bugs of membership changes: when one may begin, which configuration rules, who votes."""

from importlib import import_module
from typing import Any

from jepsen_tests.planted.planting import Absent, Bed, Bug, Suite
from raftkv.node import leading
from raftkv.node.leading import Leading
from raftkv.raft import acceptance, core, reconfiguration, replication
from raftkv.raft import state as state_module
from raftkv.raft.events import MembershipChange, ProposeMembership
from raftkv.raft.membership import MembershipHistory, changed
from raftkv.raft.state import Role, State
from raftkv.raft.types import NO_MEMBER, Membership


def _change_before_own_commit(bed: Bed) -> None:
    def next_membership(state: State, changes: tuple[MembershipChange, ...]) -> Membership | None:
        is_pending = state.history.latest_index > state.commit or state.membership.is_joint
        if state.role is not Role.LEADER or state.transfer_target != NO_MEMBER or is_pending:
            return None
        return changed(state.membership, changes)

    bed.replace(reconfiguration, "next_membership", next_membership)


def _change_while_pending(bed: Bed) -> None:
    def next_membership(state: State, changes: tuple[MembershipChange, ...]) -> Membership | None:
        if state.role is not Role.LEADER or not state.has_committed_in_term:
            return None
        return changed(state.membership, changes)

    def change(old: Any, self: Leading, changes: Any, command: bytes, applied: Any) -> Any:  # noqa: ANN401
        raft = self._raft
        del old, applied
        known = raft.membership.members
        gentle = tuple(
            MembershipChange("add_learner", c.member)
            if c.action == "add_voter" and c.member not in known
            else c
            for c in changes
        )
        raft.step(ProposeMembership(gentle, command))

    bed.replace(reconfiguration, "next_membership", next_membership)
    bed.wrap(Leading, "change_membership", change)


def _rule_when_committed(bed: Bed) -> None:
    """A configuration rules once it is committed, though the rule says: once it is in the log."""

    def membership_changed(old: Any, state: State) -> None:  # noqa: ANN401
        history = state.history
        committed = history.at(state.commit) or history.latest
        later = MembershipHistory(0, committed)
        state.history = later
        try:
            old(state)
        finally:
            state.history = history

    def commit_to(old: Any, state: State, index: int) -> None:  # noqa: ANN401
        old(state, index)
        state_module.membership_changed(state)

    bed.wrap(state_module, "membership_changed", membership_changed)
    bed.replace(core, "membership_changed", state_module.membership_changed)
    for module in (acceptance, replication):
        bed.wrap(module, "commit_to", commit_to)


def _forget_at_boot(bed: Bed) -> None:
    def read(old: Any, self: MembershipHistory, entries: list[bytes]) -> None:  # noqa: ANN401
        old(self, entries[:-5])

    bed.wrap(MembershipHistory, "read", read)


def _keep_truncated(bed: Bed) -> None:
    def truncate(self: MembershipHistory, index: int) -> None:
        kept = self._points[-1]
        while self._points[-1][0] >= index:
            self._points.pop()
        self._points[-1] = (self._points[-1][0], kept[1])

    bed.replace(MembershipHistory, "truncate", truncate)


def _vote_at_once(bed: Bed) -> None:
    def change(old: Any, self: Leading, changes: Any, command: bytes, applied: Any) -> Any:  # noqa: ANN401
        step = self._raft.step

        class Eager:
            """The core, but for learners that become voters on their way to it."""

            def __getattr__(self, name: str) -> Any:  # noqa: ANN401
                return getattr(raft, name)

            def step(self, event: ProposeMembership) -> None:
                step(ProposeMembership(changes, event.context))

        raft = self._raft
        self._raft = Eager()  # type: ignore[assignment]
        try:
            return old(self, changes, command, applied)
        finally:
            self._raft = raft

    bed.wrap(Leading, "change_membership", change)


def _lead_though_removed(bed: Bed) -> None:
    bed.replace(reconfiguration, "step_down_if_removed", lambda _: None)


def _take_back_a_wiped_disk(bed: Bed) -> None:
    async def check(*_: Any) -> None:  # noqa: ANN401
        return

    bed.replace(import_module("raftkv.member.serve"), "_check_not_bootstrapped", check)


def _refuse_too_late(bed: Bed) -> None:
    bed.replace(leading, "_refusal", lambda *_: None)


BUGS = (
    Bug(
        "change-before-own-commit",
        "raft-dev 2015, copycat 23, axon 120",
        "thesis 4.1: no change before the leader committed an entry of its own term",
        _change_before_own_commit,
        {"membership_changes_per_second": 3.0, "new_leader_harm": 0.5},
    ),
    Bug(
        "change-while-pending",
        "classic",
        "thesis 4.1: one change at a time",
        _change_while_pending,
        {"membership_changes_per_second": 3.0},
    ),
    Bug(
        "configuration-rules-when-committed",
        "NuRaft 67, etcd-io/raft 469",
        "thesis 4.1: a configuration rules from the moment it is in the log",
        _rule_when_committed,
        {"membership_changes_per_second": 2.0, "new_leader_harm": 0.7},
    ),
    Bug(
        "configuration-forgotten-at-boot",
        "NuRaft 67",
        "thesis 4.1: a stored configuration rules after a restart, committed or not",
        _forget_at_boot,
        {"membership_changes_per_second": 2.0, "crashes_per_second": 1.0},
    ),
    Bug(
        "configuration-kept-after-truncation",
        "classic",
        "section 6: a configuration goes with the entry that brought it",
        _keep_truncated,
        {"membership_changes_per_second": 3.0, "new_leader_harm": 0.9, "message_loss": 0.2},
    ),
    Bug(
        "voter-without-catch-up",
        "HomeStore 546, Redpanda",
        "thesis 4.2.1: a new voter catches up first, so that it never takes the quorum away",
        _vote_at_once,
        {"membership_changes_per_second": 0.5},
    ),
    Bug(
        "removed-leader-stays",
        "classic",
        "thesis 4.2.2: a leader whose removal is committed steps down",
        _lead_though_removed,
        {"membership_changes_per_second": 1.0},
    ),
    Bug(
        "refused-change-reaches-consensus",
        "classic",
        "what the members table will refuse does not reach consensus",
        _refuse_too_late,
        {"membership_changes_per_second": 2.0},
    ),
    Bug(
        "wiped-disk-taken-back",
        "swarmkit 1815, formance 1476, camunda 30290",
        "a member that lost its disk must not vote again as if it were new",
        _take_back_a_wiped_disk,
        suite=Suite.TESTS,
        tests=("raftkv/tests/member/test_process.py",),
    ),
)

ABSENT = (
    Absent(
        "campaign-with-unapplied-configuration",
        "etcd-io/raft 469",
        "a configuration rules from the moment it is in the log, so none waits to be applied",
        "configuration-rules-when-committed",
    ),
)
