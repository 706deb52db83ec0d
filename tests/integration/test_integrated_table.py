"""From what was predicted and measured to the table of integrated reflections, flag by flag."""

from __future__ import annotations

import numpy as np
import pytest
from models_for_tests import crystal, experiment
from numpy.testing import assert_allclose

from autoproc.geometry.corrections import lorentz_polarisation, sensor_efficiency
from autoproc.geometry.detector import s1_from_mm
from autoproc.geometry.reciprocal import in_mm
from autoproc.integration.passes import MeasuredReflections, _profiles
from autoproc.integration.predict import predict
from autoproc.integration.profiles import (
    GRID_SIZE,
    DetectorRegions,
    Equations,
    FittedProfiles,
    gaussian_coefficients,
    solve_profiles,
)
from autoproc.integration.table import integrated_table
from autoproc.kernels.integrate_background import Background
from autoproc.kernels.integrate_fit import Measurements
from autoproc.models.reflections import Flag, Reflections

ONE = experiment(crystal(seed=3))
PREDICTED = predict(ONE, d_min=4.0, n_threads=1)[np.arange(6)]
PROFILES = FittedProfiles(DetectorRegions((100, 100), 1), np.zeros(1), gaussian_coefficients()[None, None])
COLUMN = {name: n for n, name in enumerate(
    ("intensity_sum", "variance_sum", "intensity_prf", "variance_prf", "captured", "valid_fraction", "partiality",
     "n_foreground", "n_bad", "n_overloaded", "correlation", "background_sum",
     "background_variance")
)}  # fmt: skip
UNMEASURED = Flag.FAILED_DURING_SUMMATION | Flag.FAILED_DURING_PROFILE_FITTING
MEASURED = Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF


def table(
    row: int | None = None, known: int = 0, mean: float = 1.5, n_border: int = 200, **values: float
) -> Reflections:
    """Six good reflections, of which one has other values; `contested` and `reference` are marks.

    n_border : its background pixels, of which 200 are good
    """
    marks = {name: values.pop(name, 0.0) for name in ("contested", "reference")}
    measured = np.zeros((6, 17))
    measured[:, :13] = [900.0, 1000.0, 950.0, 980.0, 0.97, 1.0, 0.9, 60, 0, 0, 0.95, 90.0, 4.0]
    measured[:, 13:16] = PREDICTED.xyz + [0.1, -0.2, 0.3]
    measured[:, 16] = 55
    background = Background(np.full(6, 1.5), np.ones(6), np.full(6, 200, np.int32), np.full(6, 200, np.int32))
    contested, reference = np.zeros(6, bool), np.zeros(6, bool)
    if row is not None:
        for name, value in values.items():
            measured[row, COLUMN[name]] = value
        background.mean[row], background.n_pixels[row] = mean, n_border
        contested[row], reference[row] = marks["contested"], marks["reference"]
    bbox = np.tile([0, 9, 0, 9, 0, 3], (6, 1))
    return integrated_table(
        [ONE], PREDICTED, MeasuredReflections(Measurements(measured), background, reference, contested, PROFILES), bbox,
        np.full(6, known, np.uint64), 0.8,
    )  # fmt: skip


def flag(found: Reflections, row: int) -> Flag:
    return Flag(int(found["flags"][row]))


def test_good_reflections_are_summed_and_fitted():
    found = table(known=int(Flag.PREDICTED))
    assert [flag(found, n) for n in range(6)] == [Flag.PREDICTED | MEASURED] * 6
    values = {"intensity_sum": 900, "variance_sum": 1000, "intensity_prf": 950, "variance_prf": 980}
    for name, value in {**values, "profile_correlation": 0.95, "partiality": 0.9, "background_sum": 90}.items():
        assert_allclose(found[name], value)
    assert found.identifiers == {0: ONE.identifier}
    assert found["n_valid"].tolist() == [255] * 6
    assert found["partial_id"].tolist() == list(range(6))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"valid_fraction": 0.79}, Flag(0)),
        ({"n_overloaded": 1}, Flag.OVERLOADED),
        ({"mean": np.nan}, Flag.FAILED_DURING_BACKGROUND_MODELLING),
        ({"correlation": 0.24, "intensity_prf": 10.1 * np.sqrt(980)}, Flag(0)),
        ({"correlation": 0.3, "intensity_prf": 6 * np.sqrt(980), "contested": 1}, Flag.OVERLAPPED_FG),
    ],
    ids=["few good pixels", "overload", "no background", "alien", "a neighbour's photons"],
)
def test_what_cannot_be_trusted_is_not_measured_and_says_why(values, why):
    found = table(2, **values)
    assert flag(found, 2) == UNMEASURED | why
    assert [found[c][2] for c in ("intensity_sum", "intensity_prf", "profile_correlation")] == [0, 0, 0]
    assert [found[c][2] for c in ("variance_sum", "variance_prf")] == [-1, -1]
    assert [flag(found, n) for n in (0, 1, 3, 4, 5)] == [MEASURED] * 5
    assert np.isfinite(found["background_mean"]).all()


@pytest.mark.parametrize(
    ("values", "and_also"),
    [
        ({"valid_fraction": 0.8}, Flag(0)),
        ({"contested": 1}, Flag.OVERLAPPED_FG),
        ({"correlation": 0.24, "intensity_prf": 9.9 * np.sqrt(980)}, Flag(0)),
        ({"correlation": 0.25, "intensity_prf": 30 * np.sqrt(980)}, Flag(0)),
        ({"correlation": 0.3, "intensity_prf": 6 * np.sqrt(980)}, Flag(0)),
        ({"n_bad": 1}, Flag.FOREGROUND_INCLUDES_BAD_PIXELS),
        ({"n_border": 203}, Flag.BACKGROUND_INCLUDES_BAD_PIXELS),
        ({"reference": 1}, Flag.REFERENCE_SPOT | Flag.USED_IN_MODELLING),
    ],
)
def test_what_can_be_trusted_is_kept_with_its_marks(values, and_also):
    assert flag(table(4, **values), 4) == MEASURED | and_also


def test_summed_and_fitted_are_told_apart():
    assert flag(table(1, variance_sum=-1.0), 1) == Flag.INTEGRATED_PRF | Flag.FAILED_DURING_SUMMATION
    only_sum = table(1, variance_prf=-1.0)
    assert flag(only_sum, 1) == Flag.INTEGRATED_SUM | Flag.FAILED_DURING_PROFILE_FITTING
    assert (only_sum["intensity_sum"][1], only_sum["intensity_prf"][1]) == (900, 0)


def test_positions_are_in_pixels_and_mm_with_their_variances():
    found = table()
    panel = np.zeros(6, int)
    assert_allclose(found["xyz_cal_px"], PREDICTED.xyz)
    for kind in ("cal", "obs"):
        mm, size = in_mm(ONE, panel, found[f"xyz_{kind}_px"])
        assert_allclose(found[f"xyz_{kind}_mm"], mm, atol=1e-4)
    assert_allclose(found["xyz_obs_px"] - found["xyz_cal_px"], [[0.1, -0.2, 0.3]] * 6)
    # a twelfth of a pixel, and what an I/sigma of 900 / sqrt(1000) leaves of a spot's width of one
    assert_allclose(found["xyz_obs_px_variance"], 1 / 12 + 1000 / 900**2)
    assert_allclose(found["xyz_obs_mm_variance"], found["xyz_obs_px_variance"] * size**2)
    weak = table(0, intensity_sum=0.0)
    assert_allclose(weak["xyz_obs_px_variance"][0], 1 / 12 + 100)


def test_corrections_are_those_of_the_rays():
    found = table()
    assert_allclose(found["lp"], lorentz_polarisation(ONE.beam, ONE.goniometer, PREDICTED.s1))
    assert_allclose(found["qe"], sensor_efficiency(ONE.detector[0], PREDICTED.s1))
    np.testing.assert_array_equal(found["entering"], found["zeta"] < 0)


def test_a_lattice_does_not_borrow_the_spots_of_another():
    size = GRID_SIZE**2
    rng = np.random.default_rng(0)
    normal = np.stack([1e9 * np.eye(size)] * 4)
    shapes = gaussian_coefficients().ravel() * (1 + 0.3 * rng.uniform(size=(4, size)))
    window = [
        Equations(share * normal, np.einsum("rij,rj->ri", share * normal, shapes), np.array(n))
        for share, n in ((0.25, [1, 9, 1, 9]), (0.75, [1, 9, 1, 9]))
    ]
    found = _profiles(window, 2, 10)
    whole = Equations.sum_of(window)
    for first in (0, 2):
        own = Equations(*(getattr(whole, n)[first : first + 2] for n in ("normal", "right", "n_spots")))
        assert_allclose(found[first : first + 2], solve_profiles(own, 10))
    assert np.abs(found[0] - found[2]).max() > 1e-3


def test_rays_go_through_the_calculated_positions():
    """To the last digits, as DIALS checks them: with a thick sensor the way back from pixels is not so exact."""
    found = table()
    through = s1_from_mm(ONE.detector[0], ONE.beam, found["xyz_cal_mm"][:, :2])
    assert_allclose(found["s1"], through, atol=1e-12)
