"""Bugs of replication: what a follower takes, what a leader counts, what is committed."""

from typing import Any

from jepsen_tests.planted.elections import send_before_durable
from jepsen_tests.planted.planting import Bed, Bug
from raftkv.raft import acceptance, core, replication, terms
from raftkv.raft.messages import AppendEntries, AppendEntriesResponse, Heartbeat
from raftkv.raft.progress import Progress
from raftkv.raft.quorum import agreed_index
from raftkv.raft.state import State, commit_to, truncate_log
from raftkv.raft.terms import follow
from raftkv.raft.update import Update


def _commit_older_terms(bed: Bed) -> None:
    def advance(state: State, index: int) -> bool:
        match = {member: progress.match for member, progress in state.progress.items()}
        agreed = agreed_index(state.halves, match)
        if index <= state.commit or agreed <= state.commit:
            return False
        commit_to(state, agreed)
        return True

    bed.replace(replication, "_advance_commit", advance)


def _append_anywhere(bed: Bed) -> None:
    def on_append_entries(old: Any, state: State, message: AppendEntries) -> None:  # noqa: ANN401
        own_term = state.log.term_at(message.prev_index)
        if own_term is not None:
            message = message._replace(prev_term=own_term)
        old(state, message)

    bed.wrap(acceptance, "on_append_entries", on_append_entries)


def _overwrite_in_place(bed: Bed) -> None:
    """What follows the new entries stays, though it conflicts with them."""

    def append(old: Any, state: State, prev: int, entries: list[bytes], changes: Any) -> Any:  # noqa: ANN401
        log = state.log
        end = prev + len(entries)
        tail = log.slice(end + 1, log.last_index) if end < log.last_index else []
        taken = old(state, prev, entries, changes)
        if taken and tail and log.last_index == end:
            log.append(tail)
        return taken

    bed.wrap(acceptance, "_append", append)


def _truncate_what_matches(bed: Bed) -> None:
    def on_append_entries(old: Any, state: State, message: AppendEntries) -> None:  # noqa: ANN401
        first_new = message.prev_index + len(message.entries) + 1
        old(state, message)
        if state.commit < first_new <= state.log.last_index:
            truncate_log(state, first_new)
            state.verified = min(state.verified, state.log.last_index)

    bed.wrap(acceptance, "on_append_entries", on_append_entries)


def _take_compacted_for_conflict(bed: Bed) -> None:
    def on_append_entries(old: Any, state: State, message: AppendEntries) -> None:  # noqa: ANN401
        log = state.log
        if (
            0 < message.prev_index < log.offset
            and log.first_index <= log.last_index
            and follow(state, message.sender)
        ):
            log.truncate(log.first_index)
            state.commit = state.verified = log.last_index
            return
        old(state, message)

    bed.wrap(acceptance, "on_append_entries", on_append_entries)


def _commit_unverified(bed: Bed) -> None:
    def on_heartbeat(old: Any, state: State, message: Heartbeat) -> None:  # noqa: ANN401
        state.verified = state.log.last_index
        old(state, message)

    bed.wrap(acceptance, "on_heartbeat", on_heartbeat)


def _commit_beyond_append(bed: Bed) -> None:
    def on_append_entries(old: Any, state: State, message: AppendEntries) -> None:  # noqa: ANN401
        old(state, message)
        commit = min(message.commit, state.log.last_index)
        if state.leader == message.sender and commit > state.commit:
            commit_to(state, commit)

    bed.wrap(acceptance, "on_append_entries", on_append_entries)


def _count_undurable(bed: Bed) -> None:
    def take_update(old: Any, raft: core.Raft) -> Update | None:  # noqa: ANN401
        state = raft._state  # noqa: SLF001 - a bug keeps no manners
        me = state.progress.get(state.member_id)
        if me is not None:
            me.match = state.log.last_index
        return old(raft)  # type: ignore[no-any-return]

    bed.wrap(core.Raft, "take_update", take_update)


def _acknowledge_what_was_sent(bed: Bed) -> None:
    def sent(old: Any, self: Progress, count: int, size: int) -> None:  # noqa: ANN401
        old(self, count, size)
        self.match = max(self.match, self.next - 1)

    bed.wrap(Progress, "sent", sent)


def _do_not_repeat_probes(bed: Bed) -> None:
    bed.replace(Progress, "heard", lambda self: setattr(self, "recently_active", True))


def _believe_old_answers(bed: Bed) -> None:
    def on_receive(self: core.Raft, event: Any) -> None:  # noqa: ANN401
        message, state = event.message, self._state
        if isinstance(message, AppendEntriesResponse) and 0 < message.term < state.term:
            message = message._replace(term=state.term)
        if terms.admit(state, message):
            self._messages[type(message)](message)

    bed.replace(core.Raft, "_on_receive", on_receive)


BUGS = (
    Bug(
        "commit-older-terms",
        "LogCabin 44, figure 8",
        "section 5.4.2: only entries of the leader's own term are committed by counting",
        _commit_older_terms,
        {
            "new_leader_harm": 1.0,
            "message_loss": 0.1,
            "pre_vote": False,
            "message_delay_us_max": 50_000,
        },
    ),
    Bug(
        "acknowledge-before-durable",
        "NATS 2.12.1",
        "figure 2: entries are durable before a follower responds",
        send_before_durable(AppendEntriesResponse),
    ),
    Bug(
        "append-anywhere",
        "classic",
        "section 5.3: entries follow only where both logs match",
        _append_anywhere,
        {"new_leader_harm": 0.9, "partitions_per_second": 0.7},
    ),
    Bug(
        "conflict-overwritten-in-place",
        "mofa 1151",
        "section 5.3: a conflicting entry goes, and all that follow it",
        _overwrite_in_place,
        {"new_leader_harm": 0.9, "partitions_per_second": 0.7},
    ),
    Bug(
        "matching-tail-truncated",
        "classic",
        "section 5.3: only what conflicts is removed; an append that comes late removes nothing",
        _truncate_what_matches,
        {"message_overtaking": True},
    ),
    Bug(
        "compacted-taken-for-conflict",
        "openraft 511",
        "section 7: what was compacted was committed, and so matches",
        _take_compacted_for_conflict,
        {"message_overtaking": True, "message_delay_spike": 0.05},
    ),
    Bug(
        "commit-unverified",
        "copycat 265, scylla 9965",
        "figure 2: a follower commits no further than its log matches the leader's",
        _commit_unverified,
    ),
    Bug(
        "commit-beyond-append",
        "copycat 265, scylla 9965",
        "figure 2: commitIndex = min(leaderCommit, index of last new entry)",
        _commit_beyond_append,
        {"new_leader_harm": 0.9, "partitions_per_second": 0.7},
    ),
    Bug(
        "leader-counts-undurable",
        "etcd 14370",
        "thesis 10.2.1: the leader counts itself for what its disk has",
        _count_undurable,
    ),
    Bug(
        "sent-counts-as-stored",
        "classic",
        "section 5.3: an entry is committed when a quorum said that it has it",
        _acknowledge_what_was_sent,
    ),
    Bug(
        "old-answers-believed",
        "classic",
        "section 5.1: an answer of an older term says nothing about today's log",
        _believe_old_answers,
        {
            "members": 3,
            "transfers_per_second": 3.0,
            "requests_per_second": 200,
            "message_overtaking": True,
            "message_delay_us_max": 5_000,
            "message_delay_spike": 0.2,
            "new_leader_harm": 0.9,
        },
    ),
    Bug(
        "probe-never-repeated",
        "classic",
        "section 5.3: the leader retries indefinitely what may have been lost",
        _do_not_repeat_probes,
        {"message_loss": 0.1},
    ),
)
