"""A member may end only for a reason."""

import pytest

from jepsen_tests.check.crashes import CRASHES
from jepsen_tests.history import Fact, FaultBand, History
from jepsen_tests.verdict import State

SECOND_NS = 1_000_000_000


def history(*bands: FaultBand) -> History:
    ended = Fact(
        name="ended_by_itself", value={"member": "m1", "exit_code": 1}, at_ns=20 * SECOND_NS
    )
    return History([*bands, ended])


def band(name: str, member: str = "m1", begin: int = 18, skipped: str = "") -> FaultBand:
    return FaultBand(
        name=name,
        targets=[member],
        begin_ns=begin * SECOND_NS,
        end_ns=(begin + 1) * SECOND_NS,
        skipped=skipped,
    )


def test_who_ends_for_no_reason_has_crashed() -> None:
    verdict = CRASHES.check(history(band("partition")))
    assert verdict.state is State.INVALID
    assert "m1 ended by itself with exit code 1" in verdict.findings[0].what


def test_a_failing_disk_is_a_reason() -> None:
    assert CRASHES.check(history(band("disk-error"))).state is State.VALID


@pytest.mark.parametrize(
    "excuse",
    [
        band("disk-error", member="m2"),
        band("disk-error", begin=21),
        band("disk-error", skipped="no shim"),
    ],
    ids=["another-member", "later", "skipped"],
)
def test_what_did_not_meet_the_member_is_none(excuse: FaultBand) -> None:
    assert CRASHES.check(history(excuse)).state is State.INVALID
