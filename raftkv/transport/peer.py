"""The outgoing connection to one member, made again whenever it is lost.

Nothing waits here for a connection: what is sent without one is dropped, and what is sent faster
than the other side takes it is dropped beyond a bound. Consensus repeats what matters.
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence

from raftkv.peer.framing import frame_head
from raftkv.peer.handshake import Accepted, Hello, Refused, Removed
from raftkv.transport.asking import Asking
from raftkv.transport.settings import PeerStatistics, TransportHooks, TransportSettings
from raftkv.transport.sockets import context_for, parse_url, round_trip_seconds

_ROUND_TRIP_TICKS = 40
"""How often the round-trip time is looked at, for the metrics."""

logger = logging.getLogger(__name__)


class Peer:
    """One member as seen from here; `run` keeps a connection to it.

    Args:
        member: Its id.
        urls: Where it listens; tried in turn.
        settings: Who we are, and the bounds.
        statistics: Where to count.
        hooks: Who is told of a connection that ended, and of our removal.
    """

    def __init__(
        self,
        member: int,
        urls: Sequence[str],
        settings: TransportSettings,
        statistics: PeerStatistics,
        hooks: TransportHooks,
    ) -> None:
        self.member = member
        self.ticks_connected = 0
        self._urls = tuple(urls)
        self._settings = settings
        self._statistics = statistics
        self._hooks = hooks
        self._frames: list[bytes] = []
        self._frames_bytes = 0
        self._transport: asyncio.Transport | None = None
        """Of a connection that the other side has agreed to."""
        self._complaint = ""
        """What was logged last, so that it is not logged with every attempt."""
        self._ended = False

    @property
    def is_connected(self) -> bool:
        """Whether the other side takes messages."""
        return self._transport is not None

    def put(self, payload: bytes) -> None:
        """Takes a message for the next `flush`, or drops it."""
        transport = self._transport
        if transport is None or transport.is_closing():
            self._statistics.sent_failures += 1
            return
        waiting = self._frames_bytes + len(payload)
        if waiting + transport.get_write_buffer_size() > self._settings.config.queue_bytes_max:
            self._statistics.sent_failures += 1
            if len(payload) > self._settings.config.queue_bytes_max:
                logger.error("%d bytes for member %x never fit", len(payload), self.member)
            return
        self._frames += (frame_head(payload), payload)
        self._frames_bytes = waiting

    def flush(self) -> None:
        """Writes what was put, in one piece."""
        if not self._frames:
            return
        if self._transport is not None:
            data = b"".join(self._frames)
            self._statistics.sent_bytes += len(data)
            self._transport.write(data)
        self._frames = []
        self._frames_bytes = 0

    def tick(self) -> None:
        """One tick of the member's clock has passed."""
        if self._transport is not None:
            self.ticks_connected += 1
            if self.ticks_connected % _ROUND_TRIP_TICKS == 0:
                self._observe_round_trip()

    def round_trip_seconds(self) -> float | None:
        """How long the other side takes to acknowledge; None without a connection."""
        if self._transport is None:
            return None
        return round_trip_seconds(self._transport.get_extra_info("socket"))

    def _observe_round_trip(self) -> None:
        seconds = self.round_trip_seconds()
        if seconds is not None:
            self._statistics.round_trip_seconds.observe(seconds)

    def update(self, urls: Sequence[str]) -> None:
        """The member listens elsewhere now: dials there."""
        if self._urls != tuple(urls):
            self._urls = tuple(urls)
            self.disconnect()

    def disconnect(self) -> None:
        """Ends the connection once what was written has left; `run` dials again."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def end(self) -> None:
        """Ends the connection once what was written has left, and `run` with it."""
        self._ended = True
        self.disconnect()

    async def run(self) -> None:
        """Dials, waits for the end of the connection, dials again; until `end` or cancelled."""
        config = self._settings.config
        attempts = 0
        while True:
            url = self._urls[attempts % len(self._urls)] if self._urls else ""
            reason = await self._converse(url)
            if reason is None:
                attempts = 0
            elif reason != self._complaint:
                self._complaint = reason
                logger.warning("no connection to member %x at %s: %s", self.member, url, reason)
            if self._ended:
                return
            backoff = config.reconnect_milliseconds_min << min(attempts, 16)
            attempts += 1
            delay = min(backoff, config.reconnect_milliseconds_max)
            await asyncio.sleep(delay * (1 + self._settings.jitter()) / 2_000)

    async def _converse(self, url: str) -> str | None:
        """One connection from its start to its end; the reason if it was not agreed upon."""
        settings = self._settings
        asking = Asking(Hello(settings.cluster, settings.member, self.member), settings.config)
        try:
            async with asyncio.timeout(settings.config.handshake_milliseconds_max / 1_000):
                await dial(url, asking, settings.ssl_outgoing)
                answer = await asking.answer
            if isinstance(answer, Removed):
                self._hooks.on_removed()
            if not isinstance(answer, Accepted):
                return answer.reason if isinstance(answer, Refused) else str(answer)
            self._begin(url, asking)
            await asking.lost
            self._end()
        except TimeoutError:
            return "no answer in time"
        except (OSError, ValueError) as error:
            return str(error)
        finally:
            asking.close()
        return None

    def _begin(self, url: str, asking: Asking) -> None:
        self._complaint = ""
        logger.info("connected to member %x at %s", self.member, url)
        self._transport = asking.transport
        self.ticks_connected = 1

    def _end(self) -> None:
        self._statistics.disconnects += 1
        self.ticks_connected = 0
        self._frames = []
        self._frames_bytes = 0
        if self._transport is not None:
            self._transport = None
            logger.warning("lost the connection to member %x", self.member)
            self._hooks.on_peer_lost(self.member)


async def dial(url: str, asking: Asking, ssl_outgoing: ssl.SSLContext | None) -> None:
    """Opens a connection; OSError when nobody listens, ValueError when the URL is of no use."""
    address = parse_url(url)
    await asyncio.get_running_loop().create_connection(
        lambda: asking,
        address.host,
        address.port,
        ssl=context_for(address, ssl_outgoing),
    )
