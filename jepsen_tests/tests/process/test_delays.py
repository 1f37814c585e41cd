"""The kernel's messages about queued packets, byte by byte."""

import struct

from jepsen_tests.process.delays import message, messages, packet_number


def test_a_message_to_the_kernel_is_as_long_as_it_says() -> None:
    sent = message(kind=2, flags=5, queue=7, attribute=1, value=b"\1\0\0\2", sequence=9)
    length, kind, flags, sequence, port = struct.unpack_from("=IHHII", sent)
    assert (length, kind, flags, sequence, port) == (len(sent), 0x302, 5, 9, 0)
    assert sent[16:20] == b"\0\0\0\7"
    assert sent[20:] == struct.pack("=HH", 8, 1) + b"\1\0\0\2"
    assert len(message(1, 1, 0, 2, b"12345")) % 4 == 0


def test_a_packet_is_known_by_its_number() -> None:
    other = struct.pack("=HHI", 8, 3, 1)
    header = struct.pack("=HH", 11, 1) + struct.pack(">IHB", 77, 0x800, 1) + b"\0"
    packet = struct.pack("=IHHII", 20 + len(other + header), 0x300, 0, 0, 0) + b"\2\0\0\5"
    (answer,) = messages(packet + other + header)
    assert (answer.kind, answer.queue) == (0x300, 5)
    assert packet_number(answer.attributes) == 77


def test_an_answer_has_the_number_of_what_it_answers_and_an_error() -> None:
    refused = struct.pack("=IHHIIi", 36, 2, 0, 9, 0, -2) + bytes(16)
    granted = struct.pack("=IHHIIi", 36, 2, 0, 8, 0, 0) + bytes(16)
    assert [(each.sequence, each.code) for each in messages(refused + granted)] == [(9, 2), (8, 0)]
