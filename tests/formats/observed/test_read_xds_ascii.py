"""XDS's reflection files come in with their geometry: what was seen where, and by which crystal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from xds_files import measured_sweep, write_correct, write_integrate, write_xscale

from autoproc.errors import BadHeader, CorruptFile, TruncatedFile
from autoproc.formats.observed.foreign_data import WIDE_IMAGES, NotObservations
from autoproc.formats.observed.read_xds_ascii import is_xds_ascii, read_xds_ascii
from autoproc.formats.observed.xds_header import NOT_POLARISED, PLANE_ASSUMED
from autoproc.geometry.belonging import misfits
from autoproc.models.experiment import Scan
from autoproc.models.reflections import Flag

MONOCLINIC = ("P 1 21 1", (40.0, 50.0, 60.0, 90, 105, 90))


@pytest.fixture(scope="module")
def sweep():
    return measured_sweep(*MONOCLINIC, d_min=5.0)


def test_geometry_and_positions_come_back(tmp_path, sweep):
    experiment, table = sweep
    data = read_xds_ascii(write_correct(tmp_path / "XDS_ASCII.HKL", experiment, table))
    (read,) = data.experiments
    panel, wanted = read.detector[0], experiment.detector[0]
    np.testing.assert_allclose(panel.origin, wanted.origin, atol=1e-3)
    np.testing.assert_allclose([panel.fast_axis, panel.slow_axis], [wanted.fast_axis, wanted.slow_axis], atol=1e-6)
    np.testing.assert_allclose(read.beam.s0, experiment.beam.s0, atol=1e-6)
    np.testing.assert_allclose(read.goniometer.lab_axis, experiment.goniometer.lab_axis, atol=1e-6)
    np.testing.assert_allclose(read.crystal.A, experiment.crystal.A, atol=1e-6)
    assert read.crystal.space_group.number == 4
    assert read.imageset.template == "/data/a/x_#####.cbf"
    assert (read.scan.image_range, read.scan.oscillation) == (experiment.scan.image_range, experiment.scan.oscillation)
    np.testing.assert_array_equal(data.reflections["hkl"], table["hkl"])
    np.testing.assert_allclose(data.reflections["xyz_cal_px"], table["xyz_cal_px"], atol=2e-3)
    np.testing.assert_allclose(data.reflections["s1"], table["s1"], atol=1e-4)
    np.testing.assert_allclose(data.reflections["xyz_cal_mm"][:, 2], table["xyz_cal_mm"][:, 2], atol=1e-4)
    assert not misfits(data.experiments, data.reflections)


def test_images_that_do_not_begin_at_one(tmp_path, sweep):
    experiment, table = sweep
    late = replace(experiment, scan=Scan((61, 240), (30.0, 1.0)))
    (read,) = read_xds_ascii(write_correct(tmp_path / "x", late, table)).experiments
    assert (read.scan.image_range, read.scan.oscillation) == ((61, 240), (30.0, 1.0))
    data = read_xds_ascii(tmp_path / "x").reflections
    np.testing.assert_allclose(data["xyz_cal_px"][:, 2], table["xyz_cal_px"][:, 2], atol=2e-3)


def test_what_correct_has_scaled_is_scaled_and_its_misfits_are_out(tmp_path, sweep):
    data = read_xds_ascii(write_correct(tmp_path / "x", *sweep, rejected=(0, 5)))
    assert data.is_scaled
    assert data.program == "CORRECT"
    scaled = data.reflections.has_flag(Flag.SCALED)
    assert list(np.flatnonzero(~scaled)) == [0, 5]
    assert list(np.flatnonzero(data.reflections.has_flag(Flag.OUTLIER_IN_SCALING))) == [0, 5]
    good = np.arange(len(scaled)) > 5
    value = data.reflections["intensity_scale"] / data.reflections["inverse_scale"]
    np.testing.assert_allclose(value[good], sweep[1]["intensity_sum"][good], rtol=1e-5)
    assert not data.reflections.has_flag(Flag.INTEGRATED_SUM)[0]


def test_integrate_is_not_scaled_and_its_polarisation_is_put_right(tmp_path, sweep):
    data = read_xds_ascii(write_integrate(tmp_path / "INTEGRATE.HKL", *sweep))
    assert not data.is_scaled
    assert "intensity_scale" not in data.reflections
    corrected = data.reflections["intensity_sum"] * data.reflections["lp"]
    np.testing.assert_allclose(corrected, sweep[1]["intensity_sum"], rtol=1e-4, atol=1e-3)
    assert data.assumed == ()


def test_a_polarisation_that_integrate_does_not_tell_is_assumed_and_that_is_said(tmp_path, sweep):
    path = write_integrate(tmp_path / "INTEGRATE.HKL", *sweep)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if "PLANE_NORMAL" not in line))
    data = read_xds_ascii(path)
    assert data.assumed == (PLANE_ASSUMED,)
    assert data.lines[-1] == f"assumed: {PLANE_ASSUMED}"
    path.write_text("\n".join(line for line in lines if "POLARIZATION" not in line))
    data = read_xds_ascii(path)
    assert data.assumed == (NOT_POLARISED,)
    assert data.experiments[0].beam.polarization_fraction == 0.5


def test_several_data_sets_of_xscale(tmp_path, sweep):
    experiment, table = sweep
    late = replace(experiment, scan=Scan((101, 280), (0.0, 1.0)))
    data = read_xds_ascii(write_xscale(tmp_path / "scaled.ahkl", [sweep, (late, table)]))
    assert [e.beam.wavelength for e in data.experiments] == [1.0, 0.9]
    assert data.experiments[1].scan.image_range[0] >= 101
    assert data.experiments[0].crystal.cell == pytest.approx(experiment.crystal.cell, abs=1e-3)
    assert len({e.identifier for e in data.experiments}) == 2
    assert np.bincount(data.reflections["experiment_id"]).tolist() == [len(table)] * 2
    assert "s1" not in data.reflections
    first = data.experiments[1].scan.image_range[0]
    frames = data.reflections["xyz_cal_px"][len(table) :, 2] + first - 1
    np.testing.assert_allclose(frames, table["xyz_cal_px"][:, 2] + 100, atol=1e-3)
    assert "oriented" in data.remarks[0]
    assert data.assumed == (WIDE_IMAGES,)


def test_merged_data_are_told_apart(tmp_path, sweep):
    with pytest.raises(NotObservations, match="MERGE=FALSE"):
        read_xds_ascii(write_correct(tmp_path / "x", *sweep, merge="TRUE"))


def test_a_file_without_its_end_is_still_being_written(tmp_path, sweep):
    with pytest.raises(TruncatedFile):
        read_xds_ascii(write_correct(tmp_path / "x", *sweep, end=False))


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("!UNIT_CELL_CONSTANTS= 40", "!UNIT_CELL_CONSTANTS= -40", BadHeader),
        ("!ROTATION_AXIS= 1.0", "!ROTATION_AXIS= nan", BadHeader),
        ("!X-RAY_WAVELENGTH= 1.0", "!X-RAY_WAVELENGTH= x", BadHeader),
        ("!SPACE_GROUP_NUMBER= 4", "!SPACE_GROUP_NUMBER= 400", BadHeader),
        ("!ITEM_IOBS=4", "!ITEM_IOBS=x", CorruptFile),
        ("!ITEM_IOBS=4", "!ITEM_SOMETHING=4", BadHeader),
        ("!DATA_RANGE= 1 180", "!DATA_RANGE= 1 1e12", CorruptFile),
        ("!END_OF_HEADER\n", "!END_OF_HEADER\n1 2 3\n", CorruptFile),
        ("!END_OF_HEADER\n", "!END_OF_HEADER\n99999 2 3" + " 1" * 9 + "\n", CorruptFile),
    ],
)
def test_damage_is_named(tmp_path, sweep, before, after, error):
    text = write_correct(tmp_path / "x", *sweep).read_text()
    assert before in text
    (tmp_path / "x").write_text(text.replace(before, after))
    with pytest.raises(error, match="x"):
        read_xds_ascii(tmp_path / "x")


def test_known_by_content():
    assert is_xds_ascii(b"!FORMAT=XDS_ASCII    MERGE=FALSE")
    assert is_xds_ascii(b"!OUTPUT_FILE=INTEGRATE.HKL    DATE=")
    assert not is_xds_ascii(b"!OUTPUT_FILE=SOMETHING")
