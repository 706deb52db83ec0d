from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from integrated_for_tests import integrated, to_setting

from autoproc.errors import TooFewSpots
from autoproc.geometry.corrections import lorentz_polarisation
from autoproc.geometry.rotation import rotation_of_vector
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.models.space_group import primitive_basis
from autoproc.stages.bravais_settings import (
    BravaisParams,
    bravais_settings,
    format_bravais_settings,
    is_recommended,
)
from autoproc.symmetry.constrained_fit import SpotsToFit, fit_constrained, residuals_and_derivatives


def spots(group: str, cell: tuple[float, ...], noise_px: float = 0.1, seed: int = 0) -> tuple[Experiment, Reflections]:
    """Strong spots of a crystal, indexed in a primitive basis, with noise on their positions."""
    experiment, table = integrated(group, cell, d_min=4.0, n_images=60, seed=seed)
    experiment, table = to_setting(experiment, table, primitive_basis(experiment.crystal.space_group))
    noise = np.random.default_rng(seed).normal(size=(len(table), 3)) * np.array([0.2, 0.2, np.radians(1)]) * noise_px
    kept = table.without("intensity_prf", "variance_prf", "lp", "partiality")
    lp = lorentz_polarisation(experiment.beam, experiment.goniometer, kept["s1"])
    kept = kept.replace(
        xyz_obs_mm=kept["xyz_obs_mm"] + noise,
        flags=np.full(len(kept), int(Flag.INDEXED)),
        intensity_sum=kept["intensity_sum"] / lp,
        variance_sum=kept["variance_sum"] / lp**2,
    )
    return experiment, kept[kept["intensity_sum"] > 50]


def by_lattice(result) -> dict[str, list]:
    found: dict[str, list] = {}
    for row in result.rows:
        found.setdefault(row.lattice, []).append(row)
    return found


def test_every_lattice_of_a_cubic_crystal_fits_equally_well():
    experiment, table = spots("I 2 3", (78, 78, 78, 90, 90, 90))
    result = bravais_settings([experiment], table, BravaisParams())
    assert [row.number for row in result.rows] == list(range(22, 0, -1))
    assert all(row.is_recommended for row in result.rows)
    assert result.best.lattice == "cI"
    assert result.best.unit_cell == pytest.approx((78, 78, 78, 90, 90, 90), abs=0.02)
    assert np.ptp([row.rmsd for row in result.rows]) < 0.002
    assert result.rows[-1].rmsd == pytest.approx(0.2 * 0.1 * 2**0.5, rel=0.1)


def test_intensities_tell_a_pseudo_symmetric_lattice():
    """A monoclinic crystal with an orthorhombic metric: one two-fold is true."""
    experiment, table = spots("P 1 21 1", (30, 40, 50, 90, 90, 90))
    rows = by_lattice(bravais_settings([experiment], table, BravaisParams()))
    true = [row for row in rows["mP"] if row.min_cc > 0.8]
    assert len(true) == 1
    assert all(row.max_cc < 0.3 for row in rows["mP"] if row is not true[0])
    assert rows["oP"][0].min_cc < 0.3


def test_a_lattice_that_does_not_fit_is_not_recommended():
    experiment, table = spots("P 1 21 1", (30, 40, 50, 90, 93, 90))
    result = bravais_settings([experiment], table, BravaisParams())
    rows = by_lattice(result)
    assert result.best.lattice == "mP"
    assert result.best.unit_cell == pytest.approx((30, 40, 50, 90, 93, 90), abs=0.02)
    assert not rows["oP"][0].is_recommended
    assert rows["oP"][0].rmsd > 5 * rows["aP"][0].rmsd


def test_the_refined_crystals_obey_their_constraints():
    experiment, table = spots("P 43 21 2", (77.6, 77.6, 37.4, 90, 90, 90))
    best = bravais_settings([experiment], table, BravaisParams()).best
    crystal = best.experiments[0].crystal
    assert crystal.space_group.xhm() == "P 4 2 2"
    a, b, c, *angles = crystal.cell
    assert a == pytest.approx(b, abs=1e-9)
    assert (a, c) == pytest.approx((77.6, 37.4), abs=0.02)
    np.testing.assert_allclose(angles, 90, atol=1e-9)


def test_misindexed_spots_do_not_spoil_the_fit():
    experiment, table = spots("P 43 21 2", (77.6, 77.6, 37.4, 90, 90, 90))
    hkl = table["hkl"].copy()
    hkl[::20] += np.array([1, 0, 0], np.int32)
    best = bravais_settings([experiment], table.replace(hkl=hkl), BravaisParams()).best
    assert best.lattice == "tP"
    assert best.rmsd < 0.035


def test_too_few_spots_are_an_error():
    experiment, table = spots("P 1", (30, 40, 50, 80, 95, 102))
    with pytest.raises(TooFewSpots, match="7 spots"):
        bravais_settings([experiment], table[np.arange(7)], BravaisParams())


def test_table_is_that_of_the_tutorial():
    experiment, table = spots("P 43 21 2", (77.6, 77.6, 37.4, 90, 90, 90))
    text = format_bravais_settings(bravais_settings([experiment], table, BravaisParams()))
    assert "oP: P222 P2221 P21212 P212121" in text
    assert "tP: P4 P41 P42 P43 P422 P4212 P4122 P41212 P4222 P42212 P4322 P43212" in text
    assert "|   Solution |   Metric fit |   rmsd |" in text
    assert "|   *      9 |" in text
    assert "* = recommended solution" in text


@pytest.mark.parametrize(
    ("delta", "ratio", "cc", "expected"),
    [(0.1, 1.4, 0.2, True), (0.1, 1.6, 0.2, False), (0.1, 5.0, 0.9, True), (1.0, 1.9, 0.1, True),
     (1.0, 2.1, 0.6, False), (1.0, 2.9, 0.9, True), (1.0, 3.1, 0.9, False), (1.0, 2.1, None, True)],
)  # fmt: skip
def test_recommendation_weighs_fit_and_intensities(delta, ratio, cc, expected):
    experiment, table = spots("P 1", (30, 40, 50, 80, 95, 102))
    row = bravais_settings([experiment], table, BravaisParams()).best
    assert is_recommended(replace(row, metric_fit=delta, rmsd=ratio, min_cc=cc), 1.0) is expected


def test_gradient_is_that_of_finite_differences():
    experiment, table = spots("P 1", (30, 40, 50, 80, 95, 102), noise_px=0.0)
    A = experiment.crystal.A
    some = SpotsToFit(table["hkl"][:50], table["xyz_obs_mm"][:50], np.ones((50, 3)), table["panel"][:50])
    residuals, gradient = residuals_and_derivatives(experiment, A, some)
    np.testing.assert_allclose(residuals, 0, atol=1e-8)
    step = 1e-7 * np.random.default_rng(1).normal(size=(3, 3))
    moved, _ = residuals_and_derivatives(experiment, A + step, some)
    expected = -np.einsum("nij,nj->ni", gradient, some.hkl @ step.T)
    near = np.abs(expected).max(axis=1) < 0.1
    np.testing.assert_allclose(moved[near], expected[near], rtol=2e-2, atol=1e-6)


def test_a_misset_crystal_comes_back():
    experiment, table = spots("P 43 21 2", (77.6, 77.6, 37.4, 90, 90, 90))
    data = SpotsToFit(table["hkl"], table["xyz_obs_mm"], np.ones((len(table), 3)), table["panel"])
    truth = experiment.crystal.A
    misset = rotation_of_vector(np.radians([0.2, -0.1, 0.15])) @ truth @ np.diag([1.002, 1.002, 0.999])
    fit = fit_constrained(experiment, misset, data, np.eye(3, dtype=int)[None])
    np.testing.assert_allclose(fit.A, truth, atol=5e-6)
