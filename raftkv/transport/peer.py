"""The outgoing connection to one member, made again whenever it is lost.

Nothing waits here for a connection: what is sent without one is dropped, and what is sent faster than the
other side takes it is dropped beyond a bound. Consensus repeats what matters.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

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
from raftkv.transport.settings import PeerStatistics, TransportSettings
from raftkv.transport.sockets import context_for, parse_url, round_trip_seconds, tune

logger = logging.getLogger(__name__)


class Peer:
    """One member as seen from here; `run` keeps a connection to it.

    Args:
        member: Its id.
        urls: Where it listens; tried in turn.
        settings: Who we are, and the bounds.
        on_lost: Called when an agreed connection ends, unless we ended it.
    """

    def __init__(
        self,
        member: int,
        urls: Sequence[str],
        settings: TransportSettings,
        on_lost: Callable[[int], None],
    ) -> None:
        self.member = member
        self.statistics = PeerStatistics()
        self.ticks_connected = 0
        self._urls = list(urls)
        self._settings = settings
        self._on_lost = on_lost
        self._frames: list[bytes] = []
        self._frames_bytes = 0
        self._connection: _Outgoing | None = None
        self._transport: asyncio.Transport | None = None
        """Of the agreed connection."""
        self._complaint = ""
        """What was logged last, so that it is not logged with each attempt."""
        self._ended = False

    @property
    def is_connected(self) -> bool:
        """Whether the other side has agreed to take messages."""
        return self._transport is not None

    def put(self, payload: bytes) -> None:
        """Takes a message for the next `flush`, or drops it."""
        transport = self._transport
        waiting = len(payload) + self._frames_bytes
        if (
            transport is None
            or waiting + transport.get_write_buffer_size() > self._settings.config.queue_bytes_max
        ):
            self.statistics.sent_failures += 1
            return
        self._frames += (frame_head(payload), payload)
        self._frames_bytes = waiting

    def flush(self) -> None:
        """Writes what was put, in one piece."""
        if self._frames and self._transport is not None:
            data = b"".join(self._frames)
            self.statistics.sent_bytes += len(data)
            self._transport.write(data)
        self._frames = []
        self._frames_bytes = 0

    def tick(self) -> None:
        """One tick of the member's clock has passed."""
        if self._transport is not None:
            self.ticks_connected += 1

    def round_trip_seconds(self) -> float | None:
        """How long the kernel takes to hear from the other side; None without a connection."""
        if self._transport is None:
            return None
        connection: socket.socket = self._transport.get_extra_info("socket")
        return round_trip_seconds(connection)

    def update(self, urls: Sequence[str]) -> None:
        """The member listens elsewhere now."""
        if self._urls != list(urls):
            self._urls = list(urls)
            self.disconnect()

    def disconnect(self) -> None:
        """Ends the connection; `run` makes another."""
        if self._connection is not None:
            self._connection.close()

    def end(self) -> None:
        """Ends the connection for good, once what was written has left."""
        self._ended = True
        self.disconnect()

    async def run(self) -> None:
        """Dials, waits for the end of the connection, dials again; until cancelled."""
        config = self._settings.config
        attempts = 0
        while not self._ended:
            url = self._urls[attempts % len(self._urls)] if self._urls else ""
            if await self._connect(url):
                attempts = 0
            delay = min(
                config.reconnect_milliseconds_min << min(attempts, 20),
                config.reconnect_milliseconds_max,
            )
            attempts += 1
            await asyncio.sleep(delay * (0.5 + self._settings.jitter() / 2) / 1_000)

    async def _connect(self, url: str) -> bool:
        """One connection from its start to its end; False if it was never agreed upon."""
        settings = self._settings
        loop = asyncio.get_running_loop()
        connection = self._connection = _Outgoing(self)
        try:
            address = parse_url(url)
            async with asyncio.timeout(settings.config.handshake_milliseconds_max / 1_000):
                await loop.create_connection(
                    lambda: connection,
                    address.host,
                    address.port,
                    ssl=context_for(address, settings.ssl_outgoing),
                )
                await connection.agreed
            await connection.lost
        except (OSError, ValueError, ConnectionRefusedByPeerError, TimeoutError) as error:
            self._complain(url, str(error) or "no answer")
            return False
        finally:
            connection.close()
            self._connection = None
        return True

    def _complain(self, url: str, reason: str) -> None:
        if reason != self._complaint:
            self._complaint = reason
            logger.warning("no connection to member %x at %s: %s", self.member, url, reason)
