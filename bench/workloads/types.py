"""What the closed loop knows of a workload."""

from typing import Protocol


class WrongAnswerError(Exception):
    """The store answered without an error, and not what it was told before."""


class Client(Protocol):
    """One client: exactly one request in flight."""

    def request(self) -> bytes | None:
        """The next request's bytes; None if there is nothing left to do."""

    def accept(self, reply: bytes) -> None:
        """Takes the answer to the last request.

        Raises:
            WrongAnswerError: the content is not what it must be.
        """


class Workload(Protocol):
    """What one measurement sends."""

    path: str
    """The one method that its clients call."""

    def prepare(self) -> None:
        """Puts into the store what the clients expect there."""

    def client(self, number: int) -> Client:
        """The client of that number, counted from 0."""

    def verify(self) -> int:
        """Reads back what was acknowledged to the clients; returns how many values were right.

        Raises:
            WrongAnswerError: one was not.
        """
