"""A process that joins a cluster asks any of its members who belongs to it."""

import asyncio
import logging
from collections.abc import Iterable

from raftkv.peer.codec import DecodeError
from raftkv.peer.framing import FrameError, FrameReader, frame_head
from raftkv.peer.handshake import (
    PREAMBLE,
    AskClusterInfo,
    ClusterInfo,
    Refused,
    decode_answer,
    encode_handshake,
)
from raftkv.transport.address import parse_peer_url

log = logging.getLogger(__name__)

ANSWER_BYTES_MAX = 1 << 20
_ROUND_PAUSE_SECONDS = 0.5
_ANSWER_SECONDS = 2.0


async def fetch_cluster_info(urls: Iterable[str], timeout_seconds: float) -> ClusterInfo:
    """Asks the members at `urls`, one after the other, again and again.

    Raises:
        ConnectionError: Nobody answered in time; says what was tried last.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_seconds
    urls = list(urls)
    last = "there is nobody to ask"
    while urls and loop.time() < deadline:
        for url in urls:
            try:
                return await asyncio.wait_for(_ask(url), _ANSWER_SECONDS)
            except (OSError, TimeoutError, FrameError, DecodeError, EOFError) as error:
                last = f"{url}: {error or 'no answer'}"
        log.warning("no member of the cluster answers (%s)", last)
        await asyncio.sleep(_ROUND_PAUSE_SECONDS)
    raise ConnectionError(f"no member of the cluster answers ({last})")


async def _ask(url: str) -> ClusterInfo:
    reader, writer = await asyncio.open_connection(*parse_peer_url(url))
    try:
        question = encode_handshake(AskClusterInfo())
        writer.write(PREAMBLE + frame_head(question) + question)
        frames = FrameReader(ANSWER_BYTES_MAX)
        while True:
            data = await reader.read(ANSWER_BYTES_MAX)
            if not data:
                raise ConnectionError("closed before it answered")
            for payload in frames.feed(data):
                answer = decode_answer(payload)
                if isinstance(answer, ClusterInfo):
                    return answer
                reason = answer.reason if isinstance(answer, Refused) else "another answer"
                raise ConnectionError(reason)
    finally:
        writer.close()
