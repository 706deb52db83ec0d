from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from integrated_for_tests import integrated

from autoproc.models.reflections import Flag
from autoproc.symmetry.corrected_observations import has_bad_pixels, observations_of

EXPERIMENT, TABLE = integrated("P 41", (40, 40, 50, 90, 90, 90), d_min=5.0, n_images=60)
N = len(TABLE)


def changed(column: str, row: int, value) -> np.ndarray:
    values = np.array(TABLE[column])
    values[row] = value
    return values


def left_out(table) -> list[int]:
    """Rows that are not among the observations, told by their intensities, which are made unique."""
    number = np.arange(1.0, N + 1)
    scale = {n: table[n] for n in ("intensity_sum", "intensity_prf") if n in table}
    bad = {n: ~np.isfinite(v) | (v < -1e5) for n, v in scale.items()}
    table = table.replace(**{n: np.where(bad[n], scale[n], 1e4 + number) for n in scale})
    table = table.replace(**{f"variance_{n[-3:]}": np.where(table[f"variance_{n[-3:]}"] > 0, 1e4, 0.0) for n in scale})
    table = table.replace(lp=np.ones(N), qe=np.ones(N))
    found = observations_of([EXPERIMENT], table).intensity - 1e4
    return sorted(set(range(N)) - set((np.rint(found) - 1).astype(int).tolist()))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("hkl", [0, 0, 0]),
        ("experiment_id", -1),
        ("partiality", 0.39),
        ("flags", int(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF | Flag.OVERLOADED)),
        ("flags", int(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF | Flag.DONT_INTEGRATE)),
        ("variance_prf", 0.0),
    ],
)
def test_what_is_not_usable_is_left_out(column, value):
    assert "intensity_prf" in TABLE
    assert left_out(TABLE) == []
    assert left_out(TABLE.replace(**{column: changed(column, 5, value)})) == [5]


def test_profiles_are_taken_where_most_have_one_and_sums_elsewhere():
    lp = TABLE["lp"] / TABLE["qe"] if "qe" in TABLE else TABLE["lp"]
    few = np.arange(N) % 3 == 0
    flags = np.where(few, TABLE["flags"], TABLE["flags"] & ~np.uint64(Flag.INTEGRATED_PRF))
    table = TABLE.without("partiality").replace(intensity_sum=3 * TABLE["intensity_prf"])  # none look bad without it
    table = table.replace(variance_prf=np.full(N, 1e8), variance_sum=np.full(N, 1e8))
    whole, summed = (observations_of([EXPERIMENT], t) for t in (table, table.replace(flags=flags)))
    np.testing.assert_allclose(whole.intensity, TABLE["intensity_prf"] * lp)
    np.testing.assert_allclose(summed.intensity, 3 * whole.intensity)


def test_resolution_and_direction_are_those_of_the_crystal():
    found = observations_of([EXPERIMENT], TABLE)
    d = EXPERIMENT.crystal.unit_cell.calculate_d_array(found.hkl)
    np.testing.assert_allclose(found.s2, d**-2.0, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found.direction, axis=1), 1.0)
    # The scattering vector h in the crystal's frame is the outgoing less the incoming unit vector, over lambda.
    q = found.hkl @ EXPERIMENT.crystal.A.T * EXPERIMENT.beam.wavelength
    np.testing.assert_allclose(np.linalg.norm(found.direction - q, axis=1), 1.0, atol=1e-6)


def test_experiments_without_crystals_have_no_observations():
    bare = replace(EXPERIMENT, crystal=None)
    numbers = np.arange(N) % 2
    found = observations_of([EXPERIMENT, bare], TABLE.replace(experiment_id=numbers))
    assert set(found.experiment.tolist()) == {0}
    assert len(found) == np.count_nonzero(numbers == 0)


def test_reindexing_changes_the_indices_of_its_experiment_alone():
    both = replace(observations_of([EXPERIMENT], TABLE), experiment=np.arange(N) % 2)
    matrix = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
    turned = both.reindexed({1: matrix})
    np.testing.assert_array_equal(turned.hkl[::2], both.hkl[::2])
    np.testing.assert_array_equal(turned.hkl[1::2], both.hkl[1::2] @ matrix.T)


@pytest.mark.parametrize(("difference", "is_bad"), [(6.1, True), (5.9, False)])
def test_profile_and_sum_that_differ_are_bad_pixels(difference, is_bad):
    """Beyond 6 standard uncertainties of the difference, where that is more than 30% of the sum."""
    one = np.ones(N)
    table = TABLE.replace(
        intensity_prf=(10.0 + difference * 5.0) * one, intensity_sum=10.0 * one, variance_prf=9.0 * one,
        variance_sum=16.0 * one, partiality=one,
    )  # fmt: skip
    assert has_bad_pixels(table, table["intensity_prf"], table["variance_prf"]).all() == is_bad
    strong = table.replace(intensity_sum=1000.0 * one, intensity_prf=(1000.0 + difference * 5.0) * one)
    assert not has_bad_pixels(strong, strong["intensity_prf"], strong["variance_prf"]).any()


@pytest.mark.parametrize(
    ("correlation", "i_over_sigma", "is_bad"), [(0.49, 10.1, True), (0.51, 10.1, False), (0.49, 9.9, False)]
)
def test_strong_reflections_must_look_like_spots(correlation, i_over_sigma, is_bad):
    table = TABLE.without("partiality").replace(profile_correlation=np.full(N, correlation))
    bad = has_bad_pixels(table, np.full(N, i_over_sigma * 3.0), np.full(N, 9.0))
    assert bad.all() == bad.any() == is_bad
