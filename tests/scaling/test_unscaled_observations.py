from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scaled_for_tests import Recipe, Synthetic, synthetic

from autoproc.errors import NoReflections
from autoproc.models.reflections import Flag, Reflections
from autoproc.scaling.unscaled_observations import (
    MIN_RELATIVE_VARIANCE,
    UnscaledObservations,
    corrected_intensities,
    is_usable,
    observations_for_scaling,
)


@pytest.fixture(scope="module")
def made() -> Synthetic:
    return synthetic(Recipe(n_observations=400))


def observed(made: Synthetic, table: Reflections, **limits) -> UnscaledObservations:
    given = {"min_partiality": 0.4, "min_i_over_sigma": -5.0, "d_min": None, "d_max": None} | limits
    return observations_for_scaling([made.experiment], table, **given)


def test_corrections_by_hand(made):
    """I_prf LP / QE, and I_sum LP / QE / partiality; variances with the squares of the same."""
    table = made.reflections[:3].replace(
        intensity_prf=np.full(3, 100.0), variance_prf=np.full(3, 120.0), intensity_sum=np.full(3, 90.0),
        variance_sum=np.full(3, 110.0), lp=np.array([0.5, 2.0, 1.0]), qe=np.array([0.8, 1.0, 0.9]),
        partiality=np.array([1.0, 0.5, 0.9]),
    )  # fmt: skip
    profile, summation, raw, correction = corrected_intensities(table)
    c, p = np.array([0.625, 2.0, 1 / 0.9]), np.array([1.0, 0.5, 0.9])
    np.testing.assert_allclose(correction, c)
    np.testing.assert_allclose(raw, 90.0 / p)
    np.testing.assert_allclose(profile.value, 100.0 * c)
    np.testing.assert_allclose(profile.variance, 120.0 * c**2)
    np.testing.assert_allclose(summation.value, 90.0 * c / p)
    np.testing.assert_allclose(summation.variance, 110.0 * (c / p) ** 2)


def test_columns_that_are_missing_correct_nothing(made):
    table = made.reflections.without("lp", "qe", "partiality", "intensity_prf", "variance_prf")
    profile, summation, raw, correction = corrected_intensities(table)
    assert np.isnan(profile.value).all()
    np.testing.assert_array_equal(summation.value, table["intensity_sum"])
    np.testing.assert_array_equal(raw, table["intensity_sum"])
    assert (correction == 1).all()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("flags", int(Flag.INTEGRATED_SUM)),
        ("intensity_prf", np.nan),
        ("variance_prf", 0.0),
        ("variance_prf", -1.0),
        ("qe", 0.0),
        ("lp", 0.0),
        ("lp", np.nan),
    ],
)
def test_estimates_that_failed_are_nan(made, column, value):
    values = made.reflections[column].copy()
    values[5] = value
    profile = corrected_intensities(made.reflections.replace(**{column: values}))[0]
    assert np.flatnonzero(np.isnan(profile.value)).tolist() == [5]
    assert np.isnan(profile.variance[5])


@pytest.mark.parametrize(("part", "is_nonsense"), [(0.09, True), (0.11, False)])
def test_a_variance_below_what_counting_allows_is_nonsense(made, part, is_nonsense):
    value, variance = made.reflections["intensity_prf"].copy(), made.reflections["variance_prf"].copy()
    value[5], variance[5] = 1e4, part * 1e4
    profile = corrected_intensities(made.reflections.replace(intensity_prf=value, variance_prf=variance))[0]
    assert np.isnan(profile.value[5]) == is_nonsense


@pytest.mark.parametrize(("part", "is_nonsense"), [(0.9, True), (1.2, False)])
def test_so_is_one_next_to_nothing_beside_the_others(made, part, is_nonsense):
    value, variance = made.reflections["intensity_prf"].copy(), made.reflections["variance_prf"].copy()
    value[5], variance[5] = 0.0, part * MIN_RELATIVE_VARIANCE * np.median(variance)
    profile = corrected_intensities(made.reflections.replace(intensity_prf=value, variance_prf=variance))[0]
    assert np.isnan(profile.value[5]) == is_nonsense


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("hkl", [0, 0, 0]),
        ("experiment_id", -1),
        ("experiment_id", 1),
        ("partiality", 0.39),
        *[
            ("flags", int(Flag.INTEGRATED_SUM | f))
            for f in (Flag.OVERLOADED, Flag.USER_EXCLUDED_IN_SCALING, Flag.DONT_INTEGRATE)
        ],
    ],
)
def test_what_is_not_usable(made, column, value):
    values = made.reflections[column].copy()
    values[7] = value
    usable = is_usable([made.experiment], made.reflections.replace(**{column: values}), 0.4)
    assert np.flatnonzero(~usable).tolist() == [7]


def test_a_reflection_of_a_sweep_without_a_crystal_is_not_usable(made):
    bare = replace(made.experiment, crystal=None)
    numbers = np.arange(400) % 2
    usable = is_usable([made.experiment, bare], made.reflections.replace(experiment_id=numbers), 0.4)
    np.testing.assert_array_equal(usable, numbers == 0)


def test_one_estimate_that_is_not_hopelessly_negative_is_enough(made):
    columns = {
        n: made.reflections[n].copy() for n in ("intensity_prf", "variance_prf", "intensity_sum", "variance_sum")
    }
    for row, (profile, summation) in enumerate([(-5.1, -5.1), (-5.1, -4.9), (-4.9, -5.1)]):
        columns["intensity_prf"][row], columns["intensity_sum"][row] = 10 * profile, 10 * summation
        columns["variance_prf"][row] = columns["variance_sum"][row] = 100.0
    found = observed(made, made.reflections.replace(**columns))
    assert sorted({0, 1, 2} - set(found.row.tolist())) == [0]


def test_limits_of_resolution_hold_their_ends(made):
    d = np.sort(np.asarray(made.experiment.crystal.unit_cell.calculate_d_array(made.reflections["hkl"])))
    found = observed(made, made.reflections, d_min=float(d[50]), d_max=float(d[300]))
    assert found.d.min() == d[50]
    assert found.d.max() == d[300]
    np.testing.assert_array_equal(found.at.d, found.d)


def test_nothing_left_names_the_limits(made):
    with pytest.raises(NoReflections, match=r"400 given.*between infinity and 60"):
        observed(made, made.reflections, d_min=60.0)


def test_each_row_keeps_what_belongs_to_it(made):
    random = np.random.default_rng(0)
    table = made.reflections.replace(
        background_variance=np.where(np.arange(400) == 3, np.nan, np.arange(400.0)),
        panel=np.arange(400) % 3, imageset_id=np.arange(400) // 200, partiality=random.uniform(0.3, 1, 400),
    )  # fmt: skip
    found = observed(made, table)
    row = found.row
    assert np.array_equal(row, np.flatnonzero(table["partiality"] >= 0.4))
    np.testing.assert_array_equal(found.at.frame, table["xyz_obs_px"][row, 2])
    np.testing.assert_array_equal(found.position, table["xyz_cal_px"][row])
    np.testing.assert_array_equal(found.at.s1, table["s1"][row])
    np.testing.assert_array_equal(found.partiality, table["partiality"][row])
    np.testing.assert_array_equal(found.background, np.where(row == 3, 0.0, row))
    _, sweep_and_panel = np.unique(np.stack([row // 200, row % 3]), axis=1, return_inverse=True)
    assert len(set(zip(found.place.tolist(), sweep_and_panel.ravel().tolist(), strict=True))) == 6
    np.testing.assert_allclose(found.group_d[found.groups.group], found.d)


def test_span_is_that_of_the_shoebox_and_holds_the_centre(made):
    box = np.zeros((400, 6), int)
    frame = made.reflections["xyz_cal_px"][:, 2].astype(int)
    box[:, 4], box[:, 5] = frame - 2, frame + 3
    box[9, 4:] = frame[9] + 5, frame[9] - 5  # nonsense
    span = observed(made, made.reflections.replace(bbox=box)).span
    expected = np.column_stack([np.maximum(frame - 2, 0), frame + 3])
    expected[9] = frame[9], frame[9] + 1
    np.testing.assert_array_equal(span, expected)
    np.testing.assert_array_equal(observed(made, made.reflections).span, np.column_stack([frame, frame + 1]))
