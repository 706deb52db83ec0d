from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from refinement_case import U, experiment, flat_detector, kappa_goniometer, spots

from autoproc.errors import RefinementFailed, TooFewToRefine
from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.geometry.detector import beam_centre_px
from autoproc.geometry.placement import moved_rigidly
from autoproc.geometry.reciprocal import map_to_reciprocal_space
from autoproc.geometry.rotation import rotation_matrix
from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.refinement.by_image import crystal_by_image, rmsd_by_image
from autoproc.refinement.model import detector_centre
from autoproc.stages.refine import RefineParams, format_refine, refine

STATIC = RefineParams(scan_varying=False)
TETRAGONAL = {"cell": (77.0, 77.0, 38.0, 90.0, 90.0, 90.0), "group": "P 41 21 2"}


def spoilt(truth: Experiment, turn: float = 0.3, stretch: float = 1.004, shift: float = 0.6) -> Experiment:
    """The experiment as indexing might find it: orientation, cell, beam centre and distance are off."""
    centre = detector_centre(truth.detector)
    detector = moved_rigidly(truth.detector, np.array([shift, -shift, -1.5 * shift, 0.001, -0.001, 0.003]), centre)
    A = rotation_matrix(np.array([0.6, 0.0, 0.8]), np.radians(turn)) @ truth.crystal.A / stretch
    return replace(truth, detector=detector, crystal=Crystal(A, truth.crystal.space_group))


def misorientation(a: np.ndarray, b: np.ndarray) -> float:
    """Degrees between two settings."""
    left, _, right = np.linalg.svd(a @ np.linalg.inv(b))
    return float(np.degrees(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1))))


def wobbling(n_images: int = 120, **models: object) -> Experiment:
    """A crystal that turns by 0.05 degree back and forth about x and z and grows by 0.2%."""
    truth = experiment(n_images=n_images, **models)
    t = np.linspace(0, 1, n_images + 1)
    angle = np.radians(0.05) * np.sin(2 * np.pi * t)
    turns = rotation_matrix(np.array([0.6, 0.0, 0.8]), angle)
    A = turns @ truth.crystal.A / (1 + 0.002 * t)[:, None, None]
    return replace(truth, crystal=replace(truth.crystal, A_at_scan_points=A))


@pytest.mark.parametrize(
    "models",
    [
        {},
        {"goniometer": kappa_goniometer()},
        {"detector": flat_detector(n_panels=2)},
        TETRAGONAL,
        {"cell": (64.0,) * 3 + (90.0,) * 3, "group": "I 21 3"},
    ],
    ids=["triclinic", "kappa", "two panels", "tetragonal", "cubic"],
)
def test_static_refinement_finds_the_truth(models):
    truth = experiment(**models)
    result = refine([spoilt(truth)], spots(truth), STATIC)
    found = result.experiments[0]
    assert result.initial[0].x_px > 3
    rmsd = result.rmsds[0]
    np.testing.assert_allclose([rmsd.x_px, rmsd.y_px, rmsd.z_images], [0.1, 0.1, 0.15], rtol=0.1)
    np.testing.assert_allclose(found.crystal.cell, truth.crystal.cell, rtol=3e-4)
    assert found.detector[0].distance == pytest.approx(150, abs=0.05)
    # only the position of the detector relative to beam and spindle can be seen
    np.testing.assert_allclose(
        beam_centre_px(found.detector, found.beam), beam_centre_px(truth.detector, truth.beam), atol=0.3
    )
    assert misorientation(found.crystal.A, truth.crystal.A) < 0.1


def test_without_noise_the_predictions_are_exact():
    truth = experiment()
    result = refine([spoilt(truth)], spots(truth, noise=0.0, n=800), RefineParams(scan_varying=False, outliers="none"))
    rmsd = result.rmsds[0]
    assert max(rmsd.x_px, rmsd.y_px, rmsd.z_images) < 1e-3


def test_symmetry_constrains_the_cell_and_its_uncertainties():
    truth = experiment(**TETRAGONAL)
    found = refine([spoilt(truth)], spots(truth), STATIC).experiments[0].crystal
    a, b, _, *angles = found.cell
    assert a == pytest.approx(b, abs=1e-9)
    np.testing.assert_allclose(angles, 90, atol=1e-9)
    assert found.cell_esd[0] == pytest.approx(found.cell_esd[1], rel=1e-6)
    assert found.cell_esd[3:] == (0, 0, 0)


def test_uncertainties_cover_the_errors():
    truth = experiment()
    deviates = []
    for seed in range(8):
        crystal = refine([truth], spots(truth, seed, n=600), STATIC).experiments[0].crystal
        deviates.append((np.array(crystal.cell) - truth.crystal.cell) / crystal.cell_esd)
    assert 0.6 < np.sqrt(np.mean(np.square(deviates))) < 1.6


def test_B_covariance_gives_the_same_uncertainties_as_dials_derives():
    truth = experiment()
    crystal = refine([truth], spots(truth, n=1000), STATIC).experiments[0].crystal
    # a* = |B's first column|: its variance from the covariance of B against numeric cell uncertainty of a*
    assert crystal.B_covariance.shape == (9, 9)
    B = crystal.B.ravel()
    draws = np.random.default_rng(0).multivariate_normal(
        B, crystal.B_covariance, 400, check_valid="ignore", method="eigh"
    )
    lengths = [gemmi.UnitCell(*Crystal(d.reshape(3, 3)).cell).a for d in draws]
    assert np.std(lengths) == pytest.approx(crystal.cell_esd[0], rel=0.2)


def test_variation_over_the_scan_is_followed():
    truth = wobbling()
    result = refine([spoilt(truth, turn=0.1)], spots(truth, n=12000), RefineParams())
    assert len(result.rounds) == 2
    assert result.rounds[1].interval_widths[0] <= 30
    static, varying = (r.rmsds[0] for r in result.rounds)
    assert varying.z_images < static.z_images
    assert (varying.x_px, varying.y_px) == (pytest.approx(0.1, rel=0.1), pytest.approx(0.1, rel=0.1))
    crystal = result.experiments[0].crystal
    assert crystal.A_at_scan_points.shape == (121, 3, 3)
    curve = crystal_by_image(result.experiments[0])
    expected = 0.05 * np.sin(2 * np.pi * curve.frame / 120)
    error = curve.rotation[:, 0] - 0.6 * expected
    assert np.std(error) < 0.01
    growth = curve.cell[:, 0] / curve.cell[0, 0] - 1
    np.testing.assert_allclose(growth, 0.002 * curve.frame / 120, atol=3e-4)


def test_steady_crystal_stays_static():
    truth = experiment()
    result = refine([truth], spots(truth), RefineParams())
    assert len(result.rounds) == 1
    assert result.experiments[0].crystal.A_at_scan_points is None


def test_scan_varying_on_request_and_narrow_sweeps():
    truth = experiment()
    result = refine([truth], spots(truth), RefineParams(scan_varying=True, interval_width=20))
    assert result.rounds[1].interval_widths == (20.0,)
    assert result.experiments[0].crystal.n_scan_points == 121
    narrow = experiment(n_images=8)
    assert len(refine([narrow], spots(narrow, n=800), RefineParams()).rounds) == 1


def test_too_few_spots_for_variation_is_said():
    truth = experiment()
    result = refine([truth], spots(truth, n=80), RefineParams(scan_varying=True))
    assert len(result.rounds) == 1
    assert "kept static" in result.warnings[-1]


def test_blank_part_of_a_sweep_is_bridged():
    truth = wobbling()
    seen = spots(truth, n=12000)
    seen = seen[(seen["xyz_obs_px"][:, 2] < 40) | (seen["xyz_obs_px"][:, 2] > 60)]
    result = refine([truth], seen, RefineParams(interval_width=6))
    error = [misorientation(a, b) for a, b in zip(result.experiments[0].crystal.A_at_scan_points,
                                                  truth.crystal.A_at_scan_points, strict=True)]  # fmt: skip
    assert max(error) < 0.15


@pytest.mark.parametrize(("algorithm", "n_wrong"), [("mcd", 900), ("tukey", 300)])
def test_outliers_are_rejected_and_flagged(algorithm, n_wrong):
    truth = experiment()
    good = spots(truth)
    wrong = good["hkl"].copy()
    wrong[:n_wrong, 0] += 1
    params = RefineParams(scan_varying=False, outliers=algorithm)
    result = refine([spoilt(truth)], good.replace(hkl=wrong), params)
    table = result.reflections
    outlier, used = table.has_flag(Flag.CENTROID_OUTLIER), table.has_flag(Flag.USED_IN_REFINEMENT)
    assert used[:n_wrong].mean() < 0.01
    assert outlier[n_wrong:].mean() < 0.06
    assert not np.any(outlier & used)
    np.testing.assert_allclose(result.experiments[0].crystal.cell, truth.crystal.cell, rtol=5e-4)


def test_spots_of_another_lattice_do_not_pull():
    """A third of the spots belong to another crystal and were given the nearest wrong indices."""
    truth = experiment()
    turned = replace(truth, crystal=Crystal(rotation_matrix(np.array([0, 0.6, 0.8]), 0.5) @ truth.crystal.A))
    other = map_to_reciprocal_space(truth, spots(turned, 1, n=1200))
    nearest = np.round(other["rlp"] @ np.linalg.inv(truth.crystal.A).T).astype(np.int32)
    mixed = Reflections.concatenate([spots(truth, n=2000), other.replace(hkl=nearest)])
    found = refine([spoilt(truth)], mixed, STATIC).experiments[0].crystal
    np.testing.assert_allclose(found.cell, truth.crystal.cell, rtol=5e-4)


def test_lattices_of_one_sweep_share_beam_and_detector():
    first = experiment()
    U2 = rotation_matrix(np.array([0.0, 0.8, 0.6]), 2.0) @ U
    second = replace(first, crystal=Crystal(U2 @ b_matrix(first.crystal.cell)), identifier="b")
    off = spoilt(first)
    start = [off, replace(off, crystal=Crystal(spoilt(second).crystal.A), identifier="b")]
    table = Reflections.concatenate([spots(first, n=1500), spots(second, 1, n=900, experiment_id=1)])
    result = refine(start, table, STATIC)
    one, two = result.experiments
    assert one.detector is two.detector
    assert one.beam is two.beam
    assert one.crystal is not two.crystal
    for found in result.experiments:
        np.testing.assert_allclose(found.crystal.cell, first.crystal.cell, rtol=5e-4)
    assert [r.n for r in result.rmsds] == [pytest.approx(1500, rel=0.1), pytest.approx(900, rel=0.1)]


def test_one_crystal_on_two_sweeps_stays_one_while_static():
    first = experiment()
    second = replace(
        first, goniometer=kappa_goniometer(), scan=replace(first.scan, oscillation=(60.0, 0.5)), identifier="b"
    )
    table = Reflections.concatenate([spots(first, n=900), spots(second, 1, n=900, experiment_id=1)])
    off = spoilt(first)
    start = [off, replace(second, detector=off.detector, crystal=off.crystal)]
    result = refine(start, table, STATIC)
    assert result.experiments[0].crystal is result.experiments[1].crystal
    np.testing.assert_allclose(result.experiments[0].crystal.cell, first.crystal.cell, rtol=5e-4)
    varying = refine(start, table, RefineParams(scan_varying=True)).experiments
    assert varying[0].crystal is not varying[1].crystal


def short_sweeps(n_spots: int) -> tuple[list[Experiment], Reflections]:
    """Four sweeps of one crystal with detectors of their own, to which the goniometer brought it with small errors."""
    truth = experiment()
    sweeps, tables = [], []
    for n in range(4):
        turned = Crystal(rotation_matrix(np.eye(3)[n % 3], np.radians(0.1 * n)) @ truth.crystal.A)
        one = replace(truth, crystal=turned, detector=replace(truth.detector), identifier=str(n))
        sweeps.append(one)
        tables.append(spots(one, n, n=n_spots, experiment_id=n))
    return sweeps, Reflections.concatenate(tables)


def test_one_crystal_on_four_short_sweeps_keeps_one_cell():
    truth, seen = short_sweeps(n_spots=300)
    start = [replace(e, crystal=Crystal(e.crystal.A / 1.003)) for e in truth]
    result = refine(start, seen, STATIC)
    cells = np.array([e.crystal.cell for e in result.experiments])
    np.testing.assert_allclose(cells - cells[0], 0, atol=1e-9)
    np.testing.assert_allclose(cells[0], truth[0].crystal.cell, rtol=5e-4)
    apart = [replace(e, crystal=Crystal(e.crystal.A / (1 + 1e-5 * n))) for n, e in enumerate(start)]
    assert refine(apart, seen, STATIC).rounds[0].n_parameters == result.rounds[0].n_parameters + 3 * 6
    for found, true in zip(result.experiments, truth, strict=True):
        assert misorientation(found.crystal.A, true.crystal.A) < 0.02


def test_few_spots_of_one_crystal_are_refined_and_what_is_fixed_is_said():
    truth, seen = short_sweeps(n_spots=21)
    result = refine(truth, seen, STATIC)
    assert result.rounds[0].n_parameters == 4 * 3 + 6
    assert "detector and beam are kept fixed" in result.warnings[0]
    np.testing.assert_allclose(result.experiments[0].crystal.cell, truth[0].crystal.cell, rtol=2e-3)


def test_what_is_fixed_does_not_move():
    truth = experiment()
    start = spoilt(truth)
    for fix, kept in {
        "detector": lambda e: [e.detector[0].origin, e.detector[0].fast_axis],
        "beam": lambda e: [e.beam.direction],
        "cell": lambda e: [e.crystal.cell],
        "tilt": lambda e: [e.detector[0].fast_axis, e.detector[0].slow_axis],
    }.items():
        result = refine([start], spots(truth, n=600), RefineParams(scan_varying=False, fix=(fix,), max_iterations=4))
        for before, after in zip(kept(start), kept(result.experiments[0]), strict=True):
            np.testing.assert_allclose(after, before, rtol=1e-9, err_msg=fix)


def test_row_order_does_not_matter():
    truth = experiment()
    seen = spots(truth, n=1000)
    order = np.random.default_rng(5).permutation(len(seen))
    cells = [refine([spoilt(truth)], t, STATIC).experiments[0].crystal.cell for t in (seen, seen[order])]
    np.testing.assert_allclose(cells[0], cells[1], rtol=1e-8)


def test_unindexed_rows_stay_as_they_are():
    truth = experiment()
    seen = spots(truth, n=700)
    hkl, ids = seen["hkl"].copy(), seen["experiment_id"].copy()
    hkl[::7], ids[::7] = 0, -1
    table = refine([truth], seen.replace(hkl=hkl, experiment_id=ids), STATIC).reflections
    assert not np.any(table[::7].has_any_flag(Flag.PREDICTED | Flag.USED_IN_REFINEMENT | Flag.CENTROID_OUTLIER))
    assert np.all(np.delete(table.has_flag(Flag.PREDICTED), np.s_[::7]))
    used = table[table.has_flag(Flag.USED_IN_REFINEMENT)]
    np.testing.assert_allclose(used["xyz_cal_px"], used["xyz_obs_px"], atol=1.0)
    np.testing.assert_allclose(np.linalg.norm(used["s1"], axis=1), 1 / 0.98, rtol=1e-9)


def test_thinning_changes_little_and_predicts_all():
    truth = experiment()
    result = refine([spoilt(truth)], spots(truth, n=4000), RefineParams(scan_varying=False, reflections_per_degree=20))
    assert result.rmsds[0].n <= 20 * 60
    assert np.all(result.reflections.has_flag(Flag.PREDICTED))
    np.testing.assert_allclose(result.experiments[0].crystal.cell, truth.crystal.cell, rtol=5e-4)


@pytest.mark.parametrize(("n", "kept"), [(60, "tilt"), (50, "detector and beam"), (26, "detector and beam")])
def test_few_spots_refine_fewer_parameters(n, kept):
    truth = experiment()
    assert kept in refine([truth], spots(truth, n=n), STATIC).warnings[0]


def test_failures_say_why():
    truth = experiment()
    with pytest.raises(TooFewToRefine, match="20 indexed spots are too few, at least 23 are needed: collect more"):
        refine([truth], spots(truth, n=20), STATIC)
    with pytest.raises(RefinementFailed, match="no usable indexed spots"):
        refine([truth], spots(truth, n=20).replace(hkl=np.zeros((20, 3))), STATIC)
    still = replace(truth, scan=replace(truth.scan, oscillation=(0.0, 0.0)))
    with pytest.raises(RefinementFailed, match="stills"):
        refine([still], spots(truth, n=20), STATIC)
    far = replace(truth, crystal=Crystal(truth.crystal.A * 40))
    with pytest.raises(RefinementFailed, match="agree with the model"):
        refine([far], spots(truth, n=500), STATIC)


def test_report_has_the_tables_of_the_field():
    truth = wobbling()
    text = format_refine(refine([spoilt(truth)], spots(truth), RefineParams(scan_varying=True)))
    assert "|   Step |" in text
    assert "RMSDs by experiment:\n+" in text
    assert "Static refinement: 16 parameters" in text
    assert "Scan-varying refinement, intervals of" in text
    assert "sampled at 121 scan points" in text


def test_rmsd_by_image():
    truth = experiment()
    result = refine([truth], spots(truth), STATIC)
    curve = rmsd_by_image(result.experiments[0], result.reflections, 0)
    assert curve.n_spots.sum() == result.rmsds[0].n
    mean = np.sqrt(np.nansum(curve.rmsd[:, 0] ** 2 * curve.n_spots) / curve.n_spots.sum())
    assert mean == pytest.approx(result.rmsds[0].x_px, rel=1e-2)


def test_refined_models_survive_their_file(tmp_path):
    truth = experiment(goniometer=kappa_goniometer())
    found = refine([truth], spots(truth), RefineParams(scan_varying=True)).experiments
    write_expt(tmp_path / "a.expt", found)
    again = read_expt(tmp_path / "a.expt")[0].crystal
    np.testing.assert_allclose(again.A_at_scan_points, found[0].crystal.A_at_scan_points)
    np.testing.assert_allclose(again.B_covariance, found[0].crystal.B_covariance)
