import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.service.sweeps.series_verdict import gaps
from autoproc.service.watching.completeness import SeriesProgress, judge, settle_time, what_lacks
from autoproc.service.watching.params import WatchParams

PARAMS = WatchParams()
AGES = 1e6


@pytest.mark.parametrize(
    ("progress", "state"),
    [
        (SeriesProgress(10, n_expected=10), "complete"),
        (SeriesProgress(9, n_expected=10, quiet=200), "waiting"),
        (SeriesProgress(9, n_expected=10, quiet=301), "partial"),
        (SeriesProgress(12, n_expected=10), "complete"),
        (SeriesProgress(10, quiet=4.9), "waiting"),
        (SeriesProgress(10, quiet=5.1), "complete"),
        (SeriesProgress(10, quiet=19, interval=1.0), "waiting"),
        (SeriesProgress(10, quiet=21, interval=1.0), "complete"),
        (SeriesProgress(10, quiet=21, interval=1.0, n_unfinished=1), "waiting"),
        (SeriesProgress(10, quiet=119, interval=1.0, n_unfinished=1), "waiting"),
        (SeriesProgress(10, quiet=121, interval=1.0, n_unfinished=1), "complete"),
        (SeriesProgress(9, quiet=31, n_expected=10, n_unfinished=1), "complete"),
        (SeriesProgress(8, quiet=31, n_expected=10, n_unfinished=1), "waiting"),
        (SeriesProgress(8, quiet=301, n_expected=10, n_unfinished=1), "partial"),
        (SeriesProgress(0, quiet=31, n_unfinished=3), "waiting"),
        (SeriesProgress(0, quiet=301, n_unfinished=3), "partial"),
        (SeriesProgress(10, quiet=3, interval=1.0, is_followed=True), "complete"),
        (SeriesProgress(10, quiet=200, missing=((4, 5),)), "waiting"),
        (SeriesProgress(10, quiet=31, missing=((4, 5),), is_followed=True), "partial"),
        (SeriesProgress(0, quiet=200, obstacle="x_master.h5 is not written to its end"), "waiting"),
        (SeriesProgress(0, quiet=301, obstacle="x_master.h5 is not written to its end"), "partial"),
    ],
)
def test_verdicts(progress, state):
    assert judge(progress, PARAMS).state == state


def test_in_a_hurry_nobody_waits_for_stalled_collections():
    assert judge(SeriesProgress(9, n_expected=10, quiet=6), PARAMS, in_hurry=True).state == "partial"
    assert judge(SeriesProgress(9, n_expected=10, quiet=4), PARAMS, in_hurry=True).state == "waiting"
    assert judge(SeriesProgress(9, quiet=4), PARAMS, in_hurry=True).state == "waiting"


progresses = st.builds(
    SeriesProgress,
    n_present=st.integers(0, 20),
    n_unfinished=st.integers(0, 3),
    missing=st.sampled_from([(), ((2, 3),)]),
    n_expected=st.none() | st.integers(1, 20),
    quiet=st.floats(0, 1000),
    interval=st.floats(0, 100),
    pause=st.floats(0, 1000),
    is_followed=st.booleans(),
)


@given(progresses, st.booleans())
def test_the_verdict_comes_when_it_was_said_to_come(progress, in_hurry):
    verdict = judge(progress, PARAMS, in_hurry)
    if verdict.state == "waiting":
        assert 0 < verdict.look_in <= PARAMS.stall_time
        later = SeriesProgress(**{name: getattr(progress, name) for name in SeriesProgress.__slots__} | {"quiet": AGES})
        assert judge(later, PARAMS, in_hurry).state == (
            "complete" if progress.is_whole or progress.is_cut else "partial"
        )
    elif verdict.state == "partial":
        assert verdict.reason


def test_the_settle_time_follows_the_pace_and_ends_at_the_stall_time():
    assert settle_time(SeriesProgress(5), PARAMS) == PARAMS.settle_time
    assert settle_time(SeriesProgress(5, interval=2.0), PARAMS) == 40
    assert settle_time(SeriesProgress(5, pause=30.0), PARAMS) == 60
    assert settle_time(SeriesProgress(5, interval=60.0), PARAMS) == PARAMS.stall_time


def test_what_lacks_is_said_in_plain_words():
    assert (
        what_lacks(SeriesProgress(40, n_expected=100, quiet=600))
        == "40 of 100 images are there; nothing came for 10 min"
    )
    stretches = ((3, 3), (7, 9))
    assert what_lacks(SeriesProgress(6, missing=stretches, quiet=60)) == "images missing: 3, 7-9; nothing came for 60 s"
    assert what_lacks(SeriesProgress(6, n_unfinished=2, quiet=60)) == "2 unfinished; nothing came for 60 s"
    obstacle = SeriesProgress(28, n_expected=40, quiet=60, obstacle="x_data_000003.h5 is missing")
    assert what_lacks(obstacle) == "28 of 40 images are there, x_data_000003.h5 is missing; nothing came for 60 s"
    many = tuple((n, n) for n in range(2, 40, 2))
    assert what_lacks(SeriesProgress(6, missing=many)).startswith(
        "images missing: 2, 4, 6, 8, 10 and 14 more stretches"
    )


def test_gaps_are_stretches():
    assert gaps([5, 1, 2, 9, 4]) == ((3, 3), (6, 8))
    assert gaps(range(7, 20)) == ()
    assert gaps([]) == ()
    assert gaps([1, 10**9]) == ((2, 10**9 - 1),)
