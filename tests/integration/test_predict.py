from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_for_tests import crystal, experiment, rotation
from simulated import simulated_frames

from autoproc.geometry.reciprocal import ewald_angles, is_entering
from autoproc.geometry.rotation import rotation_matrix
from autoproc.integration.predict import MIN_ZETA, centring_allows, detector_d_min, predict
from autoproc.models.experiment import Goniometer, Scan


def brute_force(one, d_min):
    """Every hkl in a cube with both its crossings of a static crystal, within the scan and on the detector."""
    h = np.stack(np.meshgrid(*[np.arange(-17, 18)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    h = h[np.any(h != 0, axis=1)]
    h = h[np.linalg.norm(h @ one.crystal.A.T, axis=1) <= 1 / d_min]
    angles = ewald_angles(one.goniometer, one.beam, h @ one.crystal.A.T)
    first, last = one.scan.phi_at(np.array([0, one.scan.n_images]))
    found = set()
    for branch in (0, 1):
        phi = first + (angles[:, branch] - first) % (2 * np.pi)
        for row in np.flatnonzero(phi < last):
            found.add((*h[row].tolist(), round(float(phi[row]), 6)))
    return found


@settings(max_examples=8)
@given(seed=st.integers(0, 1000), start=st.floats(-400, 400))
def test_every_crossing_of_a_static_crystal_is_found(seed, start):
    one = experiment(crystal((30, 34, 41, 80, 95, 100), "P 1", seed), n_images=60, width=0.5)
    one = replace(one, scan=Scan((1, 60), (start, 0.5)))
    found = predict(one, d_min=2.5, n_threads=1)
    ours = {(*h, round(float(p), 6)) for h, p in zip(found.hkl.tolist(), found.phi, strict=True)}
    everything = {row[:3] for row in brute_force(one, 2.5)}
    assert {row[:3] for row in ours} <= everything
    # What is missing has no place on the detector or lies near the spindle.
    assert len(ours) > 0.3 * len(everything)
    assert len(ours) == len(found)


def test_predictions_lie_where_the_simulated_crystal_diffracts():
    sweep = simulated_frames()
    one = sweep.experiments()[0]
    found = predict(one, n_threads=1)
    seen = sweep.observations(1)
    complete = (seen.partiality > 0.99) & (seen.counts > 20)
    inside = np.all((seen.xyz[:, :2] > 3) & (seen.xyz[:, :2] < np.array(sweep.shape[::-1]) - 3), axis=1)
    table: dict[tuple[int, ...], list[np.ndarray]] = {}
    for h, xyz in zip(found.hkl.tolist(), found.xyz, strict=True):
        table.setdefault(tuple(h), []).append(xyz)
    missed, off = 0, []
    zeta = np.abs(1 / (seen.lorentz * np.sin(2 * np.arcsin(0.5 * sweep.params.wavelength / _d(one, seen.hkl)))))
    rows = np.flatnonzero(complete & inside & (zeta > 0.2))
    for row in rows:
        there = table.get(tuple(seen.hkl[row].tolist()))
        if there is None:
            missed += 1
        else:
            off.append(np.min(np.abs(np.array(there) - seen.xyz[row]).max(axis=1)))
    assert missed == 0
    assert len(rows) > 1000
    assert np.percentile(off, 95) < 0.15


def _d(one, hkl):
    return 1 / np.linalg.norm(hkl @ one.crystal.A.T, axis=1)


def test_a_crystal_that_varies_is_predicted_with_the_setting_of_each_image():
    made = crystal((50, 60, 70, 90, 90, 90), "P 1", 3)
    one = experiment(made, n_images=40, width=1.0)
    points = np.stack([made.A * (1 - 0.002 * i / 40) for i in range(41)])
    varying = replace(one, crystal=replace(made, A_at_scan_points=points))
    found = predict(varying, d_min=2.0, n_threads=2)
    length = np.linalg.norm(np.einsum("nij,nj->ni", varying.crystal.A_at(found.xyz[:, 2]), found.hkl), axis=1)
    np.testing.assert_allclose(found.d, 1 / length, rtol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(found.s1, axis=1), 1 / one.beam.wavelength, rtol=1e-9)


def test_order_limits_and_directions():
    one = experiment(crystal((40, 50, 60, 90, 90, 90), "P 1", 1), n_images=40, width=0.5)
    found = predict(one, d_min=2.2, padding=np.radians(1.0))
    assert (np.diff(found.xyz[:, 2]) >= 0).all()
    assert found.xyz[0, 2] < 0
    assert found.xyz[-1, 2] > 40
    assert found.d.min() >= 2.2
    assert np.abs(found.zeta).min() >= MIN_ZETA
    np.testing.assert_array_equal(found.entering, is_entering(one.goniometer, one.beam, found.s1))
    assert predict(one, d_min=0.1).d.min() >= detector_d_min(one)


def test_the_axes_inside_and_outside_the_scanned_one_count():
    one = experiment(crystal((40, 50, 60, 90, 90, 90), "P 1", 1), n_images=40, width=0.5)
    inside, outside = rotation(4), rotation_matrix(np.array([0.0, 1.0, 0.0]), 0.1)
    kappa = replace(one, goniometer=Goniometer(one.goniometer.axis, inside, outside))
    found = predict(kappa, d_min=2.2)
    assert len(found) > 500
    np.testing.assert_allclose(np.linalg.norm(found.s1, axis=1), 1 / one.beam.wavelength, rtol=1e-9)
    turned = replace(one, crystal=replace(one.crystal, A=inside @ one.crystal.A))
    same = predict(replace(turned, goniometer=Goniometer(one.goniometer.axis, np.eye(3), outside)), d_min=2.2)
    np.testing.assert_array_equal(found.hkl, same.hkl)
    np.testing.assert_allclose(found.xyz, same.xyz, atol=1e-6)


def test_a_sweep_of_two_turns_sees_everything_twice():
    made = crystal((30, 30, 30, 90, 90, 90), "P 1", 1)
    one = replace(experiment(made), scan=Scan((1, 360), (10.0, 1.0)))
    two = replace(experiment(made), scan=Scan((1, 720), (10.0, 1.0)))
    assert len(predict(two, d_min=3.0)) == 2 * len(predict(one, d_min=3.0))


@pytest.mark.parametrize(("group", "kept"), [("P 1", 7), ("C 1 2 1", 3), ("I 2 3", 3), ("F 2 2 2", 1)])
def test_only_centring_absences_are_left_out(group, kept):
    h = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1]])
    assert centring_allows(gemmi.SpaceGroup(group), h).sum() == kept
