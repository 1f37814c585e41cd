"""Invocations and completions, in the order of a log, become operations.

A log has an order and no clock, so the number of a line stands for its time.
"""

from jepsen_tests.history import History, Json, MalformedError, Operation, Status


class Pairing:
    """Joins each completion with the invocation of the same process."""

    def __init__(self) -> None:
        self.history = History()
        self._invoked: dict[int, tuple[int, str, str, Json]] = {}

    def invoke(self, line: int, process: int, function: str, key: str, value: Json) -> None:
        """A process calls.

        Raises:
            MalformedError: its last call has not ended.
        """
        if process in self._invoked:
            raise MalformedError(f"process {process} calls while its call before is open")
        self._invoked[process] = line, function, key, value

    def complete(
        self, line: int, process: int, function: str, status: Status, result: Json = None
    ) -> None:
        """The call of a process ends.

        Raises:
            MalformedError: there is none, or it was another.
        """
        invoked = self._invoked.pop(process, None)
        if invoked is None or invoked[1] != function:
            raise MalformedError(f"process {process} ends a {function} that it did not call")
        call, _, key, value = invoked
        self._add(process, (call, function, key, value), line, status, result)

    def end(self) -> History:
        """The history; what never ended may have happened."""
        for process, invoked in self._invoked.items():
            self._add(process, invoked, None, Status.INFO, None)
        self._invoked.clear()
        return self.history

    def _add(
        self,
        process: int,
        invoked: tuple[int, str, str, Json],
        return_line: int | None,
        status: Status,
        result: Json,
    ) -> None:
        call, function, key, value = invoked
        self.history.append(
            Operation(
                process=process,
                function=function,
                key=key,
                value=value,
                call_ns=call,
                return_ns=return_line,
                status=status,
                result=result,
            )
        )
