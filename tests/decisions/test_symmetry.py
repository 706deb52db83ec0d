from __future__ import annotations

from dataclasses import replace

import pytest

from autoproc.decisions.ladder import PLAIN, History, TriedStep
from autoproc.decisions.symmetry import SYMMETRY, SymmetryReport, kept_symmetry, lower_is_right

GOOD = SymmetryReport("P 2 2 2", 0.05, 1.05, 2.0, None, 0.02, ("P 1 2/m 1", "P -1"))
DENIED = replace(GOOD, r_meas=0.08, mates_ratio=7.4, mates_sigmas=74.0)
DISPLACED = replace(GOOD, position_ratio=2.8, delta=0.2)
LOWER = SymmetryReport("P 1 2 1", 0.036, 1.0, 0.1, None, 0.01, ("P -1",))


def history(*reports, best=0):
    steps = [PLAIN]
    for n in range(1, len(reports)):
        before = History(tuple(TriedStep(s, r) for s, r in zip(steps, reports[:n], strict=True)), best=best)
        step = SYMMETRY.next_step(before)
        assert step is not None
        steps.append(step)
    return History(tuple(TriedStep(s, r) for s, r in zip(steps, reports, strict=True)), best)


@pytest.mark.parametrize(
    "report",
    [
        GOOD,
        replace(GOOD, r_meas=0.4),  # weak or damaged: mates disagree, but no more than repeats
        replace(GOOD, mates_ratio=1.6, mates_sigmas=40.0),  # significant, but harmless
        replace(GOOD, mates_ratio=3.0, mates_sigmas=4.0),  # large, but from few reflections
        replace(GOOD, mates_ratio=None, position_ratio=1.3),
    ],
)
def test_symmetry_is_left_alone(report):
    assert SYMMETRY.next_step(history(report)) is None


def test_intensities_that_deny_it_lower_the_laue_group():
    step = SYMMETRY.next_step(history(DENIED))
    assert step is not None
    assert step.changes == {"symmetry.laue_group": "P 1 2/m 1"}
    assert "7.4 times" in step.because


def test_the_next_group_is_tried_after_one_that_was_no_better():
    step = SYMMETRY.next_step(history(DENIED, replace(LOWER, mates_ratio=6.0, mates_sigmas=30.0)))
    assert step is not None
    assert step.changes == {"symmetry.laue_group": "P -1"}


def test_nothing_is_left_to_try():
    assert SYMMETRY.next_step(history(replace(DENIED, lower=()))) is None


def test_positions_that_deny_it_narrow_the_lattice():
    step = SYMMETRY.next_step(history(DISPLACED))
    assert step is not None
    assert step.changes == {"symmetry.max_delta": 0.1}
    assert "0.20 degrees" in step.because


def test_lower_group_is_right_where_it_removes_the_denial():
    verdict = lower_is_right(DENIED, LOWER)
    assert verdict.is_better
    assert verdict.because == "Rmeas at low resolution 0.080 in P 2 2 2, 0.036 in P 1 2 1"


@pytest.mark.parametrize(
    "challenger",
    [
        replace(LOWER, r_meas=0.078),
        replace(LOWER, r_meas=None),
        replace(LOWER, mates_ratio=5.0, mates_sigmas=30.0),
    ],
)
def test_lower_group_is_not_kept_for_nothing(challenger):
    assert not lower_is_right(DENIED, challenger).is_better


def test_cell_that_fits_is_right():
    assert lower_is_right(DISPLACED, replace(LOWER, r_meas=None)).is_better
    assert not lower_is_right(DISPLACED, replace(DISPLACED, space_group="P 1 2 1")).is_better


def test_figures():
    assert GOOD.figures == "P 2 2 2: low-resolution Rmeas 0.050, mean square of mates 1.1 times that of repeats"
    assert replace(GOOD, r_meas=None, mates_ratio=None).figures == "P 2 2 2: low-resolution Rmeas unknown"


def test_high_r_meas_with_true_symmetry_is_explained():
    (decision,) = kept_symmetry(replace(GOOD, r_meas=0.2))
    assert decision.sentence == (
        "keep P 2 2 2: yes; Rmeas at low resolution is 0.200, but mates differ no more than repeated measurements do "
        "(1.1 times their mean square)"
    )
    assert "too few repeated" in kept_symmetry(replace(GOOD, r_meas=0.2, mates_ratio=None))[0].because
    assert kept_symmetry(GOOD) == kept_symmetry(replace(DENIED, r_meas=0.2)) == []


@pytest.mark.parametrize(
    ("ratio", "sigmas", "denied"), [(2.01, 5.01, True), (1.99, 50.0, False), (20.0, 4.99, False), (None, 50.0, False)]
)
def test_limits_of_denial_by_intensities(ratio, sigmas, denied):
    assert replace(GOOD, mates_ratio=ratio, mates_sigmas=sigmas).intensities_deny == denied


@pytest.mark.parametrize(("ratio", "denied"), [(1.49, False), (1.51, True), (None, False)])
def test_limits_of_denial_by_positions(ratio, denied):
    assert replace(GOOD, position_ratio=ratio).positions_deny == denied


@pytest.mark.parametrize(("r_meas", "is_better"), [(0.08 * 0.899, True), (0.08 * 0.901, False)])
def test_a_lower_group_has_a_tenth_less_r_meas(r_meas, is_better):
    assert lower_is_right(DENIED, replace(LOWER, r_meas=r_meas)).is_better == is_better


def test_a_cell_is_allowed_half_of_what_it_missed():
    step = SYMMETRY.next_step(history(replace(DISPLACED, delta=0.3)))
    assert step.changes == {"symmetry.max_delta": 0.15}


def test_positions_are_believed_before_intensities():
    step = SYMMETRY.next_step(history(replace(DENIED, position_ratio=2.8, delta=0.2)))
    assert "symmetry.max_delta" in step.changes
