"""When images seem to have come to an end."""

from __future__ import annotations

from autoproc.following.arrival_pace import FEWEST, QUIET, SLOW, ArrivalPace


def paced(interval, n=FEWEST):
    """After images that came evenly; and when the last did."""
    pace = ArrivalPace()
    for number in range(1, n + 1):
        pace.come(number, number * interval)
    return pace, n * interval


def test_fast_images_seem_over_after_a_second():
    pace, latest = paced(0.04)
    assert not pace.seems_over(latest + 0.9 * QUIET)
    assert pace.seems_over(latest + 1.1 * QUIET)


def test_slow_images_seem_over_after_several_of_their_intervals():
    pace, latest = paced(5.0)
    assert not pace.seems_over(latest + 0.9 * SLOW * 5)
    assert pace.seems_over(latest + 1.1 * SLOW * 5)


def test_of_few_images_the_pace_is_not_known():
    pace, latest = paced(0.04, FEWEST - 1)
    assert not pace.seems_over(latest + 1000)


def test_a_pause_that_was_taken_for_the_end_makes_it_wait_twice_as_long():
    pace, latest = paced(0.04)
    pace.come(FEWEST + 1, latest + 10)
    assert not pace.seems_over(latest + 10 + 19)
    assert pace.seems_over(latest + 10 + 21)


def test_a_hiccup_that_was_not_taken_for_the_end_makes_it_wait_no_longer():
    pace, latest = paced(0.04)
    pace.come(FEWEST + 1, latest + 0.9)
    assert pace.seems_over(latest + 0.9 + 1.1)
