"""Which sweeps are tried together, and which of them are of one crystal."""

from __future__ import annotations

import pytest

from autoproc.decisions.joint import (
    MOST_SPOTS,
    MOST_SWEEPS,
    SweepShare,
    SweepSpots,
    why_all_together,
    why_together,
    worst_fitting,
)


def sweep(name, n_spots, failure=""):
    return SweepSpots(name, failure, n_spots)


def test_a_sweep_that_failed_with_few_spots_is_tried_with_the_others():
    reason = why_together([sweep("a", 30, "too few"), sweep("b", 5000), sweep("c", 20, "too few")])
    assert reason == "too few spots to be processed alone: a (30), c (20)"
    many = why_together([sweep(f"x{n}", 20, "too few") for n in range(5)])
    assert many.endswith("x0 (20), x1 (20), x2 (20) and 2 more")


@pytest.mark.parametrize(
    "sweeps",
    [
        [sweep("a", 30), sweep("b", 40)],  # nothing failed
        [sweep("a", MOST_SPOTS + 1, "no lattice"), sweep("b", 40)],  # many spots tell by themselves
        [sweep("a", 30, "too few"), sweep("b", 0, "no images")],  # there is nobody to try it with
        [sweep("a", 0, "no spots"), sweep("b", 40)],
        [sweep("a", 30, "too few"), *(sweep(f"b{n}", 40) for n in range(MOST_SWEEPS))],
        [],
    ],
)
def test_others_stay_by_themselves(sweeps):
    assert why_together(sweeps) == ""


def test_sweeps_that_could_not_be_combined_are_tried_together_if_all_have_few_spots():
    few = [sweep("a", 30), sweep("b", 40)]
    assert why_all_together(few, "nothing in common") == "their intensities could not be combined (nothing in common)"
    assert why_all_together([*few, sweep("c", MOST_SPOTS + 1)], "x") == ""
    assert why_all_together(few[:1], "x") == ""
    assert why_all_together([], "x") == ""


def test_the_sweep_of_another_crystal_is_left_out_first_and_with_a_reason():
    shares = [SweepShare("a", 50, 45), SweepShare("b", 40, 5), SweepShare("c", 40, 15)]
    worst = worst_fitting(shares)
    assert worst is shares[1]
    assert "explains 5 of its 40 spots: another crystal" in worst.why_other
    assert worst_fitting(shares[:1]) is None
    assert shares[0].why_other == ""


def test_a_sweep_without_spots_is_of_no_crystal():
    assert SweepShare("a", 0, 0).why_other
