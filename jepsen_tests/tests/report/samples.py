"""Histories as real runs leave them, from a seed: clients, members, watches, faults, one bug.

A small cluster in the abstract: one register a key, requests that take a few milliseconds, a leader
that is lost when a fault hits it, answers that never come meanwhile. Enough for a page to look at.
"""

import random
from dataclasses import dataclass, field, replace
from typing import Any

from jepsen_tests.history import (
    Event,
    Fact,
    FaultBand,
    History,
    Json,
    MemberState,
    Operation,
    RunInfo,
    Status,
    WatchEvents,
)
from jepsen_tests.verdict import Finding, State, Verdict

MILLISECOND = 1_000_000
SECOND = 1000 * MILLISECOND
MEMBERS = ("m1", "m2", "m3")
FAULTS = (
    ("partition", "leader-isolated"),
    ("kill", "a process is gone without a word"),
    ("pause", "SIGSTOP, longer than an election takes"),
    ("clock skew", "3 s ahead"),
)
TIMEOUT = 900 * MILLISECOND


@dataclass
class Sample:
    """One run in the making."""

    operations_count: int
    clients: int = 5
    keys: int = 4
    seed: int = 7
    seconds: float = 0
    history: History = field(init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.length = int((self.seconds or max(0.3, self.operations_count / 400)) * SECOND)
        self.values: dict[str, str | None] = {}
        self.revision = 1
        self.written = 0
        self.faults = self._faults()
        self.process = list(range(self.clients))
        run = RunInfo(
            workload="register",
            world="sim",
            seed=self.seed,
            plan=[
                {
                    "seconds": round(fault.begin_ns / SECOND, 1),
                    "fault": {"name": fault.name, "target": "leader"},
                    "until_seconds": round((fault.end_ns or 0) / SECOND, 1),
                }
                for fault in self.faults
            ],
            version="0.3.0",
            command=f"python -m jepsen_tests run --workload register --seed {self.seed}",
        )
        self.history = History(run=run)

    def _faults(self) -> list[FaultBand]:
        """Every few seconds one, a second or two long, now and then two at once."""
        faults = []
        at = 0.12 * self.length
        while at < 0.9 * self.length:
            name, detail = self.random.choice(FAULTS)
            lasts = min(self.random.uniform(0.8, 2.5) * SECOND, 0.15 * self.length)
            target = self.random.choice(MEMBERS)
            faults.append(
                FaultBand(
                    name=name,
                    targets=[target],
                    begin_ns=int(at),
                    end_ns=int(at + lasts),
                    detail=detail,
                )
            )
            at += max(self.random.uniform(2, 8) * SECOND, 0.2 * self.length)
        return faults

    def make(self) -> History:
        """The whole history."""
        free = [(self.random.randrange(MILLISECOND * 20), client) for client in range(self.clients)]
        think = self.length * self.clients / max(self.operations_count, 1)
        for _ in range(self.operations_count):
            at, client = min(free)
            operation = self._operation(client, at)
            self.history.append(operation)
            done = operation.return_ns or at + TIMEOUT
            free[client] = (done + int(self.random.uniform(0.3, 1.6) * think), client)
            self.length = max(self.length, done)
        self._members()
        for fault in self.faults:
            self.history.append(fault)
        self.history.append(
            FaultBand(
                name="packet delay",
                targets=["all"],
                begin_ns=0,
                end_ns=None,
                skipped="this kernel has no netem",
            )
        )
        self._facts()
        return self.history

    def _is_troubled(self, at: int) -> bool:
        return any(
            fault.begin_ns <= at < fault.begin_ns + 700 * MILLISECOND for fault in self.faults
        )

    def _operation(self, client: int, at: int) -> Operation:
        chance = self.random
        key = f"k{chance.randrange(self.keys)}"
        function = chance.choices(("read", "write", "cas"), (5, 4, 2))[0]
        took = int(chance.lognormvariate(0.9, 0.5) * MILLISECOND)
        if self._is_troubled(at):
            took *= chance.randrange(20, 700)
        common: dict[str, Any] = {
            "process": self.process[client],
            "function": function,
            "key": key,
            "call_ns": at,
        }
        now = self.values.get(key)
        self.written += 1
        new = str(self.written)
        values: dict[str, Json] = {"write": new, "cas": [now or "0", new]}
        value = values.get(function)
        if took > TIMEOUT:
            self.process[client] += self.clients
            gone = at + TIMEOUT
            return Operation(
                **common,
                value=value,
                return_ns=gone if chance.random() < 0.7 else None,
                status=Status.INFO,
                error="DEADLINE_EXCEEDED: context deadline exceeded",
            )
        answer = {
            **common,
            "value": value,
            "return_ns": at + took,
            "member": chance.choice(MEMBERS),
        }
        if function == "cas" and (now is None or chance.random() < 0.3):
            return Operation(**answer, status=Status.FAIL, error="the value is another")
        if function == "read":
            return Operation(**answer, status=Status.OK, result=now, revision=self.revision)
        self._changed(key, new, at + took)
        return Operation(**answer, status=Status.OK, revision=self.revision)

    def _changed(self, key: str, value: str, at: int) -> None:
        self.revision += 1
        self.values[key] = value
        for watch, member in (("w1", "m1"), ("w2", "m3")):
            event = Event(
                type="PUT",
                key=key,
                value=value,
                create_revision=2,
                mod_revision=self.revision,
                version=1,
                lease=0,
                prev=None,
            )
            self.history.append(
                WatchEvents(
                    watch=watch,
                    member=member,
                    received_ns=at + self.random.randrange(3 * MILLISECOND),
                    start_revision=1,
                    key="k",
                    filters=[],
                    prev_kv=False,
                    progress_notify=False,
                    revision=self.revision,
                    events=[event],
                    created=False,
                )
            )

    def _members(self) -> None:
        """Samples ten times a second, elections where a fault hits the leader."""
        leader, term, commit = "m1", 2, 100
        down: dict[str, int] = {}
        at = 0
        while at < self.length:
            for fault in self.faults:
                if fault.begin_ns <= at < fault.begin_ns + 100 * MILLISECOND:
                    target = fault.targets[0]
                    down[target] = fault.end_ns or self.length
                    if target == leader:
                        leader, term = (
                            self.random.choice([m for m in MEMBERS if m != target]),
                            term + 1,
                        )
            commit += self.random.randrange(10, 40)
            for member in MEMBERS:
                is_down = down.get(member, 0) > at
                role = "leader" if member == leader else "follower"
                if is_down:
                    role = "candidate" if at % (300 * MILLISECOND) else "down"
                self.history.append(
                    MemberState(
                        member=member,
                        at_ns=at,
                        role=role,
                        term=term - is_down,
                        commit=commit - (60 if is_down else self.random.randrange(3)),
                        applied=commit - 60 * is_down,
                        leader="" if is_down else leader,
                    )
                )
            at += 100 * MILLISECOND

    def _facts(self) -> None:
        for fault in self.faults[:3]:
            self.history.append(
                Fact(
                    name="situation",
                    value="leader isolated with uncommitted configuration",
                    at_ns=fault.begin_ns + 40 * MILLISECOND,
                )
            )
        self.history.append(
            Fact(name="situation", value={"name": "snapshot raced an append", "count": 0})
        )
        self.history.append(Fact(name="snapshot", value="m2, up to 1200", at_ns=self.length // 2))
        self.history.append(Fact(name="hash_kv", value={"m1": 91823, "m2": 91823, "m3": 91823}))
        self.history.append(Fact(name="configuration changes", value=1))
        self.history.append(Fact(name="fsyncs", value=12_345))


def stale_read(history: History) -> tuple[History, Finding]:
    """The history with a read that forgets two acknowledged writes, and the finding."""
    operations = sorted(history.operations, key=lambda each: each.call_ns)
    done = [each for each in operations if each.status is Status.OK]
    later = [each for each in done[len(done) // 2 :] if each.function == "read"]
    read, writes = next((read, writes) for read in later if len(writes := _before(read, done)) > 1)
    key = read.key
    wrong = replace(read, result=writes[0].value, revision=writes[0].revision)
    changed = History(
        (wrong if record == read else record for record in history.records()), run=history.run
    )
    return changed, Finding(
        f"Client {wrong.process} read {key} = {writes[0].value} from {wrong.member}, "
        f"although {key} = {writes[-1].value} had been acknowledged before the read began.",
        (*writes, wrong),
        f"Every order of the operations on {key} that respects real time puts\n"
        f"  write {key} = {writes[-1].value}\nbefore the read, which then cannot return "
        f"{writes[0].value}.\nSteps tried: 1,204. Longest legal prefix: 48 of 53 operations.",
    )


def _before(read: Operation, done: list[Operation]) -> list[Operation]:
    """The last writes of its key that were acknowledged before a read began."""
    return [
        each
        for each in done
        if (each.function, each.key) == ("write", read.key) and (each.return_ns or 0) < read.call_ns
    ][-3:]


def invalid(operations_count: int, **kind: int) -> tuple[History, tuple[Verdict, ...]]:
    """A run that broke a promise, with its verdicts."""
    history, finding = stale_read(Sample(operations_count, **kind).make())
    return history, (
        Verdict("linearizable", State.INVALID, (finding,)),
        Verdict("watch", State.VALID),
        Verdict("hash", State.VALID, note="m3 was down at the end: compared on m1 and m2 only"),
    )


def valid(operations_count: int, **kind: int) -> tuple[History, tuple[Verdict, ...]]:
    """A run that kept them all."""
    return Sample(operations_count, **kind).make(), (
        Verdict("linearizable", State.VALID),
        Verdict("watch", State.VALID),
        Verdict("hash", State.VALID),
    )
