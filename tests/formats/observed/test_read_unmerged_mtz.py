"""Unmerged MTZ files come in with the models that their batch headers tell."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from models_for_tests import crystal, scaled
from models_for_tests import experiment as small_experiment
from xds_files import measured_sweep

from autoproc.errors import CorruptFile
from autoproc.formats.observed.batch_runs import PHI
from autoproc.formats.observed.foreign_data import WIDE_IMAGES, NotObservations
from autoproc.formats.observed.mtz import write_merged_mtz, write_unmerged_mtz
from autoproc.formats.observed.read_unmerged_mtz import read_unmerged_mtz
from autoproc.geometry.belonging import misfits
from autoproc.models.experiment import Scan
from autoproc.models.reflections import Flag, Reflections
from autoproc.stages.merge import MergeParams, merge

CASES = {
    "P 1 21 1": (40.0, 50.0, 60.0, 90, 105, 90),
    "P 43 21 2": (50.0, 50.0, 40.0, 90, 90, 90),
    "P 31 2 1": (50.0, 50.0, 60.0, 90, 90, 120),
    "P 1": (30.0, 35.0, 40.0, 85, 95, 105),
}


@pytest.fixture(scope="module", params=CASES)
def sweep(request):
    return measured_sweep(request.param, CASES[request.param], d_min=5.0, n_images=90)


def by_hkl(table: Reflections, value: np.ndarray) -> np.ndarray:
    order = np.lexsort((np.round(table["xyz_cal_px"][:, 2], 1), *table["hkl"].T))
    return value[order]


def test_indices_models_and_intensities_come_back(tmp_path, sweep):
    experiment, table = sweep
    write_unmerged_mtz(tmp_path / "x", [experiment], table.replace(qe=np.ones(len(table))), "x")
    data = read_unmerged_mtz(tmp_path / "x")
    (read,) = data.experiments
    assert data.remarks == ()
    assert [sentence.split(";")[0] for sentence in data.assumed] == [
        "intensities are corrected for the polarisation of the beam and the Lorentz factor",
        "intensities are not scaled: there is no column of scales, SCALEUSED",
    ]
    assert not data.is_scaled
    assert read.crystal.space_group.xhm() == experiment.crystal.space_group.xhm()
    np.testing.assert_allclose(read.crystal.cell, experiment.crystal.cell, rtol=1e-4)
    assert (read.scan.image_range, read.scan.oscillation) == (experiment.scan.image_range, (0.0, 1.0))
    panel, wanted = read.detector[0], experiment.detector[0]
    assert panel.pixel_size == pytest.approx(wanted.pixel_size, rel=2e-3)
    assert panel.distance == pytest.approx(wanted.distance, rel=2e-3)
    np.testing.assert_array_equal(by_hkl(data.reflections, data.reflections["hkl"]), by_hkl(table, table["hkl"]))
    found = by_hkl(data.reflections, data.reflections["intensity_sum"] * data.reflections["lp"])
    np.testing.assert_allclose(found, by_hkl(table, table["intensity_sum"]), rtol=1e-4, atol=1e-3)
    assert not misfits(data.experiments, data.reflections)
    # directions in the crystal, whatever the frame of the laboratory
    seen = by_hkl(data.reflections, data.reflections["s1"]) @ read.goniometer.lab_axis
    np.testing.assert_allclose(seen, by_hkl(table, table["s1"]) @ experiment.goniometer.lab_axis, atol=2e-3)


def test_scales_that_are_told_are_taken_off(tmp_path):
    made = crystal()
    table = scaled(made)
    write_unmerged_mtz(tmp_path / "x", [small_experiment(made)], table, "x")
    data = read_unmerged_mtz(tmp_path / "x")
    assert data.is_scaled
    again = merge(data.experiments, data.reflections, MergeParams())
    merged = merge([small_experiment(made)], table, MergeParams())
    np.testing.assert_array_equal(again.hkl, merged.hkl)
    np.testing.assert_allclose(again.intensity, merged.intensity, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(again.sigma, merged.sigma, rtol=1e-4)
    assert np.all(data.reflections["inverse_scale"] == 2.0)


def test_sweeps_are_told_apart(tmp_path, sweep):
    experiment, table = sweep
    other = replace(experiment, scan=Scan((7, 96), (120.0, 1.0)), identifier="other")
    both = Reflections.concatenate([table, table.replace(experiment_id=np.ones(len(table)))])
    both = both.replace(qe=np.ones(len(both)))
    write_unmerged_mtz(tmp_path / "x", [experiment, other], both, "x")
    data = read_unmerged_mtz(tmp_path / "x")
    assert [e.scan.image_range for e in data.experiments] == [(1, 90), (7, 96)]
    assert [e.scan.oscillation[0] for e in data.experiments] == [0.0, 120.0]
    assert np.bincount(data.reflections["experiment_id"]).tolist() == [len(table)] * 2
    assert sorted(data.reflections.identifiers) == [0, 1]
    assert len({e.imageset.template for e in data.experiments}) == 2  # programs of DIALS ask for a name of the images


def edited(tmp_path, sweep, change):
    """A file of the sweep whose columns, {label: (type, values)}, and batches `change` may alter."""
    experiment, table = sweep
    write_unmerged_mtz(tmp_path / "x", [experiment], table.replace(qe=np.ones(len(table))), "x")
    mtz = gemmi.read_mtz_file(str(tmp_path / "x"))
    columns = {c.label: (c.type, np.array(c.array)) for c in mtz.columns[3:]}
    hkl = np.asarray(mtz.array)[:, :3].copy()
    batches = list(mtz.batches)
    changed = change(columns, batches)
    made = gemmi.Mtz(with_base=True)
    made.spacegroup = mtz.spacegroup
    made.set_cell_for_all(mtz.cell)
    made.add_dataset("x").wavelength = 1.0
    for label, (kind, _) in changed.items():
        made.add_column(label, kind, dataset_id=1)
    rows = len(next(iter(changed.values()))[1]) // len(hkl)
    hkl = np.repeat(hkl, rows, axis=0)
    made.set_data(np.column_stack([hkl, *(values for _, values in changed.values())]).astype(np.float32))
    for batch in batches:
        made.batches.append(batch)
    made.write_to_file(str(tmp_path / "edited"))
    return read_unmerged_mtz(tmp_path / "edited")


def test_only_profile_intensities_as_of_pointless(tmp_path, sweep):
    def change(columns, batches):
        keep = ("M/ISYM", "BATCH", "IPR", "SIGIPR", "XDET", "YDET", "ROT")
        return {label: columns[label] for label in keep}

    data = edited(tmp_path, sweep, change)
    assert "intensity_prf" not in data.reflections
    found = by_hkl(data.reflections, data.reflections["intensity_sum"] * data.reflections["lp"])
    np.testing.assert_allclose(found, by_hkl(sweep[1], sweep[1]["intensity_prf"]), rtol=1e-4, atol=1e-3)


def test_parts_are_added_up(tmp_path, sweep):
    """Each reflection in two parts, 0.3 on its image and 0.7 on the next; that of the last image lacks the latter."""

    def change(columns, batches):
        parts = {}
        for label, (kind, values) in columns.items():
            twice = np.repeat(values, 2)
            if label in ("I", "IPR", "FRACTIONCALC"):
                twice = twice * np.tile([0.3, 0.7], len(values))
            if label == "M/ISYM":
                twice = twice + 256
            if label == "BATCH":
                twice = np.minimum(twice + np.tile([0, 1], len(values)), 90)
            parts[label] = kind, twice
        return {label: part for label, part in parts.items() if label not in ("IPR", "SIGIPR", "LP", "QE")}

    data = edited(tmp_path, sweep, change)
    table = sweep[1]
    inside = np.floor(table["xyz_cal_px"][:, 2]) < 89
    assert "added up" in data.remarks[0]
    whole = data.reflections["partiality"] > 0.99
    assert whole.sum() == inside.sum()
    found = data.reflections["intensity_sum"] * data.reflections["lp"] / data.reflections["partiality"]
    wanted = table["intensity_sum"][inside]
    np.testing.assert_allclose(np.sort(found[whole]), np.sort(wanted), rtol=1e-4, atol=1e-2)


def test_flagged_observations_are_left_out(tmp_path, sweep):
    def change(columns, batches):
        flags = np.zeros(len(sweep[1]))
        flags[:4] = 16
        return {**columns, "FLAG": ("I", flags)}

    data = edited(tmp_path, sweep, change)
    assert "4 observations are flagged" in data.remarks[0]
    assert np.count_nonzero(~data.reflections.has_flag(Flag.INTEGRATED_SUM)) == 4


def test_headers_without_orientation_leave_directions_out(tmp_path, sweep):
    def change(columns, batches):
        for batch in batches:
            for n in range(6, 15):
                batch.floats[n] = 0.0
        return columns

    data = edited(tmp_path, sweep, change)
    assert "s1" not in data.reflections
    assert "oriented" in data.remarks[0]
    assert WIDE_IMAGES not in data.assumed
    assert np.isfinite(data.reflections["xyz_cal_px"][:, 2]).all()


def test_the_width_of_images_that_no_header_tells_is_assumed(tmp_path, sweep):
    def change(columns, batches):
        for batch in batches:
            batch.floats[PHI + 1] = batch.floats[PHI]
        return columns

    data = edited(tmp_path, sweep, change)
    assert data.experiments[0].scan.oscillation[1] == 1.0
    assert WIDE_IMAGES in data.assumed


def test_orientations_of_programs_that_lay_the_reciprocal_axes_otherwise(tmp_path, sweep):
    """Busing and Levy's B has a* along x, that of PDB files a; U differs by the turn between them."""
    experiment, _ = sweep
    metric = experiment.crystal.B.T @ experiment.crystal.B
    between = experiment.crystal.B @ np.linalg.inv(np.linalg.cholesky(metric).T)

    def change(columns, batches):
        for batch in batches:
            u = np.array([batch.floats[n] for n in range(6, 15)]).reshape(3, 3).T @ between
            for n, value in enumerate(u.T.ravel()):
                batch.floats[6 + n] = float(value)
        return columns

    data = edited(tmp_path, sweep, change)
    (read,) = data.experiments
    assert "s1" in data.reflections
    panel, wanted = read.detector[0], experiment.detector[0]
    assert panel.distance == pytest.approx(wanted.distance, rel=2e-3)
    assert panel.pixel_size == pytest.approx(wanted.pixel_size, rel=2e-3)
    axis = read.goniometer.lab_axis @ read.crystal.A
    np.testing.assert_allclose(axis, experiment.goniometer.lab_axis @ experiment.crystal.A, atol=1e-5)


def test_batches_without_a_header_are_damage(tmp_path, sweep):
    def change(columns, batches):
        del batches[20:]
        return columns

    with pytest.raises(CorruptFile, match="has no header"):
        edited(tmp_path, sweep, change)


def test_doses_come_with_the_observations(tmp_path, sweep):
    def change(columns, batches):
        return columns | {"DOSE": ("R", 0.1 * columns["BATCH"][1])}

    table = edited(tmp_path, sweep, change).reflections
    np.testing.assert_allclose(table["dose"], 0.1 * np.ceil(table["xyz_cal_px"][:, 2]), atol=0.11)


@pytest.mark.parametrize("edge", [0, -1])
def test_reflections_centred_just_beside_the_batches_belong_to_them(tmp_path, sweep, edge):
    def change(columns, batches):
        assert batches[edge].number in columns["BATCH"][1]
        del batches[edge]
        return columns

    data = edited(tmp_path, sweep, change)
    (read,) = data.experiments
    assert read.scan.n_images == sweep[0].scan.n_images - 1
    assert len(data.reflections) == len(sweep[1])


def test_observations_without_batch_headers_are_not_called_merged(tmp_path, sweep):
    def change(columns, batches):
        batches.clear()
        return columns

    with pytest.raises(NotObservations, match="observations .* without the batch headers") as told:
        edited(tmp_path, sweep, change)
    assert "merged" not in str(told.value)


def test_merged_files_are_told_apart(tmp_path):
    made = crystal()
    write_merged_mtz(tmp_path / "x", merge([small_experiment(made)], scaled(made), MergeParams()), "x")
    with pytest.raises(NotObservations, match="merged"):
        read_unmerged_mtz(tmp_path / "x")
