"""The member's clock, on a loop whose time is ours."""

from collections.abc import Callable

import pytest

from raftkv.member import ticker
from raftkv.member.ticker import MISSED_TICKS_MAX, Ticker


class Timer:
    def __init__(self, when: float, run: Callable[[], None]) -> None:
        self.when = when
        self.run = run
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """A loop with one timer."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timer: Timer

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, run: Callable[[], None]) -> Timer:
        self.timer = Timer(when, run)
        return self.timer

    def comes_round(self, late: float = 0.0) -> None:
        """Runs the timer when it is due, or later."""
        self.now = max(self.now, self.timer.when + late)
        self.timer.run()


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(ticker.asyncio, "get_running_loop", lambda: loop)  # type: ignore[attr-defined]
    return loop


def test_a_tick_comes_once_an_interval_and_does_not_drift(loop: Loop) -> None:
    ticks: list[float] = []
    Ticker(0.1, lambda: ticks.append(loop.now))
    for _ in range(100):
        loop.comes_round(late=0.03)
    assert len(ticks) == 100
    assert ticks[-1] == pytest.approx(100 + 100 * 0.1 + 0.03)


def test_a_few_missed_ticks_are_made_up_for(loop: Loop) -> None:
    ticks: list[float] = []
    Ticker(0.1, lambda: ticks.append(loop.now))
    loop.comes_round(late=0.15)
    assert len(ticks) == 2
    loop.comes_round()
    assert len(ticks) == 3
    assert loop.now == pytest.approx(100.3)


def test_a_process_that_was_stopped_does_not_race_through_the_time_it_slept(loop: Loop) -> None:
    ticks: list[float] = []
    Ticker(0.1, lambda: ticks.append(loop.now))
    loop.comes_round(late=60)
    assert len(ticks) == MISSED_TICKS_MAX
    assert loop.timer.when == pytest.approx(loop.now + 0.1)


def test_who_wants_to_know_is_told_of_a_tick_that_came_an_interval_late(loop: Loop) -> None:
    told: list[float] = []
    Ticker(0.1, lambda: None, told.append)
    loop.comes_round(late=0.09)
    assert not told
    loop.comes_round(late=0.25)
    assert told == [pytest.approx(0.25)]


def test_a_stopped_clock_does_not_tick(loop: Loop) -> None:
    clock = Ticker(0.1, lambda: None)
    clock.stop()
    assert loop.timer.is_cancelled
