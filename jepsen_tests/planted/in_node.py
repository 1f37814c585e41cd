"""Bugs around consensus: in what is stored, applied, answered, watched and leased."""

from typing import Any

from jepsen_tests.planted.planting import Bed, Bug
from raftkv.lease.deadlines import Deadlines
from raftkv.lease.lessor import Lessor
from raftkv.node import writes
from raftkv.node.node import Node
from raftkv.node.parts import Parts
from raftkv.node.proposals import Proposals
from raftkv.node.reads import OnReady, Reads
from raftkv.node.transfers import Receiving
from raftkv.peer.messages import SnapshotChunk, SnapshotEnd
from raftkv.raft.core import Raft
from raftkv.raft.types import NO_MEMBER, HardState
from raftkv.raft.update import Update
from raftkv.watch.hub import Hub
from raftkv.watch.ports import History


def _forget_vote(bed: Bed) -> None:
    def hard_state(raft: Raft) -> HardState:
        return HardState(raft.term, NO_MEMBER, raft.commit)

    bed.replace(Raft, "hard_state", property(hard_state))


def _apply_again(bed: Bed) -> None:
    def write(old: Any, self: Any, update: Update | None, index: int, term: int) -> int:  # noqa: ANN401
        return old(self, update, max(0, index - 1), term)  # type: ignore[no-any-return]

    bed.wrap(writes.Writes, "write", write)


def _forget_meta(bed: Bed) -> None:
    def write(self: Parts, update: Update | None) -> None:
        self.is_state_dirty = False
        self.writes.write(update, self.applying.index, self.applying.term)

    bed.replace(Parts, "write", write)


def _send_again(bed: Bed) -> None:
    def take(old: Any, self: Proposals, term: int) -> list[bytes]:  # noqa: ANN401
        before: tuple[int, list[bytes]] = getattr(self, "before", (term, []))
        taken: list[bytes] = old(self, term)
        self.before = (term, taken)  # type: ignore[attr-defined]
        again: list[bytes] = before[1] if before[0] != term else []
        return again + taken

    bed.wrap(Proposals, "take", take)


def _read_before_applied(bed: Bed) -> None:
    def ready(old: Any, self: Reads, _: int) -> list[OnReady]:  # noqa: ANN401
        return old(self, 1 << 60)  # type: ignore[no-any-return]

    bed.wrap(Reads, "ready", ready)


def _answer_first(bed: Bed) -> None:
    def answer(self: Node) -> None:
        answers, self.answers = self.answers, []
        for on_result, result in answers:
            on_result(result)
        for on_ready in self.reads.ready(self.applying.index):
            on_ready(None)
        self.watch_hub.catch_up()
        self.watch_hub.flush()

    bed.replace(Node, "_answer", answer)


def _take_any_chunk(bed: Bed) -> None:
    def stage(old: Any, self: Receiving, message: SnapshotChunk | SnapshotEnd) -> Any:  # noqa: ANN401
        self._next_sequence = message.sequence
        return old(self, message)

    bed.wrap(Receiving, "_stage", stage)


def _watch_on(bed: Bed) -> None:
    def restored(self: Hub, store: History) -> None:
        self._store = self._delivery.history = store

    bed.replace(Hub, "restored", restored)


def _ignore_renewals(bed: Bed) -> None:
    bed.replace(Deadlines, "renew", lambda *_: True)


def _let_leases_live(bed: Bed) -> None:
    bed.replace(Deadlines, "expired", lambda *_: [])


def _stay_primary(bed: Bed) -> None:
    bed.replace(Lessor, "demote", lambda _: None)


NODE_BUGS = (
    Bug("vote-forgotten", "figure 2: the vote is durable before it is given", _forget_vote),
    Bug(
        "applied-twice",
        "rows and the index of what made them are stored together; here one entry comes again",
        _apply_again,
    ),
    Bug(
        "meta-forgotten",
        "rows, tables and the index of what made them are stored together",
        _forget_meta,
    ),
    Bug(
        "sent-twice",
        "a proposal is handed to one leader, once",
        _send_again,
    ),
    Bug(
        "read-before-applied",
        "thesis 6.4: a read waits until the state has its index",
        _read_before_applied,
    ),
    Bug("answer-before-watch", "a watch event goes out before its writer's answer", _answer_first),
    Bug("snapshot-with-holes", "a snapshot arrives whole or not at all", _take_any_chunk),
    Bug("lease-kept-by-old-leader", "a new leader gives every lease its time anew", _stay_primary),
    Bug("watch-skips-snapshot", "a watch misses nothing that a snapshot brought", _watch_on),
    Bug("lease-not-renewed", "a renewed lease lives its full time again", _ignore_renewals),
    Bug("lease-never-ends", "a lease that nobody renews ends", _let_leases_live),
)
