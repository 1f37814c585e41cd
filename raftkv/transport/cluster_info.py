"""Asks a running cluster what it is and who belongs to it, before we know who we are."""

import asyncio
import ssl
from collections.abc import Sequence

from raftkv.config import TransportConfig
from raftkv.peer.handshake import AskClusterInfo, ClusterInfo, Refused
from raftkv.transport.asking import Asking
from raftkv.transport.peer import dial

_PAUSE_SECONDS = 0.1


class ClusterInfoError(Exception):
    """Nobody told us about the cluster: one line for a person."""


async def fetch_cluster_info(
    urls: Sequence[str],
    timeout_seconds: float,
    config: TransportConfig,
    ssl_outgoing: ssl.SSLContext | None = None,
) -> ClusterInfo:
    """Asks at one peer URL after the other, again and again, until one of them tells.

    Raises:
        ClusterInfoError: None did in time; says what came of the last attempt.
    """
    outcome = "no URL to ask at"
    try:
        async with asyncio.timeout(timeout_seconds):
            while urls:
                for url in urls:
                    answer = await _ask(url, config, ssl_outgoing)
                    if isinstance(answer, ClusterInfo):
                        return answer
                    outcome = f"{url}: {answer}"
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        pass
    raise ClusterInfoError(f"no member of the cluster answers ({outcome})")


async def _ask(
    url: str, config: TransportConfig, ssl_outgoing: ssl.SSLContext | None
) -> ClusterInfo | str:
    """What one URL says, or why it says nothing of use."""
    asking = Asking(AskClusterInfo(), config)
    try:
        async with asyncio.timeout(config.handshake_milliseconds_max / 1_000):
            await dial(url, asking, ssl_outgoing)
            answer = await asking.answer
    except TimeoutError:
        return "no answer in time"
    except (OSError, ValueError) as error:
        return str(error)
    finally:
        asking.close()
    if isinstance(answer, ClusterInfo):
        return answer
    return answer.reason if isinstance(answer, Refused) else str(answer)
