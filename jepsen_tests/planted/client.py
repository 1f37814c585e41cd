"""Bugs between a client and the log: what is sent, how often, and what the client is told."""

from typing import Any

from jepsen_tests.planted.planting import Absent, Bed, Bug
from raftkv.command.types import Failure
from raftkv.node.applying import Applying
from raftkv.node.node import Node
from raftkv.node.offers import Offers
from raftkv.node.proposals import OnResult, Proposals


def _send_again(bed: Bed) -> None:
    def take(old: Any, self: Proposals, term: int) -> list[bytes]:  # noqa: ANN401
        before: tuple[int, list[bytes]] = getattr(self, "before", (term, []))
        taken: list[bytes] = old(self, term)
        self.before = (term, taken)  # type: ignore[attr-defined]
        again: list[bytes] = before[1] if before[0] != term else []
        return again + taken

    bed.wrap(Proposals, "take", take)


def _retry_what_timed_out(bed: Bed) -> None:
    """A request whose leader fell is proposed once more, as if it had had no effect."""

    def decided_before(old: Any, self: Proposals, term: int) -> list[OnResult]:  # noqa: ANN401
        last: dict[OnResult, tuple[int, bytes]] = getattr(self, "last_taken", {})
        callbacks: list[OnResult] = old(self, term)
        for callback in callbacks:
            sent = last.pop(callback, None)
            if sent is not None:
                self.add(sent[0], sent[1], callback)
        return [callback for callback in callbacks if callback not in self.waiting.values()]

    def add(old: Any, self: Proposals, kind: int, body: bytes, on_result: OnResult) -> Any:  # noqa: ANN401
        self.__dict__.setdefault("last_taken", {})[on_result] = (kind, body)
        return old(self, kind, body, on_result)

    bed.wrap(Proposals, "decided_before", decided_before)
    bed.wrap(Proposals, "add", add)


def _refuse_what_may_happen(bed: Bed) -> None:
    def begin_term(old: Any, self: Applying, term: int) -> Any:  # noqa: ANN401
        del old
        failed = self._proposals.decided_before(term + 1)
        return [(on_result, Failure.LEADER_CHANGED) for on_result in failed]

    bed.wrap(Applying, "_begin_term", begin_term)


def _answer_when_proposed(bed: Bed) -> None:
    """The client is told of success as soon as its request is on its way."""

    def proposals(old: Any, self: Offers) -> None:  # noqa: ANN401
        queued = bool(self._proposals.queued) and self._raft.leader == self._me
        old(self)
        if queued:
            for request_id in list(self._proposals.waiting)[-1:]:
                (callback,) = self._proposals.fail([request_id])
                callback((1, b""))

    bed.wrap(Offers, "proposals", proposals)


def _forget_whom_to_answer(bed: Bed) -> None:
    bed.replace(Proposals, "decided_before", lambda *_: [])
    bed.replace(Proposals, "expire", lambda *_: [])


def _refuse_twice(bed: Bed) -> None:
    def on_rejected(old: Any, self: Node, commands: list[bytes]) -> None:  # noqa: ANN401
        again: set[bytes] = self.__dict__.setdefault("sent_again", set())
        before = [command for command in commands if command and command not in again]
        again.update(before)
        old(self, commands)
        self.proposals.queued += before

    bed.wrap(Node, "_on_rejected", on_rejected)


BUGS = (
    Bug(
        "sent-twice",
        "etcd 14890 (jetcd)",
        "a proposal is handed to one leader, once",
        _send_again,
    ),
    Bug(
        "retried-after-timeout",
        "etcd 14890 (jetcd)",
        "what may have had an effect is not tried again",
        _retry_what_timed_out,
        {"new_leader_harm": 0.7},
    ),
    Bug(
        "refused-though-it-happens",
        "etcd 14890",
        "a refusal says for certain that nothing happened, or will",
        _refuse_what_may_happen,
        {"new_leader_harm": 0.7},
    ),
    Bug(
        "answered-when-proposed",
        "NATS 2.12.1",
        "a client is answered when its entry is committed and applied",
        _answer_when_proposed,
    ),
    Bug(
        "never-answered",
        "classic",
        "every request is answered within its time",
        _forget_whom_to_answer,
        {"new_leader_harm": 0.7},
    ),
    Bug(
        "refused-and-sent-again",
        "classic",
        "what was refused to a client is not sent any more",
        _refuse_twice,
        {"transfers_per_second": 2.0},
    ),
)

ABSENT = (
    Absent(
        "lock-without-lease-check",
        "etcd 11456, 10811",
        "there is no lock service yet; a lock is a recipe of its client",
        "lease-renewed-without-proof",
    ),
)
