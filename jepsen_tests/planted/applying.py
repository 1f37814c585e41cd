"""Bugs of applying: what is applied, how often, and what is stored together with it."""

from typing import Any

from jepsen_tests.planted.planting import Absent, Bed, Bug
from jepsen_tests.planted.snapshots import RACES
from raftkv.apply.state import StateMachine
from raftkv.command.types import CommandKind, Failure
from raftkv.node.applying import Applying
from raftkv.node.node import Node
from raftkv.node.parts import Parts
from raftkv.node.writes import Writes
from raftkv.raft.stored import WriteBatch
from raftkv.raft.update import Update

_LOCAL_BYTES_MAX = 10_000


def _apply_again(bed: Bed) -> None:
    def write(old: Any, self: Any, update: Update | None, index: int, term: int) -> int:  # noqa: ANN401
        return old(self, update, max(0, index - 1), term)  # type: ignore[no-any-return]

    bed.wrap(Writes, "write", write)


def _forget_meta(bed: Bed) -> None:
    def write(self: Parts, update: Update | None) -> None:
        self.is_state_dirty = False
        self.writes.write(update, self.applying.index, self.applying.term)

    bed.replace(Parts, "write", write)


def _term_and_vote_apart(bed: Bed) -> None:
    """The term in one write, the vote in the next; what waits is told after the first."""

    def write(old: Any, self: Writes, update: Update | None, index: int, term: int) -> Any:  # noqa: ANN401
        hard_state = self._raft.hard_state
        before = getattr(self, "before", hard_state)
        self.before = hard_state  # type: ignore[attr-defined]
        if hard_state.term == before.term or update is None or update.entries or update.install:
            return old(self, update, index, term)
        half = WriteBatch(hard_state._replace(vote=before.vote))
        half.applied_index, half.applied_term = index, term
        first = self._storage.write(half)
        sequence = old(self, update, index, term)
        self._outstanding[-1].sequence = first
        return sequence

    bed.wrap(Writes, "write", write)


def _apply_as_leader_only(bed: Bed) -> None:
    def apply(old: Any, self: Node) -> None:  # noqa: ANN401
        if self.raft.leader == self.raft.member_id:
            old(self)

    bed.wrap(Node, "_apply", apply)


def _refuse_by_local_state(bed: Bed) -> None:
    """Rows that await their removal count towards a limit, and each member removes its own."""

    def apply(old: Any, self: StateMachine, kind: int, body: bytes) -> Any:  # noqa: ANN401
        if kind == CommandKind.PUT and self.store.row_bytes > _LOCAL_BYTES_MAX:
            return Failure.NO_SPACE
        return old(self, kind, body)

    bed.wrap(StateMachine, "apply", apply)


def _forget_queued_on_restart(bed: Bed) -> None:
    def restart(old: Any, self: Applying, applied: Any) -> Any:  # noqa: ANN401
        answers = old(self, applied)
        self.committed = self.committed[1:]
        return answers

    bed.wrap(Applying, "restart", restart)


def _compact_without_the_log(bed: Bed) -> None:
    def propose(old: Any, self: Node, kind: int, body: bytes, on_result: Any) -> None:  # noqa: ANN401
        if kind == CommandKind.COMPACT:
            on_result(self.state.apply(kind, body))
            return
        old(self, kind, body, on_result)

    bed.wrap(Node, "propose", propose)


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


BUGS = (
    Bug(
        "term-and-vote-apart",
        "hashicorp/raft 661",
        "figure 2: term and vote are one durable step",
        _term_and_vote_apart,
    ),
    Bug(
        "applied-twice",
        "redisraft 13, etcd 13766",
        "rows and the index of what made them are stored together; here one entry comes again",
        _apply_again,
    ),
    Bug(
        "meta-forgotten",
        "etcd 13766",
        "rows, tables and the index of what made them are stored together",
        _forget_meta,
    ),
    Bug(
        "followers-never-apply",
        "redisraft 14",
        "section 5.3: every member applies what is committed",
        _apply_as_leader_only,
    ),
    Bug(
        "entry-lost-behind-snapshot",
        "classic",
        "what was committed after a snapshot is applied after it",
        _forget_queued_on_restart,
        RACES,
    ),
    Bug(
        "refused-by-local-state",
        "etcd 14571",
        "what an entry does follows from the log alone, never from what one member has stored",
        _refuse_by_local_state,
    ),
    Bug(
        "compaction-beside-log",
        "classic",
        "a compaction goes through the log, and every member makes it",
        _compact_without_the_log,
    ),
    Bug(
        "answer-before-watch",
        "classic",
        "a watch event goes out before its writer's answer",
        _answer_first,
    ),
)

ABSENT = (
    Absent(
        "crash-while-defragmenting",
        "etcd 14685",
        "the data file is never copied and swapped: LMDB reuses its pages",
        "applied-twice",
    ),
    Absent(
        "permission-checked-beside-log",
        "etcd 14571",
        "there are no users and no roles yet",
        "refused-by-local-state",
    ),
)
