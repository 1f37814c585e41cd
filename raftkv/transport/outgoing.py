"""The way to one other member: one connection, made again whenever it ends, and a bounded queue."""

import asyncio
import logging
from collections.abc import Callable
from random import SystemRandom
from typing import cast

from raftkv.config import TransportConfig
from raftkv.peer.codec import DecodeError
from raftkv.peer.framing import FrameError, FrameReader, frame_head
from raftkv.peer.handshake import (
    PREAMBLE,
    QUESTION_BYTES_MAX,
    Accepted,
    Hello,
    Refused,
    decode_answer,
    encode_handshake,
)
from raftkv.transport.address import parse_peer_url

log = logging.getLogger(__name__)


class Handshake(asyncio.Protocol):
    """The dialing side of a connection. It says Hello; after Accepted it only ever writes."""

    def __init__(self, hello: Hello, on_lost: Callable[[], None]) -> None:
        self._hello = hello
        self._on_lost = on_lost
        self._frames = FrameReader(QUESTION_BYTES_MAX)
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when messages may follow; fails with the reason why they may not."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduces this member."""
        question = encode_handshake(self._hello)
        cast(asyncio.Transport, transport).write(PREAMBLE + frame_head(question) + question)

    def data_received(self, data: bytes) -> None:
        """The answer."""
        if self.answer.done():
            return
        try:
            for payload in self._frames.feed(data):
                self._on_answer(decode_answer(payload))
        except (FrameError, DecodeError) as error:
            self.answer.set_exception(ConnectionError(f"not a member: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended."""
        if not self.answer.done():
            self.answer.set_exception(ConnectionError(str(exc) if exc else "closed at once"))
        self._on_lost()

    def _on_answer(self, answer: object) -> None:
        match answer:
            case Accepted():
                self.answer.set_result(None)
            case Refused(reason):
                self.answer.set_exception(ConnectionRefusedError(reason))
            case _:
                self.answer.set_exception(ConnectionError("an answer to another question"))


class Outgoing:
    """Messages to one member. What can't be sent now is dropped: Raft sends it again."""

    def __init__(
        self, hello: Hello, urls: tuple[str, ...], config: TransportConfig, on_lost: Callable[[], None]
    ) -> None:
        self._hello = hello
        self.urls = urls
        """Where the member may be reached; tried in turn."""
        self._config = config
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._lost = asyncio.Event()
        self._chance = SystemRandom()
        self.connected_since: float | None = None
        """The loop's time at which the connection was agreed upon."""
        self.sent_bytes = 0
        self.dropped_messages = 0
        self._task = self._loop.create_task(self._keep_connected())

    def send(self, frames: bytes, count: int) -> None:
        """Writes `count` messages, already framed; drops them when nobody reads."""
        transport = self._transport
        if transport is None or self._is_full(transport):
            self.dropped_messages += count
            return
        self.sent_bytes += len(frames)
        transport.write(frames)

    def close(self) -> None:
        """Ends the connection and makes no other."""
        self._task.cancel()
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            self.connected_since = None

    def _is_full(self, transport: asyncio.Transport) -> bool:
        return transport.get_write_buffer_size() > self._config.queue_bytes_max

    async def _keep_connected(self) -> None:
        delay_ms = self._config.reconnect_milliseconds_min
        said = ""
        attempt = 0
        while True:
            url = self.urls[attempt % len(self.urls)]
            attempt += 1
            try:
                await asyncio.wait_for(
                    self._connect(url), self._config.handshake_milliseconds_max / 1_000
                )
            except (OSError, TimeoutError, ValueError) as error:
                reason = f"{url}: {error or 'no answer'}"
                if reason != said:
                    log.warning("member %x is not reachable at %s", self._hello.receiver, reason)
                    said = reason
                await asyncio.sleep(self._chance.uniform(0.5, 1) * delay_ms / 1_000)
                delay_ms = min(2 * delay_ms, self._config.reconnect_milliseconds_max)
                continue
            log.info("connected to member %x at %s", self._hello.receiver, url)
            delay_ms = self._config.reconnect_milliseconds_min
            said = ""
            await self._lost.wait()
            self._transport = None
            self.connected_since = None
            self._on_lost()

    async def _connect(self, url: str) -> None:
        host, port = parse_peer_url(url)
        self._lost.clear()
        transport, protocol = await self._loop.create_connection(
            lambda: Handshake(self._hello, self._lost.set), host, port
        )
        try:
            await protocol.answer
        except BaseException:
            transport.abort()
            raise
        self._transport = transport
        self.connected_since = self._loop.time()
