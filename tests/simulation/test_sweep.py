from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simulated import simulated_frames

from autoproc.geometry.detector import px_from_s1
from autoproc.merging.groups import group_equivalents
from autoproc.models.experiment import Detector
from autoproc.simulation import demo_params, format_simulate, simulate, small_params

QUIET = {
    "absorption": 0.0, "volume_variation": 0.0, "cell_drift": 0.0, "wobble": 0.0, "flicker": 0.0,
    "observation_error": 0.0, "anomalous": 0.0, "beam_stop": 0.0, "hot_pixels": 0, "dead_pixels": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def quiet():
    return simulated_frames(**QUIET, sensor_thickness=0.0)


def whole(sweep, least_zeta=0.15):
    """Complete observations away from the spindle and the edges of the detector."""
    seen = sweep.observations(1)
    zeta = np.abs(1 / (seen.lorentz * np.sin(two_theta(sweep, seen.hkl))))
    edge = np.array(sweep.shape[::-1])
    inside = np.all((seen.xyz[:, :2] > 8) & (seen.xyz[:, :2] < edge - 8), axis=1)
    keep = (np.abs(seen.partiality - 1) < 0.005) & (zeta > least_zeta) & inside
    return type(seen)(*(getattr(seen, name)[keep] for name in type(seen).__slots__))


def two_theta(sweep, hkl):
    length = np.linalg.norm(hkl @ sweep.motion.B.T, axis=1)
    return 2 * np.arcsin(sweep.params.wavelength * length / 2)


def test_observations_lie_where_the_models_predict(quiet):
    seen = whole(quiet)
    assert len(seen.hkl) > 5000
    experiment = quiet.experiments()[0]
    phi = experiment.scan.phi_at(seen.xyz[:, 2])
    r = np.einsum(
        "nij,nj->ni", Rotation.from_rotvec(phi[:, None] * [1, 0, 0]).as_matrix() @ experiment.crystal.A, seen.hkl
    )
    s1 = r + experiment.beam.s0
    off = np.degrees(np.abs(np.linalg.norm(s1, axis=1) * experiment.beam.wavelength - 1))
    assert np.percentile(off, 99) < 0.01
    predicted = px_from_s1(experiment.detector[0], s1)
    assert np.percentile(np.abs(predicted - seen.xyz[:, :2]), 99) < 0.03


def test_counts_are_intensity_times_lorentz_and_polarization(quiet):
    seen = whole(quiet)
    table = {tuple(h): i for h, i in zip(quiet.lattices[0].hkl.tolist(), quiet.lattices[0].intensity, strict=True)}
    true = np.array([table[tuple(h)] for h in seen.hkl.tolist()])
    experiment = quiet.experiments()[0]
    turn = Rotation.from_rotvec(experiment.scan.phi_at(seen.xyz[:, 2])[:, None] * [1, 0, 0]).as_matrix()
    s1 = np.einsum("nij,nj->ni", turn @ experiment.crystal.A, seen.hkl) + experiment.beam.s0
    s1 /= np.linalg.norm(s1, axis=1)[:, None]
    p = experiment.beam.polarization_fraction
    polarized = (1 - 2 * p) * (1 - s1[:, 1] ** 2) + p * (1 + s1[:, 2] ** 2)
    lorentz = 1 / np.abs(np.cross(s1, [0.0, 0.0, -1.0])[:, 0])
    np.testing.assert_allclose(seen.polarization, polarized, rtol=1e-3)
    ratio = seen.counts / (true * lorentz * polarized)
    assert np.median(ratio) == pytest.approx(1.0, abs=1e-3)
    assert np.percentile(np.abs(ratio - 1), 95) < 0.01


def test_summed_pixels_are_the_expected_photons():
    sweep = simulated_frames(**QUIET, cell=(15.0, 17.0, 19.0, 90.0, 90.0, 90.0), d_min=1.7, solvent_ring=0.0)
    stack = np.stack([sweep.read(i) for i in range(sweep.n_frames)]).astype(float)
    background = sweep.background * sweep.beam_factor[:, None, None]
    seen = whole(sweep, least_zeta=0.4)
    x, y, z = np.floor(seen.xyz).astype(int).T
    order = np.lexsort((z, y, x))
    near = ((np.abs(seen.xyz[:, None, :2] - seen.xyz[None, :, :2]).max(axis=2) < 12)
            & (np.abs(seen.xyz[:, None, 2] - seen.xyz[None, :, 2]) < 5)).sum(axis=1)  # fmt: skip
    chosen = [i for i in order if near[i] == 1 and 4 <= z[i] < 56 and seen.counts[i] > 300]
    assert len(chosen) > 200
    pulls = []
    for i in chosen:
        box = np.s_[z[i] - 3 : z[i] + 4, y[i] - 5 : y[i] + 6, x[i] - 5 : x[i] + 6]
        net = stack[box].sum() - background[box].sum()
        pulls.append((net - seen.counts[i]) / np.sqrt(stack[box].sum()))
    assert abs(np.mean(pulls)) < 4 / np.sqrt(len(pulls)) + 0.05
    assert np.std(pulls) == pytest.approx(1.0, abs=0.25)


def test_pixels_are_poisson_about_the_expected_image(quiet):
    expected, counts = quiet.expected(30), quiet.read(30)
    dim = expected < 5
    assert counts[dim].mean() == pytest.approx(expected[dim].mean(), rel=0.02)
    assert ((counts[dim] - expected[dim]) ** 2 / expected[dim]).mean() == pytest.approx(1.0, abs=0.05)


def test_frames_depend_on_the_seed_only():
    first, second = simulate(small_params()), simulate(small_params())
    np.testing.assert_array_equal(first.read(7), second.read(7))
    assert not np.array_equal(first.read(7), first.read(8))
    assert not np.array_equal(first.read(7), simulate(small_params(seed=2)).read(7))


def test_the_same_structure_may_be_turned():
    one, other = simulate(small_params()), simulate(small_params(orientation_seed=9))
    np.testing.assert_array_equal(one.truth.plus, other.truth.plus)
    assert np.abs(one.motion.U - other.motion.U).max() > 0.1


def test_orientation_is_taken_as_given():
    turn = Rotation.from_rotvec([0.1, -0.4, 0.3]).as_matrix()
    sweep = simulate(small_params(orientation=tuple(turn.ravel())))
    np.testing.assert_allclose(sweep.motion.U[0], turn, atol=1e-12)


def test_wobble_and_drift_move_the_crystal_slowly():
    sweep = simulated_frames(wobble=0.1, cell_drift=0.01)
    crystal = sweep.experiments()[0].crystal
    start, end = crystal.A_at_scan_points[0], crystal.A_at_scan_points[-1]
    np.testing.assert_allclose(end @ np.linalg.inv(start), np.eye(3) / 1.01, atol=1e-9)  # whole periods of wobble
    turns = [Rotation.from_matrix(U @ sweep.motion.U[0].T).magnitude() for U in sweep.motion.U_at(0, np.arange(61))]
    assert 0.02 < np.degrees(max(turns)) <= 0.1001


def test_second_lattice_is_turned_and_weaker():
    sweep = simulated_frames(second_lattice=(3.0, -20.0, 60.0), second_intensity=0.4, observation_error=0.0)
    expected = Rotation.from_rotvec([3.0, -20.0, 60.0], degrees=True).as_matrix() @ sweep.motion.U[0]
    np.testing.assert_allclose(sweep.motion.U[1], expected, atol=1e-12)
    seen = sweep.observations(1)
    per_lattice = [seen.counts[seen.lattice == n].sum() for n in (0, 1)]
    assert per_lattice[1] / per_lattice[0] == pytest.approx(0.4, abs=0.1)
    assert len(sweep.experiments()) == 2


def test_damage_takes_high_resolution_first():
    fresh, damaged = simulated_frames(), simulated_frames(decay_b=40.0)
    a, b = fresh.observations(1), damaged.observations(1)
    np.testing.assert_array_equal(a.hkl, b.hkl)
    inverse_d2 = np.linalg.norm(a.hkl @ fresh.motion.B.T, axis=1) ** 2
    inside = (a.xyz[:, 2] > 1) & (a.xyz[:, 2] < 59)
    expected = np.exp(-0.5 * 40.0 * a.xyz[:, 2] / 60 * inverse_d2)
    ratio = (b.counts / a.counts / expected)[inside]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.01)
    assert np.percentile(np.abs(ratio - 1), 99) < 0.1


def test_absorption_has_the_strength_asked_for():
    plain, absorbed = simulated_frames(), simulated_frames(absorption=0.3)
    clear = simulated_frames(absorption=0.0)
    ratio = [np.log(s.observations(1).counts / clear.observations(1).counts) for s in (plain, absorbed)]
    np.testing.assert_allclose(ratio[1], 6 * ratio[0], rtol=0.02, atol=0.02)
    assert 0.05 < np.std(ratio[1]) < 0.6


def test_blank_images_have_no_beam():
    sweep = simulated_frames(blank_images=((10, 12), (20, 20)), first_image=5, hot_pixels=0)
    levels = np.array([sweep.read(i).clip(0).mean() for i in range(20)])
    assert np.flatnonzero(levels < 0.01).tolist() == [5, 6, 7, 15]
    assert len(sweep.spots(sweep.lattices[0], 5).counts) > 0
    assert sweep.spots(sweep.lattices[0], 5).counts.sum() == 0


def test_gaps_dead_and_hot_pixels_and_overloads():
    sweep = simulate(demo_params(n_images=3, saturation=1000, dead_pixels=7, hot_pixels=5))
    frame = sweep.read(1)
    assert np.all(frame[195:212] == -1)
    assert np.all(frame[407:424] == -1)
    assert np.count_nonzero(frame == -1) == 34 * 487
    assert np.count_nonzero(frame == -2) == 7
    np.testing.assert_array_equal(sweep.mask, frame >= 0)
    assert np.all(frame[tuple(sweep.hot)] > 1500)
    frame[tuple(sweep.hot)] = 0
    assert frame.max() == 1000
    assert np.sum(frame == 1000) > 5


def test_beam_stop_casts_its_shadow_and_arm():
    sweep = simulated_frames(beam_stop=2.0)
    x, y = (int(v) for v in -sweep.panel.origin[:2] * [1, -1] / 0.172)
    assert sweep.shadow[y, x] == pytest.approx(0.01)
    assert sweep.shadow[5, x] == pytest.approx(0.01)
    assert sweep.shadow[-5, x] == 1.0
    assert sweep.shadow[y, x + 20] == 1.0
    assert sweep.expected(0)[y, x] < 0.02


def test_ice_rings_and_spots_are_at_the_distances_of_ice():
    plain, icy = simulated_frames(), simulated_frames(ice=5.0)
    extra = icy.background - plain.background
    y, x = np.unravel_index(np.argmax(extra), extra.shape)
    panel = plain.panel
    ray = panel.origin + 0.172 * ((x + 0.5) * panel.fast_axis + (y + 0.5) * panel.slow_axis)
    s = np.linalg.norm(ray / np.linalg.norm(ray) - [0, 0, -1]) / plain.params.wavelength
    assert 1 / s == pytest.approx(3.897, abs=0.03)
    spotty = simulated_frames(ice_spots=10.0)
    assert spotty.expected(3).sum() - plain.expected(3).sum() > 1000


def test_a_still_is_one_orientation():
    sweep = simulate(small_params(width=0.0, n_images=2, flicker=0.0, wobble=0.0, cell_drift=0.0))
    np.testing.assert_allclose(sweep.expected(0), sweep.expected(1), rtol=1e-9)
    assert sweep.expected(0).max() > 50


def test_swung_detector_sees_higher_resolution():
    swung = simulate(small_params(two_theta=20.0))
    straight = simulated_frames()
    assert np.linalg.norm(swung.panel.origin) == pytest.approx(np.linalg.norm(straight.panel.origin))
    assert swung.panel.distance == pytest.approx(45.0)
    assert len(swung.observations(1).hkl) > 500
    header = swung.header_experiment().detector[0]
    np.testing.assert_allclose(header.origin, swung.panel.origin)


def test_headers_may_be_wrong():
    sweep = simulate(small_params(beam_centre=(120.0, 140.0), beam_centre_error=(2.0, -1.0), distance_error=0.5))
    panel = sweep.header_experiment().detector[0]
    np.testing.assert_allclose(panel.origin, [-122.0 * 0.172, 139.0 * 0.172, -45.5])
    np.testing.assert_allclose(sweep.panel.origin, [-120.0 * 0.172, 140.0 * 0.172, -45.0])


def test_rotation_axis_may_point_the_other_way():
    one, other = (
        simulated_frames(wobble=0.0, cell_drift=0.0),
        simulated_frames(rotation_axis=(-1.0, 0.0, 0.0), start=-60.0, wobble=0.0, cell_drift=0.0),
    )
    last = one.spots(one.lattices[0], 59)
    first = other.spots(other.lattices[0], 0)
    assert len(last.counts) == len(first.counts)
    np.testing.assert_allclose(np.sort(last.rays.s1[:, 0]), np.sort(first.rays.s1[:, 0]), atol=1e-9)


def test_tilt_is_about_the_beam_centre():
    sweep = simulate(small_params(detector_tilt=(1.0, 2.0), beam_centre=(100.0, 150.0)))
    panel = replace(sweep.panel, thickness=0.0)
    assert px_from_s1(Detector((panel,))[0], np.array([0.0, 0.0, -1.0])) == pytest.approx((100.0, 150.0))
    np.testing.assert_allclose(sweep.header_experiment().detector[0].fast_axis, [1.0, 0.0, 0.0])


def test_description_names_the_crystal():
    sweep = simulated_frames()
    text = format_simulate(sweep, sweep.observations(1))
    assert "P 21 21 21" in text
    assert "37 43 49 90 90 90" in text
    assert "60 images of 1 degrees" in text


def test_structural_damage_changes_each_reflection_by_its_own_amount():
    def last(**damage):
        sweep = simulated_frames(**QUIET, sensor_thickness=0.0, **damage)
        return whole(sweep), sweep

    (seen, _), (changed, sweep) = last(), last(structural_damage=0.3)
    assert len(seen.counts) == len(changed.counts)
    ratio, dose = changed.counts / seen.counts, seen.xyz[:, 2] / sweep.n_frames
    strong = seen.counts > np.median(seen.counts)
    spreads = [np.std(ratio[strong & here]) for here in (dose < 0.2, dose > 0.8)]
    assert spreads[1] > 3 * spreads[0] > 0
    np.testing.assert_array_equal(sweep.truth.plus, simulated_frames(**QUIET, sensor_thickness=0.0).truth.plus)


def test_damage_is_that_of_the_structure_in_every_equivalent():
    sweep = simulate(small_params(structural_damage=0.2))
    (lattice,) = sweep.lattices
    groups = group_equivalents(sweep.space_group, lattice.hkl)
    for change in lattice.change:
        assert np.ptp(change[groups.group == 5]) == 0
    assert np.all(lattice.change[1][groups.is_centric[groups.group]] == 0)
