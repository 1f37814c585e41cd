"""Runs one member as a process: from its configuration to its exit code."""

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from raftkv.config import MemberConfig
from raftkv.member.addresses import check_addresses
from raftkv.member.errors import StartupError
from raftkv.member.forcing import nothing_to_force
from raftkv.member.identity import Origin, of_joining, of_new_cluster, seed_urls
from raftkv.member.member import Member, data_path
from raftkv.storage import DiskStorage, StorageError, StorageHooks
from raftkv.transport import ClusterInfoError, fetch_cluster_info

log = logging.getLogger(__name__)

SWITCH_INTERVAL_SECONDS = 0.0005
"""How long one thread may keep the interpreter from another: a 100-row write beside a busy loop
takes 3.9 ms with it, 15.8 ms with the default of 0.005."""
BOOTSTRAP_CHECK_SECONDS = 0.2
"""How long the first start of a member asks whether others know it already."""
JOIN_SECONDS = 60
"""How long a member that joins asks for its cluster."""


def serve(config: MemberConfig) -> int:
    """Runs the member until SIGTERM or SIGINT; returns the exit code.

    Raises:
        StartupError: It can't start, or had to stop; one line that says why.
    """
    if not __debug__:
        raise StartupError("assertions are off (python -O): this program relies on them")
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    try:
        return asyncio.run(_run(config))
    except (StorageError, ClusterInfoError) as error:
        raise StartupError(str(error)) from error


async def _run(config: MemberConfig) -> int:
    process = _Process(config)
    reason = await process.run()
    if reason is not None:
        raise StartupError(reason)
    return 0


class _Process:
    """A member and what can end it: a signal, its disk, our own mistakes."""

    def __init__(self, config: MemberConfig) -> None:
        self._config = config
        self._loop = loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[str | None] = loop.create_future()
        """None when it was told to end, else why it had to."""
        loop.set_exception_handler(self._on_exception)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, partial(self._end, None))
        check_addresses(
            config
        )  # before anything is written: a taken port leaves the disk as it was
        hooks = StorageHooks(
            post=self._post,
            on_durable=self._durable,
            on_staged=self._staged,
            on_failed=self._end,
        )
        self._storage = DiskStorage(data_path(config), config.storage, hooks)
        self._member = Member(config, self._storage, self._end)

    async def run(self) -> str | None:
        """Runs the member to its end; returns why it had to end, None if it was told to."""
        await self._member.start(await _origin(self._config, self._storage))
        serving = asyncio.ensure_future(_serve_clients(self._member))
        either: list[asyncio.Future[Any]] = [self._ended, serving]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if serving.done() and serving.exception() is not None:
            self._end(str(serving.exception()))
        reason = await self._ended
        serving.cancel()
        if reason is None:
            await self._member.stop()
        else:
            await self._member.abandon()
        return reason

    def _end(self, reason: str | None) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A disk that can't be read, or our own mistake, ends the member; the rest is logged.

        A callback that failed may have been the clock's or the disk's: the member would live on,
        and nothing would ever be due or durable again. What a connection's bytes lead to is no
        callback of the loop, and ends that connection.
        """
        loop.default_exception_handler(context)
        error = context.get("exception")
        if isinstance(error, StorageError):
            self._end(str(error))
        elif isinstance(error, AssertionError) or "handle" in context:
            self._end(f"internal error: {error!r}")

    def _post(self, run: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody is left to tell
            self._loop.call_soon_threadsafe(run)

    def _durable(self, sequence: int) -> None:
        self._member.durable(sequence)

    def _staged(self, number: int) -> None:
        self._member.node.staged(number)


async def _serve_clients(member: Member) -> None:
    await member.serve_clients()
    # What is loaded stays: the collector need never look at it again.
    gc.collect()
    gc.freeze()
    log.info("ready to serve client requests")


async def _origin(config: MemberConfig, storage: DiskStorage) -> Origin | None:
    """Who this member is, when its disk does not say."""
    if storage.identity is not None:
        return None
    if config.force_new_cluster:
        raise StartupError(nothing_to_force(config))
    urls = seed_urls(config)
    if config.initial_cluster_state == "new":
        origin = of_new_cluster(config)
        await _check_not_bootstrapped(config, origin, urls)
        return origin
    info = await fetch_cluster_info(urls, JOIN_SECONDS, config.transport)
    return of_joining(config, info)


async def _check_not_bootstrapped(config: MemberConfig, origin: Origin, urls: list[str]) -> None:
    """A member that lost its disk must not vote again as if it were new: it forgot its votes.

    Raises:
        StartupError: The running cluster knows this member by name, so it has run before.
    """
    try:
        info = await fetch_cluster_info(urls, BOOTSTRAP_CHECK_SECONDS, config.transport)
    except ClusterInfoError:
        return  # nobody runs yet, as is usual when a cluster starts
    if info.cluster == origin.cluster and any(
        known.member == origin.member and known.name for known in info.members
    ):
        raise StartupError(
            f"member {origin.member:x} has already been bootstrapped, and its data is gone: remove "
            "it from the cluster and add it again (etcdctl member remove, then member add)"
        )
