"""One connection from here: our question, its answer; after that only we speak."""

import asyncio
from typing import cast

from typing_extensions import override

from raftkv.config import TransportConfig
from raftkv.peer.codec import DecodeError
from raftkv.peer.framing import FrameError, FrameReader, frame_head
from raftkv.peer.handshake import PREAMBLE, Answer, Question, decode_answer, encode_handshake
from raftkv.transport.sockets import tune

ANSWER_BYTES_MAX = 1 << 20


class Asking(asyncio.Protocol):
    """The dialing side of a connection."""

    def __init__(self, question: Question, config: TransportConfig) -> None:
        loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Answer | str] = loop.create_future()
        """What the other side says, or why it says nothing of use."""
        self.lost: asyncio.Future[None] = loop.create_future()
        self.transport: asyncio.Transport | None = None
        self._question = encode_handshake(question)
        self._config = config
        self._reader = FrameReader(ANSWER_BYTES_MAX)

    def close(self) -> None:
        """Ends the connection once what was written has left."""
        if self.transport is not None:
            self.transport.close()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        tune(transport.get_extra_info("socket"), self._config)
        self.transport.write(b"".join((PREAMBLE, frame_head(self._question), self._question)))

    @override
    def data_received(self, data: bytes) -> None:
        try:
            for payload in self._reader.feed(data):
                if self.answer.done():
                    raise DecodeError("more than an answer")  # noqa: TRY301 - handled as any other
                self.answer.set_result(decode_answer(payload))
        except (DecodeError, FrameError) as error:
            self._give_up(f"what answers is not a member: {error}")

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._give_up(str(exc) if exc else "the other side closed the connection")
        if not self.lost.done():  # whoever waited may have been cancelled
            self.lost.set_result(None)

    def _give_up(self, reason: str) -> None:
        if not self.answer.done():
            self.answer.set_result(reason)
        if self.transport is not None:
            self.transport.abort()
