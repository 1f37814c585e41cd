"""Bugs of snapshots: what is sent, when it is installed, what of the log stays."""

from typing import Any

from jepsen_tests.planted.planting import Bed, Bug
from raftkv.node.node import Node
from raftkv.node.transfers import Receiving, Sending
from raftkv.peer.messages import SnapshotBegin, SnapshotChunk, SnapshotEnd
from raftkv.raft import snapshot
from raftkv.raft.log import Log
from raftkv.raft.messages import InstallSnapshot
from raftkv.raft.state import State
from raftkv.watch.hub import Hub
from raftkv.watch.ports import History

RACES = {
    "snapshot_count_entries": 10,
    "requests_per_second": 200,
    "message_overtaking": True,
    "message_delay_us_max": 50_000,
    "message_delay_spike": 0.05,
    "write_us_max": 50_000,
    "write_spike": 0.05,
    "turn_us_max": 5_000,
    "partitions_per_second": 1.0,
    "crashes_per_second": 0.5,
}
"""Logs that are cut early, and followers that are behind and then not."""


def _take_any_chunk(bed: Bed) -> None:
    def stage(old: Any, self: Receiving, message: SnapshotChunk | SnapshotEnd) -> Any:  # noqa: ANN401
        self._next_sequence = message.sequence
        return old(self, message)

    bed.wrap(Receiving, "_stage", stage)


def _install_late(bed: Bed) -> None:
    """What is committed here does not keep an older snapshot out."""

    def on_install(old: Any, state: State, message: InstallSnapshot) -> None:  # noqa: ANN401
        index = message.last_index
        if state.log.offset < index <= state.commit and state.log.last_index > state.commit:
            state.commit = state.handed_out = state.verified = index - 1
        old(state, message)

    bed.wrap(snapshot, "on_install_snapshot", on_install)


def _keep_conflicting_tail(bed: Bed) -> None:
    def restart_after(old: Any, self: Log, index: int, term: int) -> None:  # noqa: ANN401
        if self.offset < index < self.last_index and self.term_at(index) != term:
            self._written = max(self._written, index)
            self.compact(index)
            self.offset_term = term
            return
        old(self, index, term)

    bed.wrap(Log, "restart_after", restart_after)


def _drop_matching_tail(bed: Bed) -> None:
    def restart_after(self: Log, index: int, term: int) -> None:
        if self.last_index > self.offset:
            self.truncate(self.first_index)
        self.offset, self.offset_term, self.last_index = index, term, index
        self.durable_index = self._written = index
        self._run_first = 0

    bed.replace(Log, "restart_after", restart_after)


def _second_into_first(bed: Bed) -> None:
    def begin(old: Any, self: Receiving, message: SnapshotBegin) -> None:  # noqa: ANN401
        before, reset = self.state, self._storage.stage_reset
        if before is not None:
            self._storage.stage_reset = lambda: None  # type: ignore[method-assign]
        old(self, message)
        self._storage.stage_reset = reset  # type: ignore[method-assign]
        if before is not None:
            self.state = before

    bed.wrap(Receiving, "begin", begin)


def _send_what_was_at_the_begin(bed: Bed) -> None:
    """The index that a snapshot claims is newer than the rows it took along."""

    def end(old: Any, self: Sending, sender: Any, rows: Any, applied: Any) -> None:  # noqa: ANN401
        old(self, sender, rows[: len(rows) // 2], applied)

    bed.wrap(Sending, "_end", end)


def _claim_the_commit_index(bed: Bed) -> None:
    def end(old: Any, self: Sending, sender: Any, rows: Any, applied: Any) -> None:  # noqa: ANN401
        commit = self._raft.commit
        old(self, sender, rows, applied._replace(index=commit, term=self._raft.term_at(commit)))

    bed.wrap(Sending, "_end", end)


def _send_todays_membership(bed: Bed) -> None:
    def end(old: Any, self: Sending, sender: Any, rows: Any, applied: Any) -> None:  # noqa: ANN401
        raft = self._raft

        class Hasty:
            """The core, for which the configuration of today is that of any index."""

            def __getattr__(self, name: str) -> Any:  # noqa: ANN401
                return getattr(raft, name)

            def membership_at(self, _: int) -> Any:  # noqa: ANN401
                return raft.membership

        self._raft = Hasty()  # type: ignore[assignment]
        old(self, sender, rows, applied)
        self._raft = raft

    bed.wrap(Sending, "_end", end)


def _never_give_up(bed: Bed) -> None:
    bed.replace(Sending, "tick", lambda *_: None)


def _watch_on(bed: Bed) -> None:
    def restored(self: Hub, store: History) -> None:
        self._store = self._delivery.history = store

    bed.replace(Hub, "restored", restored)


def _keep_the_old_state(bed: Bed) -> None:
    def installed(old: Any, self: Node) -> None:  # noqa: ANN401
        before = self.state
        old(self)
        self.state.lessor._ttls = dict(before.lessor._ttls)  # noqa: SLF001

    bed.wrap(Node, "_installed", installed)


BUGS = (
    Bug(
        "snapshot-with-holes",
        "classic",
        "a snapshot arrives whole or not at all",
        _take_any_chunk,
        {"message_loss": 0.2, "snapshot_count_entries": 10, "crashes_per_second": 1.0},
    ),
    Bug(
        "snapshot-without-its-end",
        "classic",
        "a snapshot has every row up to the index that it names",
        _send_what_was_at_the_begin,
        {"crashes_per_second": 1.0},
    ),
    Bug(
        "snapshot-claims-commit-index",
        "etcd 13766",
        "a snapshot names the index that its state has, not one that is yet to be applied",
        _claim_the_commit_index,
        RACES,
    ),
    Bug(
        "snapshot-with-todays-members",
        "classic",
        "section 7: a snapshot carries the configuration as of its index",
        _send_todays_membership,
        {"membership_changes_per_second": 2.0, "crashes_per_second": 1.0},
    ),
    Bug(
        "snapshot-installed-late",
        "etcd pull 1763, camunda 6092",
        "section 7: a snapshot that is behind what is committed is not installed",
        _install_late,
        RACES,
    ),
    Bug(
        "snapshot-keeps-conflicting-tail",
        "hashicorp/raft 704, etcd 10358",
        "section 7: a log without the snapshot's last entry is discarded whole",
        _keep_conflicting_tail,
        RACES,
    ),
    Bug(
        "snapshot-drops-matching-tail",
        "etcd pull 1763",
        "section 7: a log that has the snapshot's last entry keeps what follows it",
        _drop_matching_tail,
        RACES,
    ),
    Bug(
        "second-snapshot-into-first",
        "etcd 18055",
        "a new snapshot begins on an empty stage",
        _second_into_first,
        {"crashes_per_second": 1.0, "message_loss": 0.1},
    ),
    Bug(
        "snapshot-sending-never-given-up",
        "hashicorp/raft 704",
        "the sending of a snapshot that nobody acknowledges ends, and begins again",
        _never_give_up,
        {"message_loss": 0.2, "crashes_per_second": 1.0, "snapshot_count_entries": 10},
    ),
    Bug(
        "snapshot-without-leases",
        "classic",
        "a snapshot is the whole state, leases included",
        _keep_the_old_state,
        {"crashes_per_second": 1.0},
    ),
    Bug(
        "watch-skips-snapshot",
        "classic",
        "a watch misses nothing that a snapshot brought",
        _watch_on,
    ),
)
