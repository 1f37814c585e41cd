"""Makes packets late: holds them in the kernel's queues (NFQUEUE) until their time has come.

Linux' own way, netem, is not in every kernel. A queue takes packets out of the path; the kernel
says over a netlink socket that one came, and keeps it until it is told to let it pass. Only the
number of a packet comes here, not its bytes. The messages are those of nfnetlink_queue.h: a netlink
header, a short one of netfilter's own with the queue's number, then attributes.
"""

import asyncio
import errno
import os
import random
import socket
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from jepsen_tests.process.namespaces import socket_in
from jepsen_tests.world.links import Lateness

QUEUE_PACKETS_MAX = 10_000
"""The kernel drops what comes to a queue that is this full."""
_NETLINK_NETFILTER = 12
_QUEUE_SUBSYSTEM = 3 << 8
_PACKET, _VERDICT, _CONFIG = 0, 1, 2
_ERROR = 2
"""Also an acknowledgement: error 0."""
_CONFIGURING = 1
"""The sequence number of settings; verdicts have none."""
_REQUEST, _ACKNOWLEDGE = 1, 4
_CONFIG_COMMAND, _CONFIG_PARAMETERS, _CONFIG_LENGTH = 1, 2, 3
_BIND = 1
_COPY_NO_BYTES = 1
_PACKET_HEADER, _VERDICT_HEADER = 1, 2
_ACCEPT = 1
_HEADERS = struct.Struct("=IHHII")
_NETFILTER_HEADER = struct.Struct(">BBH")
_HEADERS_BYTES = _HEADERS.size + _NETFILTER_HEADER.size
_ATTRIBUTE = struct.Struct("=HH")
_ATTRIBUTE_TYPE_MASK = 0x3FFF
_ANSWER_SECONDS_MAX = 5.0
_RECEIVE_BYTES = 1 << 16
_RECEIVE_BUFFER_BYTES = 4 << 20


class PacketDelays:
    """The queues of one namespace; each holds its packets for a time of its own, in their order."""

    def __init__(self, namespace: str, chance: random.Random) -> None:
        """Opens the namespace's queues; raises OSError when this kernel has none."""
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self._socket = socket_in(namespace, socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self._socket.bind((0, 0))
        self._socket.settimeout(0)
        self._lateness: dict[int, Lateness] = {}
        self._due: dict[int, float] = {}
        self._bound: set[int] = set()
        self._loop.add_reader(self._socket, self._on_packets)

    def set(self, lateness: Mapping[int, Lateness]) -> None:
        """Says how late each queue's packets are from now on; raises OSError if it can't be."""
        for queue in lateness.keys() - self._bound:
            self._bind(queue)
            self._bound.add(queue)
        self._lateness = dict(lateness)

    def close(self) -> None:
        """Lets go of all packets."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _bind(self, queue: int) -> None:
        self._loop.remove_reader(self._socket)
        try:
            bind = struct.pack(">BBH", _BIND, 0, socket.AF_INET)
            self._configure(queue, _CONFIG_COMMAND, bind)
            self._configure(queue, _CONFIG_PARAMETERS, struct.pack(">IB", 0, _COPY_NO_BYTES))
            self._configure(queue, _CONFIG_LENGTH, struct.pack(">I", QUEUE_PACKETS_MAX))
        finally:
            self._loop.add_reader(self._socket, self._on_packets)

    def _configure(self, queue: int, attribute: int, value: bytes) -> None:
        """Sends a setting and reads packets of other queues until it is acknowledged."""
        self._socket.settimeout(_ANSWER_SECONDS_MAX)
        try:
            flags = _REQUEST | _ACKNOWLEDGE
            self._socket.send(message(_CONFIG, flags, queue, attribute, value, _CONFIGURING))
            code = None
            while code is None:
                code = self._take(self._socket.recv(_RECEIVE_BYTES))
        finally:
            self._socket.settimeout(0)
        if code:
            raise OSError(code, f"packet queue {queue}: {os.strerror(code)}")

    def _on_packets(self) -> None:
        try:
            while True:
                self._take(self._socket.recv(_RECEIVE_BYTES))
        except BlockingIOError:
            return
        except OSError as error:
            # The kernel had more to say than fits: those packets are dropped in the end.
            if error.errno != errno.ENOBUFS:
                raise

    def _take(self, received: bytes) -> int | None:
        """Arranges the release of the packets in it; the error number that answers a setting."""
        code = None
        for answer in messages(received):
            if answer.kind == _QUEUE_SUBSYSTEM | _PACKET:
                self._hold(answer.queue, packet_number(answer.attributes))
            elif answer.sequence == _CONFIGURING:
                code = answer.code
            # Otherwise it is about a packet that is gone, as all are when the rules change.
        return code

    def _hold(self, queue: int, packet: int) -> None:
        late = self._lateness.get(queue, Lateness(0))
        milliseconds = late.milliseconds + self._chance.random() * late.jitter_milliseconds
        due = max(self._loop.time() + milliseconds / 1_000, self._due.get(queue, 0.0))
        self._due[queue] = due
        self._loop.call_at(due, self._release, queue, packet)

    def _release(self, queue: int, packet: int) -> None:
        if self._socket.fileno() >= 0:
            verdict = struct.pack(">II", _ACCEPT, packet)
            self._socket.send(message(_VERDICT, _REQUEST, queue, _VERDICT_HEADER, verdict))


class Answer(NamedTuple):
    """A message from the kernel."""

    kind: int
    sequence: int
    """Of the message that it answers."""
    queue: int
    code: int
    """Of an answer: the error number, 0 if there is none."""
    attributes: bytes


def message(
    kind: int, flags: int, queue: int, attribute: int, value: bytes, sequence: int = 0
) -> bytes:
    """A message to the kernel with one attribute."""
    length = _ATTRIBUTE.size + len(value)
    body = _ATTRIBUTE.pack(length, attribute) + value + bytes(-length % 4)
    return (
        _HEADERS.pack(_HEADERS_BYTES + len(body), _QUEUE_SUBSYSTEM | kind, flags, sequence, 0)
        + _NETFILTER_HEADER.pack(0, 0, queue)
        + body
    )


def messages(received: bytes) -> Iterator[Answer]:
    """The messages from the kernel in what was received at once."""
    position = 0
    while position + _HEADERS_BYTES <= len(received):
        length, kind, _, sequence, _ = _HEADERS.unpack_from(received, position)
        queue = code = 0
        if kind == _ERROR:
            (code,) = struct.unpack_from("=i", received, position + _HEADERS.size)
        else:
            _, _, queue = _NETFILTER_HEADER.unpack_from(received, position + _HEADERS.size)
        attributes = received[position + _HEADERS_BYTES : position + length]
        yield Answer(kind, sequence, queue, -code, attributes)
        position += max(length + -length % 4, _HEADERS_BYTES)


def packet_number(body: bytes) -> int:
    """The number by which the kernel knows a packet, out of the message's attributes."""
    position = 0
    while position + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, position)
        if kind & _ATTRIBUTE_TYPE_MASK == _PACKET_HEADER:
            (number,) = struct.unpack_from(">I", body, position + _ATTRIBUTE.size)
            return int(number)
        position += max(length + -length % 4, _ATTRIBUTE.size)
    raise ValueError("a packet without a number")
