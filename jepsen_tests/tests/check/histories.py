"""Histories for the tests of the checkers: written by hand, or made by a store that is right."""

import random
from dataclasses import dataclass, field
from itertools import count

from jepsen_tests.history import History, Json, Operation, Status

OK, FAIL, INFO = Status.OK, Status.FAIL, Status.INFO
_processes = count(1_000)


def op(
    function: str,
    value: Json = None,
    result: Json = None,
    *,
    at: tuple[int, int | None],
    key: str = "x",
    status: Status | None = None,
    revision: int = 0,
    process: int | None = None,
    member: str = "",
    error: str = "",
) -> Operation:
    """An operation from call to return; one that does not return is an `info`."""
    return Operation(
        process=next(_processes) if process is None else process,
        function=function,
        key=key,
        value=value,
        result=result,
        call_ns=at[0],
        return_ns=at[1],
        status=status or (INFO if at[1] is None else OK),
        revision=revision,
        member=member,
        error=error,
    )


def history(*operations: Operation) -> History:
    return History(operations)


@dataclass
class Call:
    """A call on its way through the store."""

    process: int
    function: str
    value: Json
    call_ns: int
    is_done: bool = False
    result: Json = None


@dataclass
class Register:
    """A linearizable register under concurrent clients, each with one call at a time."""

    seed: int
    clients: int
    values: int
    unknown: float = 0.0
    """The share of calls that get no answer."""
    functions: tuple[str, ...] = ("read", "write", "cas")
    value: Json = None
    calls: list[Call] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)

    def run(self, operations: int) -> list[Operation]:
        chance = random.Random(self.seed)
        now_ns = 0
        while len(self.operations) < operations:
            now_ns += 1
            if len(self.calls) < self.clients and chance.random() < 0.6:
                self._call(chance, now_ns)
            elif self.calls:
                self._go_on(chance, now_ns)
        for call in self.calls:
            self._end(call, None)
        return self.operations

    def _call(self, chance: random.Random, now_ns: int) -> None:
        function = chance.choice(self.functions)
        number = chance.randrange(self.values)
        arguments: dict[str, Json] = {
            "read": None,
            "write": number,
            "cas": [number, chance.randrange(self.values)],
        }
        self.calls.append(Call(next(_processes), function, arguments[function], now_ns))

    def _go_on(self, chance: random.Random, now_ns: int) -> None:
        call = chance.choice(self.calls)
        if not call.is_done:
            self._apply(call)
            return
        self.calls.remove(call)
        self._end(call, None if chance.random() < self.unknown else now_ns)

    def _end(self, call: Call, return_ns: int | None) -> None:
        is_lost = return_ns is None
        self.operations.append(
            Operation(
                process=call.process,
                function=call.function,
                key="x",
                value=call.value,
                result=None if is_lost else call.result,
                call_ns=call.call_ns,
                return_ns=return_ns,
                status=INFO if is_lost else OK,
            )
        )

    def _apply(self, call: Call) -> None:
        call.is_done = True
        if call.function == "read":
            call.result = self.value
        elif call.function == "write":
            self.value = call.value
        else:
            assert isinstance(call.value, list)
            expected, new = call.value
            call.result = self.value == expected
            if call.result:
                self.value = new
