"""What the code of a call's status says of its effect."""

from jepsen_tests.world.ports import Refused, Unanswered

WITHOUT_EFFECT = frozenset(
    {
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "OUT_OF_RANGE",
        "FAILED_PRECONDITION",
        "RESOURCE_EXHAUSTED",
        "UNIMPLEMENTED",
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
    }
)
"""The codes that etcd answers before it proposes anything, or as the outcome of what changed
nothing. All others leave it open."""


def failure_of(code: str, text: str) -> Refused | Unanswered:
    """What a client is to raise for a status that is not OK."""
    return Refused(code, text) if code in WITHOUT_EFFECT else Unanswered(f"{code}: {text}")
