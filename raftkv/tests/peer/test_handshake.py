"""The words before messages flow."""

from contextlib import suppress

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftkv.peer.codec import DecodeError
from raftkv.peer.handshake import (
    Accepted,
    Answer,
    AskClusterInfo,
    ClusterInfo,
    Hello,
    MemberInfo,
    Question,
    Refused,
    Removed,
    decode_answer,
    decode_question,
    encode_handshake,
)

INFO = ClusterInfo(
    2**64 - 1,
    (
        MemberInfo(1, "a", ("http://a:2380", "http://b:2380"), (), is_learner=False),
        MemberInfo(2, "", (), ("http://a:2379",), is_learner=True),
    ),
)


@pytest.mark.parametrize("question", [Hello(0, 1, 2**64 - 1), AskClusterInfo()])
def test_a_question_comes_back_as_it_was(question: Question) -> None:
    assert decode_question(encode_handshake(question)) == question


@pytest.mark.parametrize("answer", [Accepted(), Refused("another cluster"), Removed(), INFO])
def test_an_answer_comes_back_as_it_was(answer: Answer) -> None:
    assert decode_answer(encode_handshake(answer)) == answer


@given(st.binary(max_size=100))
def test_any_bytes_are_a_word_or_a_decode_error(data: bytes) -> None:
    for decode in (decode_question, decode_answer):
        with suppress(DecodeError):
            decode(data)


@pytest.mark.parametrize(
    "values",
    [
        (1, 1, 0, 2),
        (1, 1, 2),
        (3, 1, 5),
        (3, 1, [[1, "a", [], []]]),
        (3, 1, [[1, "a", [5], [], 0]]),
    ],
)
def test_what_a_word_may_not_hold_is_refused(values: tuple[object, ...]) -> None:
    for decode in (decode_question, decode_answer):
        with pytest.raises(DecodeError):
            decode(msgpack.packb(values))
