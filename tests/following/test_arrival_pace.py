"""When images seem to have come to an end."""

from __future__ import annotations

from autoproc.following.arrival_pace import FEWEST, QUIET, SLOW, ArrivalPace


def paced(interval, n=FEWEST):
    """After images that came evenly; and when the last did."""
    pace = ArrivalPace()
    for number in range(1, n + 1):
        pace.look(number, number * interval)
    return pace, n * interval


def seems_over_after(pace, latest, seconds):
    """At a look so long after the last image, at which there was no other."""
    pace.look(pace.n, latest + seconds)
    return pace.seems_over


def test_fast_images_seem_over_after_a_second():
    pace, latest = paced(0.04)
    assert not seems_over_after(pace, latest, 0.9 * QUIET)
    assert seems_over_after(pace, latest, 1.1 * QUIET)


def test_slow_images_seem_over_after_several_of_their_intervals():
    pace, latest = paced(5.0)
    assert not seems_over_after(pace, latest, 0.9 * SLOW * 5)
    assert seems_over_after(pace, latest, 1.1 * SLOW * 5)


def test_of_few_images_the_pace_is_not_known():
    pace, latest = paced(0.04, FEWEST - 1)
    assert not seems_over_after(pace, latest, 1000)


def test_a_pause_that_was_taken_for_the_end_makes_it_wait_twice_as_long():
    pace, latest = paced(0.04)
    assert seems_over_after(pace, latest, 9)
    pace.look(FEWEST + 1, latest + 10)
    assert not seems_over_after(pace, latest, 10 + 19)
    assert seems_over_after(pace, latest, 10 + 21)


def test_a_hiccup_that_was_not_taken_for_the_end_makes_it_wait_no_longer():
    pace, latest = paced(0.04)
    assert not seems_over_after(pace, latest, 0.8)
    pace.look(FEWEST + 1, latest + 0.9)
    assert seems_over_after(pace, latest, 0.9 + 1.1)


def test_where_nobody_looked_there_was_no_pause():
    pace, latest = paced(0.04)
    pace.look(FEWEST + 50, latest + 10)
    assert pace.pause == 0.0
    assert not pace.seems_over
    assert seems_over_after(pace, latest + 10, SLOW * 10 / (FEWEST + 50) + 1.1)


def test_images_that_were_there_before_tell_no_pace():
    pace = ArrivalPace()
    for number in range(5):
        pace.look(100 + number, 5.0 * number)
    assert not seems_over_after(pace, 20.0, 0.9 * SLOW * 5)
    assert seems_over_after(pace, 20.0, 1.1 * SLOW * 5)


def test_what_was_all_there_before_seems_over_after_a_second():
    pace = ArrivalPace()
    pace.look(FEWEST, 1.0)
    assert not seems_over_after(pace, 1.0, 0.9 * QUIET)
    assert seems_over_after(pace, 1.0, 1.1 * QUIET)
