"""The models under refinement: what their parameters do."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from refinement_case import experiment, flat_detector
from scipy.spatial.transform import Rotation

from autoproc.geometry.constraints import strain_basis
from autoproc.models.crystal import b_matrix, cell_from_real_matrix
from autoproc.models.experiment import Beam
from autoproc.models.space_group import rotations_of
from autoproc.refinement.gradients import IndexedSpots, predicted_spots
from autoproc.refinement.model import (
    CrystalModel,
    beam_turning_axes,
    detector_axes,
    detector_centre,
    turned_beam,
)
from autoproc.refinement.spline_smoother import SplineSmoother

CELLS = {
    "P 1": (31, 42, 53, 83, 97, 104), "P 1 21 1": (31, 42, 53, 90, 104, 90), "P 43 21 2": (77, 77, 38, 90, 90, 90),
    "I 2 3": (78, 78, 78, 90, 90, 90),
}  # fmt: skip
U = Rotation.from_rotvec([0.3, -0.7, 1.1]).as_matrix()


def crystal_model(group: str, cell: tuple[float, ...], n_intervals: int, seed: int = 1) -> CrystalModel:
    """Away from its starting point in all its coefficients."""
    rng, smoother = np.random.default_rng(seed), SplineSmoother(100, n_intervals)
    strains = strain_basis(b_matrix(cell), rotations_of(gemmi.SpaceGroup(group)))
    n = smoother.n_coefficients
    return CrystalModel(
        U, b_matrix(cell), strains, smoother, rng.normal(0, 0.02, (n, 3)), rng.normal(0, 0.004, (n, len(strains)))
    )


@pytest.mark.parametrize("n_intervals", [0, 1, 4])
@pytest.mark.parametrize(("group", "cell"), CELLS.items())
def test_reciprocal_vectors_are_those_of_the_setting_at_each_frame(group: str, cell: tuple, n_intervals: int) -> None:
    model = crystal_model(group, cell, n_intervals)
    rng = np.random.default_rng(3)
    hkl, frame = rng.integers(-9, 10, (200, 3)).astype(float), rng.uniform(0, 100, 200)
    expected = np.einsum("nij,nj->ni", model.A_at(frame), hkl)
    observed = IndexedSpots(hkl, np.zeros(200, int), np.zeros((200, 3)), frame, np.ones((200, 3)), np.ones(200, bool))
    made = experiment()
    predicted = predicted_spots(observed, made.beam, made.detector, made.goniometer, model)
    np.testing.assert_allclose(predicted.q, expected, rtol=1e-10, atol=1e-12)


def test_coefficients_of_nothing_leave_the_crystal_as_it_is() -> None:
    model = crystal_model("P 1", (31, 42, 53, 83, 97, 104), 3)
    model = replace(model, omega=0 * model.omega, strain=0 * model.strain)
    np.testing.assert_allclose(model.A_at(np.array([0.0, 37.0, 100.0])), [U @ model.B] * 3, atol=1e-14)


@pytest.mark.parametrize(("group", "free"), [("P 1", 6), ("P 1 21 1", 4), ("P 43 21 2", 2), ("I 2 3", 1)])
def test_strains_keep_the_symmetry_of_the_cell(group: str, free: int) -> None:
    model = crystal_model(group, CELLS[group], 2)
    assert len(model.strains) == free
    for A in model.A_at(np.linspace(0, 100, 7)):
        strained = gemmi.UnitCell(*cell_from_real_matrix(np.linalg.inv(A)))
        assert strained.is_compatible_with_spacegroup(gemmi.SpaceGroup(group))


def test_a_strain_of_one_percent_shortens_the_cell_by_it() -> None:
    """E stretches reciprocal space: (1 + E) B."""
    model = crystal_model("I 2 3", (78.0,) * 3 + (90.0,) * 3, 0)
    size = np.trace(model.strains[0]) / 3
    model = replace(model, strain=np.array([[0.01 / size]]))
    cell = cell_from_real_matrix(np.linalg.inv(model.A_at(np.zeros(1))[0]))
    assert cell[0] == pytest.approx(78.0 / 1.01)


def test_the_mean_over_the_scan_is_the_curves_mean() -> None:
    model = crystal_model("P 1", (31, 42, 53, 83, 97, 104), 5)
    mean = model.mean_weights() @ model.omega
    np.testing.assert_allclose(mean, model.omega_at(np.linspace(0, 100, 101)).mean(axis=0), atol=1e-12)
    assert model.mean_weights().sum() == pytest.approx(1)


def test_the_strain_basis_in_voigts_order_says_the_same() -> None:
    model = crystal_model("P 1", (31, 42, 53, 83, 97, 104), 0)
    for n, strain in enumerate(model.strains):
        xx, yy, zz, yz, xz, xy = model.voigt[:, n]
        np.testing.assert_allclose(strain, [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]], atol=1e-14)


def test_the_detectors_motions_are_about_its_middle_and_along_its_axes() -> None:
    single, double = flat_detector(), flat_detector(n_panels=2)
    panel = single[0]
    middle = panel.origin + 0.5 * (500 * 0.172 * panel.fast_axis + 600 * 0.172 * panel.slow_axis)
    np.testing.assert_allclose(detector_centre(single), middle)
    np.testing.assert_allclose(detector_centre(double)[:2], middle[:2], atol=1e-9)
    np.testing.assert_allclose(detector_axes(double) @ detector_axes(double).T, np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(detector_axes(single)[0], panel.fast_axis)


@settings(max_examples=30)
@given(arrays(float, 3, elements=st.floats(-1, 1)))
def test_a_beam_turns_with_its_polarisation(rotation: np.ndarray) -> None:
    beam = turned_beam(Beam(0.98), rotation)
    assert np.linalg.norm(beam.direction) == pytest.approx(1)
    assert beam.direction @ beam.polarization_normal == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(beam.direction, Rotation.from_rotvec(rotation).apply([0, 0, 1]), atol=1e-9)


def test_the_beam_turns_within_the_plane_of_spindle_and_beam_first() -> None:
    beam, spindle = experiment().beam, np.array([1.0, 0.0, 0.0])
    within, out = beam_turning_axes(beam, spindle)
    moved = turned_beam(beam, 0.01 * within).direction
    assert abs(moved @ spindle) > 0.009
    assert abs(moved @ np.cross(spindle, beam.direction)) < 1e-12
    assert abs(turned_beam(beam, 0.01 * out).direction @ spindle) < 1e-12
