"""Work takes its part of the time, however long it takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.service.processes.time_share import Share


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def work(share: Share, clock: Clock, seconds: float) -> None:
    with share.taken():
        clock.now += seconds


def test_the_first_time_is_now():
    assert Share(0.05, least=10.0, clock=Clock()).is_due


@given(st.floats(0.01, 1.0), st.lists(st.floats(1e-3, 10.0), min_size=1, max_size=20))
def test_it_takes_its_part_of_the_time(part, seconds):
    clock = Clock()
    share = Share(part, clock=clock)
    for taken in seconds:
        work(share, clock, taken)
        assert share.wait == pytest.approx(taken * (1 / part - 1), abs=1e-6)
        clock.now += share.wait
    assert sum(seconds) == pytest.approx(part * clock.now, rel=1e-6)


def test_work_that_takes_no_time_waits_the_least():
    clock = Clock()
    share = Share(0.5, least=3.0, clock=clock)
    work(share, clock, 0.0)
    clock.now = 2.9
    assert not share.is_due
    clock.now = 3.0
    assert share.is_due


def test_haste_saves_the_least_but_not_its_part():
    clock = Clock()
    share = Share(0.25, least=100.0, clock=clock)
    work(share, clock, 1.0)
    share.hurry()
    assert share.wait == pytest.approx(3.0)


def test_work_that_fails_has_taken_its_time():
    clock = Clock()
    share = Share(0.5, clock=clock)

    def fail() -> None:
        with share.taken():
            clock.now += 2.0
            raise ValueError("a flaw")

    with pytest.raises(ValueError, match="a flaw"):
        fail()
    assert share.wait == pytest.approx(2.0)
