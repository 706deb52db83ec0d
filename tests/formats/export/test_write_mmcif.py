from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from exported_for_tests import exported, integrated, observations, sweeps
from models_for_tests import crystal
from pdbx_excerpt import faults

from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import intensities
from autoproc.formats.export.write_mmcif import collection_date, entry_id, write_mmcif
from autoproc.stages.export import export

PARAMS = ExportParams(format="mmcif")


def written(path, given=None, params=PARAMS):
    given = given if given is not None else exported("mmcif")
    (path,) = write_mmcif(path / "x.cif", given, params)
    return gemmi.cif.read(str(path)), given


def column(block, name):
    return np.array([gemmi.cif.as_number(v) for v in block.find_loop(name)])


@pytest.mark.parametrize("version", ["v5", "v5_next"])
@pytest.mark.parametrize("n_sweeps", [1, 2])
def test_valid_by_the_dictionary(tmp_path, version, n_sweeps):
    document, _ = written(tmp_path, exported("mmcif", n_sweeps), ExportParams(pdb_version=version))
    assert faults(document) == []
    names = [name for block in document for name in block.get_mmcif_category_names()]
    assert ("_pdbx_diffrn_unmerged_refln." in names) == (version == "v5_next")


@pytest.mark.parametrize(
    ("tag", "wrong"),
    [
        ("_diffrn.crystal_id", "'not a code'"),
        ("_pdbx_diffrn_data_section.type_merged", "maybe"),
        ("_symmetry.Int_Tables_number", "ninety"),
        ("_reflns.percent_possible_obs", "101"),
        ("_reflns.pdbx_CC_half", "good"),
        ("_reflns.pdbx_CC_harf", "0.9"),
    ],
)
def test_the_dictionary_finds_faults(tmp_path, tag, wrong):
    document, _ = written(tmp_path)
    document[0].set_pair(tag, wrong)
    assert len(faults(document)) == 1


def test_merged_round_trip(tmp_path):
    document, given = written(tmp_path)
    m, block = given.merged, document[0]
    np.testing.assert_array_equal(np.column_stack([column(block, f"_refln.index_{a}") for a in "hkl"]), m.hkl)
    for item, values in (
        ("F_meas_au", m.amplitude),
        ("F_meas_sigma_au", m.sigma_amplitude),
        ("pdbx_F_plus", m.amplitude_plus),
        ("pdbx_F_minus_sigma", m.sigma_amplitude_minus),
        ("intensity_meas", m.intensity),
        ("intensity_sigma", m.sigma),
        ("pdbx_I_plus", m.intensity_plus),
        ("pdbx_I_minus", m.intensity_minus),
        ("pdbx_I_minus_sigma", m.sigma_minus),
    ):
        np.testing.assert_allclose(column(block, f"_refln.{item}"), values, rtol=1e-6, err_msg=item)
    np.testing.assert_array_equal(column(block, "_refln.pdbx_r_free_flag"), m.free_r)
    status = np.array(list(block.find_loop("_refln.status")))
    np.testing.assert_array_equal(status == "f", m.free_r == 0)


def test_statistics_are_there(tmp_path):
    document, given = written(tmp_path)
    block, s = document[0], given.statistics
    assert float(block.find_value("_reflns.pdbx_Rrim_I_all")) == pytest.approx(s.overall.r_meas, rel=1e-5)
    assert float(block.find_value("_reflns.pdbx_CC_half")) == pytest.approx(s.overall.cc_half, rel=1e-5)
    assert int(block.find_value("_reflns.pdbx_number_measured_all")) == s.overall.n_observations
    assert len(block.find_loop("_reflns_shell.d_res_high")) == len(s.shells)


def test_read_by_gemmi_as_merged_and_unmerged(tmp_path):
    document, given = written(tmp_path, exported("mmcif", 2))
    merged, unmerged = gemmi.as_refln_blocks(document)
    assert merged.is_merged()
    assert unmerged.is_unmerged()
    for block in (merged, unmerged):
        assert block.spacegroup.xhm() == "P 43 21 2"
        np.testing.assert_allclose(block.cell.parameters, given.merged.cell.parameters, atol=1e-3)
        assert block.wavelength == pytest.approx(0.9763)
    mtz = gemmi.CifToMtz().convert_block_to_mtz(merged)
    assert {"FreeR_flag", "I(+)", "SIGF(-)"} <= {c.label for c in mtz.columns}
    assert gemmi.CifToMtz().convert_block_to_mtz(unmerged).nreflections == len(given.observations)


def test_unmerged_round_trip(tmp_path):
    given = export(sweeps(2, first_image=101), observations(2), PARAMS, "x")
    document, _ = written(tmp_path, given)
    block, r = document[1], given.observations
    value, sigma = intensities(r)
    for category, names in (
        ("_diffrn_refln", ("intensity_net", "intensity_sigma", "pdbx_scale_value", "pdbx_scan_angle", "pdbx_batch_id")),
        (
            "_pdbx_diffrn_unmerged_refln",
            ("intensity_meas", "intensity_sigma", "scale_value", "scan_angle_reflection", "scan_id"),
        ),
    ):
        indices = np.column_stack([column(block, f"{category}.index_{a}") for a in "hkl"])
        np.testing.assert_array_equal(indices, r["hkl"])
        angle = np.degrees(r["xyz_cal_mm"][:, 2])
        wanted = (value, sigma, 1 / r["inverse_scale"], angle, r["experiment_id"] + 1)
        for name, values in zip(names, wanted, strict=True):
            np.testing.assert_allclose(column(block, f"{category}.{name}"), values, rtol=1e-4, atol=1e-4, err_msg=name)
    first, last = (column(block, f"_pdbx_diffrn_unmerged_refln.image_id_{side}") for side in ("begin", "end"))
    centre = column(block, "_diffrn_refln.pdbx_image_id")
    assert np.all((first >= 101) & (first <= centre) & (centre <= last) & (last <= 140))
    np.testing.assert_array_equal(centre, np.floor(r["xyz_cal_px"][:, 2]) + 101)
    assert list(block.find_loop("_pdbx_diffrn_scan.image_id_begin")) == ["101", "101"]
    matrix = [float(block.find_loop(f"_pdbx_diffrn_orientation.matrix[{i}][{j}]")[0]) for i in "123" for j in "123"]
    np.testing.assert_allclose(np.reshape(matrix, (3, 3)), sweeps()[0].crystal.A, atol=1e-8)


def test_integrated_data_are_not_merged(tmp_path):
    given = export(sweeps(), integrated(observations()), PARAMS, "x")
    document, _ = written(tmp_path, given)
    assert [block.name for block in document] == ["x_unmerged"]
    assert document[0].find_value("_pdbx_diffrn_data_section.type_scaled") == "false"
    assert len(document[0].find_loop("_software.name")) == 1
    assert faults(document) == []


@pytest.mark.parametrize("name", ["Käfer 7", "a'b\"c", "data_\nloop_", "x" * 300, "", "#1"])
def test_strange_names(tmp_path, name):
    given = replace(exported("mmcif"), name=name)
    document, _ = written(tmp_path, given)
    assert faults(document) == []
    assert len(document) == 2
    assert document[0].name == f"{entry_id(name)}_merged"


def test_one_observation(tmp_path):
    table = observations()
    table = table[np.flatnonzero(table["hkl"].any(axis=1))[:1]]
    document, _ = written(tmp_path, export(sweeps(), table, PARAMS, "x"))
    assert faults(document) == []
    assert document[0].find_value("_reflns.pdbx_CC_half") == "?"
    assert len(document[0].find_loop("_refln.index_h")) == 1


def test_what_was_not_measured_is_unknown(tmp_path):
    document, given = written(tmp_path)
    listed = list(document[0].find_loop("_refln.pdbx_I_minus"))
    np.testing.assert_array_equal([v == "?" for v in listed], np.isnan(given.merged.intensity_minus))


def test_day_of_the_first_image():
    e = sweeps()[0]
    assert collection_date([e]) is None  # seconds since the first image
    dated = replace(e, scan=replace(e.scan, epochs=np.array([1.6e9, 1.7e9])))
    assert collection_date([e, dated]) == "2020-09-13"


def test_hexagonal(tmp_path):
    made = crystal((77, 77, 90, 90, 90, 120), "H 3")
    document, _ = written(tmp_path, exported("mmcif", made=made))
    assert gemmi.as_refln_blocks(document)[0].spacegroup.xhm() == "R 3:H"
