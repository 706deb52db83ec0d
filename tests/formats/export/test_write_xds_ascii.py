from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from exported_for_tests import exported, integrated, observations, sweeps
from models_for_tests import crystal

from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import intensities
from autoproc.formats.export.write_xds_ascii import ITEMS, azimuths, write_xds_ascii
from autoproc.formats.observed.read_xds_ascii import read_xds_ascii
from autoproc.geometry.asu import to_asu
from autoproc.geometry.rotation import rotation_matrix
from autoproc.models.crystal import Crystal
from autoproc.models.reflections import Flag
from autoproc.stages.export import export

PARAMS = ExportParams(format="xds_ascii")


def header(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("!FORMAT=XDS_ASCII    MERGE=FALSE    FRIEDEL'S_LAW=")
    assert lines[-1] == "!END_OF_DATA"
    end = lines.index("!END_OF_HEADER")
    return dict(line[1:].split("=", 1) for line in lines[1:end] if "=" in line)


def test_read_back_with_gemmi(tmp_path):
    given = exported("xds_ascii")
    (path,) = write_xds_ascii(tmp_path / "XDS_ASCII.HKL", given, PARAMS)
    read = gemmi.read_xds_ascii(str(path))
    assert read.data_size == len(given.observations) + len(given.rejected)
    assert read.spacegroup_number == 96
    np.testing.assert_allclose(read.cell_constants, sweeps()[0].crystal.cell, atol=1e-3)
    assert read.wavelength == pytest.approx(0.9763)
    good = read.sigma_array > 0
    assert np.count_nonzero(~good) == len(given.rejected) > 0
    value, sigma = intensities(given.observations)
    for found, wanted in ((read.iobs_array[good], value), (read.sigma_array[good], sigma)):
        np.testing.assert_allclose(np.sort(found), np.sort(wanted), rtol=1e-4)
    wanted = {tuple(h) for h in given.observations["hkl"].tolist()}
    assert {tuple(h) for h in read.miller_array[good].tolist()} == wanted


def test_pixels_and_images_are_counted_as_xds_counts_them(tmp_path):
    """Pixels from the middle of the first, which is 1; images by their numbers."""
    given = export(sweeps(first_image=101), observations(), PARAMS, "x")
    (path,) = write_xds_ascii(tmp_path / "XDS_ASCII.HKL", given, PARAMS)
    read = gemmi.read_xds_ascii(str(path))
    calculated = np.vstack([given.observations["xyz_cal_px"], given.rejected["xyz_cal_px"]])
    for found, wanted, step in (
        (read.xd_array, calculated[:, 0] + 0.5, 0.006),
        (read.yd_array, calculated[:, 1] + 0.5, 0.006),
        (read.zd_array, calculated[:, 2] + 100, 0.0006),
    ):
        np.testing.assert_allclose(np.sort(found), np.sort(wanted), atol=step)
    items = header(path)
    assert items["DATA_RANGE"].split() == ["101", "140"]
    assert items["STARTING_FRAME"].split() == ["101"]
    assert float(items["STARTING_ANGLE"]) == 10.0
    assert [items[f"ITEM_{name}"] for name in ITEMS] == [str(n) for n in range(1, 13)]


def test_header_predicts_the_positions(tmp_path):
    """The geometry of the header alone sends a reflection to where the models of the sweep do."""
    given = exported("xds_ascii")
    (path,) = write_xds_ascii(tmp_path / "XDS_ASCII.HKL", given, PARAMS)
    said = header(path)
    numbers = {
        name: np.array(said[name].split(), float) for name in said if name.startswith(("UNIT_CELL_", "ROT", "INC"))
    }
    real = np.array([numbers[f"UNIT_CELL_{a}-AXIS"] for a in "ABC"])
    axis = numbers["ROTATION_AXIS"] / np.linalg.norm(numbers["ROTATION_AXIS"])
    e = given.experiments[0]
    hkl, phi = np.array([3, -2, 5]), np.radians(25.0)
    s1 = rotation_matrix(axis, np.array([phi]))[0] @ (np.linalg.inv(real) @ hkl) + numbers["INCIDENT_BEAM_DIRECTION"]
    ours = rotation_matrix(e.goniometer.axis, np.array([phi]))[0] @ e.crystal.A @ hkl + e.beam.s0
    panel = e.detector[0]
    turned = np.array([panel.fast_axis, panel.slow_axis, panel.normal]) @ ours
    np.testing.assert_allclose(s1, turned, atol=2e-5)
    origin = [float(said["ORGX"].split()[0]), float(said["ORGX"].split("ORGY=")[1])]
    foot = -np.array([panel.fast_axis, panel.slow_axis]) @ panel.origin / panel.pixel_size + 0.5
    np.testing.assert_allclose(origin, foot, atol=0.01)
    assert float(said["DETECTOR_DISTANCE"]) == pytest.approx(panel.origin @ panel.normal, abs=1e-3)


def test_each_sweep_has_a_file(tmp_path):
    given = exported("xds_ascii", n_sweeps=3)
    paths = write_xds_ascii(tmp_path / "ä b.HKL", given, PARAMS)
    assert [p.name for p in paths] == ["ä b_1.HKL", "ä b_2.HKL", "ä b_3.HKL"]
    sizes = [gemmi.read_xds_ascii(str(p)).data_size for p in paths]
    assert sum(sizes) == len(given.observations) + len(given.rejected)


@pytest.mark.parametrize(("anomalous", "said"), [(True, "FALSE"), (False, "TRUE")])
def test_friedels_law(tmp_path, anomalous, said):
    given = exported("xds_ascii")
    (path,) = write_xds_ascii(tmp_path / "x.HKL", given, ExportParams(anomalous=anomalous))
    assert path.read_text(encoding="utf-8").splitlines()[0].endswith(f"FRIEDEL'S_LAW={said}")


def test_names_with_anything_in_them(tmp_path):
    e = sweeps()[0]
    strange = replace(e, imageset=replace(e.imageset, template="/data/ein Käfer\n!END_OF_HEADER/x_####.cbf"))
    given = export([strange], observations(), PARAMS, "x")
    (path,) = write_xds_ascii(tmp_path / "x.HKL", given, PARAMS)
    assert header(path)["NAME_TEMPLATE_OF_DATA_FRAMES"] == "/data/ein Käfer_!END_OF_HEADER/x_????.cbf"
    assert gemmi.read_xds_ascii(str(path)).data_size > 0


def test_azimuth_of_friedel_mates_on_one_image_is_not_the_same():
    """Psi turns with the crystal about the reflection's normal: a rotation about that leaves it by as much."""
    given = exported("xds_ascii")
    e, table = given.experiments[0], given.observations[:50]
    psi = azimuths(e, table)
    assert np.all(np.abs(psi) <= 180)
    turned = replace(e, crystal=Crystal(rotation_matrix(e.goniometer.axis, np.array([0.3]))[0] @ e.crystal.A))
    later = table.replace(xyz_cal_mm=table["xyz_cal_mm"] - [0, 0, 0.3])
    np.testing.assert_allclose(azimuths(turned, later), psi, atol=1e-6)


@pytest.mark.parametrize("is_scaled", [True, False])
def test_read_back_it_is_scaled_where_it_was(tmp_path, is_scaled):
    table = observations() if is_scaled else integrated(observations())
    given = export(sweeps(), table, ExportParams(format="xds_ascii"), "x")
    (path,) = write_xds_ascii(tmp_path / "X.HKL", given, ExportParams())
    data = read_xds_ascii(path)
    assert (data.is_scaled, data.program) == (is_scaled, "autoproc")
    assert ("inverse_scale" in data.reflections) == is_scaled
    kind = "scale" if is_scaled else "sum"
    good = data.reflections[data.reflections["flags"] != 0]
    good = good[~good.has_flag(Flag.OUTLIER_IN_SCALING)]
    factor = 1.0 if is_scaled else good["lp"] / good["partiality"]
    np.testing.assert_allclose(
        np.sort(good[f"intensity_{kind}"] * factor), np.sort(intensities(given.observations)[0]), rtol=1e-4
    )


SETTINGS = {
    "I 1 2 1": ((81, 52, 63, 90, 95, 90), "C 1 2 1"),
    "P 1 21/n 1": ((41, 52, 63, 90, 95, 90), "P 1 21/c 1"),
    "R 3 :R": ((50, 50, 50, 80, 80, 80), "R 3:H"),
    "P 1 1 21": ((41, 52, 63, 90, 90, 100), "P 1 21 1"),
    "P 21 2 21": ((41, 52, 63, 90, 90, 90), "P 21 21 2"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_number_of_the_space_group_means_the_standard_setting(tmp_path, name):
    cell, standard = SETTINGS[name]
    made = crystal(cell, name)
    table = observations(1, made)
    given = export(sweeps(1, made), table, PARAMS, "x")
    (path,) = write_xds_ascii(tmp_path / "X.HKL", given, PARAMS)
    read = read_xds_ascii(path)
    (experiment,) = read.experiments
    assert experiment.crystal.space_group.xhm() == standard
    hkl = read.reflections["hkl"]
    absent, before = (
        np.sum(group.operations().systematic_absences(indices))
        for group, indices in ((experiment.crystal.space_group, hkl), (made.space_group, table["hkl"]))
    )
    assert absent == before
    number = len(np.unique(to_asu(hkl, experiment.crystal.space_group)[0], axis=0))
    assert number == len(np.unique(to_asu(table["hkl"], made.space_group)[0], axis=0))
    d = experiment.crystal.unit_cell.calculate_d_array(hkl)
    np.testing.assert_allclose(np.sort(d), np.sort(made.unit_cell.calculate_d_array(table["hkl"])), rtol=1e-4)
    assert standard.split(":")[0] in given.remark


def test_standard_settings_stay_as_they_are():
    given = export(sweeps(), observations(), PARAMS, "x")
    assert given.remark == ""
    assert given.experiments[0] is not None
    np.testing.assert_array_equal(given.every["hkl"], observations()["hkl"])
