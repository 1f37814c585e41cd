"""Turns results into replies: header plus body, or an error."""

from raftkv.command.types import Result
from raftkv.service.header import Headers
from raftkv.service.ports import Call
from raftkv.service.status import fail


class Answers:
    """Answers calls in this member's name."""

    def __init__(self, headers: Headers) -> None:
        self._field = headers.field

    def answer(self, call: Call, result: Result) -> None:
        """Ends a call with a result of the state machine.

        The result's body is the response without its header. Joining the two is protobuf's own
        merge.
        """
        if isinstance(result, tuple):
            revision, body = result
            call.reply(self._field(revision) + body)
        else:
            fail(call, result)
