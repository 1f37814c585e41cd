"""The members over time: their role, term, leader and commit index, from samples."""

from itertools import pairwise
from typing import Any, Final

from jepsen_tests.history import MemberState
from jepsen_tests.report.columns import deltas
from jepsen_tests.report.markup import visible
from jepsen_tests.report.recorded import Recorded

COMMIT_SAMPLES_MAX: Final = 20_000
"""A member; of more, every n-th is kept. Roles and terms are all kept."""


def samples_by_member(recorded: Recorded) -> dict[str, list[MemberState]]:
    """Each member's samples in the order of time."""
    samples: dict[str, list[MemberState]] = {}
    for sample in sorted(recorded.history.members, key=lambda sample: sample.at_ns):
        samples.setdefault(sample.member, []).append(sample)
    return dict(sorted(samples.items()))


def member_strips(recorded: Recorded) -> list[Any]:
    """Each member's strips [begin, end, role, term, leader], and its commit index over time."""
    return [
        _member(name, samples, recorded) for name, samples in samples_by_member(recorded).items()
    ]


def _member(name: str, samples: list[MemberState], recorded: Recorded) -> dict[str, Any]:
    begin = recorded.begin_ns
    changes = [
        sample
        for before, sample in pairwise([None, *samples])
        if sample is not None and (before is None or _shown(before) != _shown(sample))
    ]
    ends = [*(sample.at_ns - begin for sample in changes[1:]), recorded.length_ns]
    moves = [
        sample
        for before, sample in pairwise([None, *samples])
        if sample is not None and (before is None or before.commit != sample.commit)
    ]
    if moves and moves[-1] is not samples[-1]:
        moves.append(samples[-1])
    kept = moves[:: 1 + len(moves) // COMMIT_SAMPLES_MAX]
    return {
        "name": visible(name, 60),
        "strips": [
            [sample.at_ns - begin, end, *_shown(sample)]
            for sample, end in zip(changes, ends, strict=True)
        ],
        "commitAt": deltas(sample.at_ns - begin for sample in kept),
        "commit": [sample.commit for sample in kept],
    }


def _shown(sample: MemberState) -> tuple[str, int, str]:
    return visible(sample.role, 20), sample.term, visible(sample.leader, 60)
