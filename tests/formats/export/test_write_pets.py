from __future__ import annotations

import gemmi
import numpy as np
import pytest
from exported_for_tests import integrated, observations, sweeps

from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import DoesNotFit
from autoproc.formats.export.write_pets import omega_alpha_beta, pets_frame, write_pets
from autoproc.geometry.rotation import lab_rotations, rotation_matrix
from autoproc.stages.export import export

PARAMS = ExportParams(format="pets", max_excitation_error=0.002)


def written(path, params=PARAMS, table=None):
    given = export(sweeps(), integrated(observations()) if table is None else table, params, "x")
    (path,) = write_pets(path / "dyn.cif_pets", given, params)
    return gemmi.cif.read(str(path)).sole_block(), given


def column(block, name):
    return np.array([float(v) for v in block.find_loop(name)])


def test_read_back(tmp_path):
    block, given = written(tmp_path)
    assert float(block.find_value("_cell_length_a")) == pytest.approx(77.6, abs=1e-4)
    assert float(block.find_value("_diffrn_radiation_wavelength")) == pytest.approx(0.9763)
    assert len(column(block, "_diffrn_zone_axis_id")) == 40
    hkl = np.column_stack([column(block, f"_refln_index_{a}") for a in "hkl"])
    r = given.every
    known = {(*h, round(i, 2)) for h, i in zip(r["hkl"].tolist(), r["intensity_sum"].tolist(), strict=True)}
    values = np.round(column(block, "_refln_intensity_meas"), 2)
    assert {(*map(int, h), v) for h, v in zip(hkl.tolist(), values.tolist(), strict=True)} <= known


def test_orientation_of_a_frame_puts_its_reflections_on_the_sphere(tmp_path):
    """By what the file says alone: omega, alpha and beta turn UB; the beam is along -z."""
    block, _ = written(tmp_path)
    ub = np.array([[float(block.find_value(f"_diffrn_orient_matrix_UB_{i}{j}")) for j in "123"] for i in "123"])
    names = ("omega", "alpha", "beta", "u", "v", "w")
    zones = {n: column(block, f"_diffrn_zone_axis_{n}") for n in names}
    frame = column(block, "_refln_zone_axis_id").astype(int) - 1
    hkl = np.column_stack([column(block, f"_refln_index_{a}") for a in "hkl"])
    s0 = np.array([0, 0, -1 / 0.9763])
    for number in (0, 17, 39):
        turns = zip(np.eye(3)[[2, 0, 1]], names, strict=False)
        z, x, y = (rotation_matrix(axis, np.radians(zones[name][[number]]))[0] for axis, name in turns)
        setting = z @ x @ y @ ub
        error = np.linalg.norm(hkl[frame == number] @ setting.T + s0, axis=1) - 1 / 0.9763
        assert len(error) > 3
        assert np.abs(error).max() < 0.0021
        axis = np.linalg.inv(setting).T @ np.zeros(3) + setting.T @ np.array([0, 0, 1])
        np.testing.assert_allclose([zones[n][number] for n in "uvw"], axis / np.abs(axis).max(), atol=2e-3)


@pytest.mark.parametrize("angles", [(0, 0, 0), (10, 20, 30), (-170, -80, 100), (5, 89, -179)])
def test_angles(angles):
    z, x, y = (rotation_matrix(np.eye(3)[n], np.radians([a]))[0] for n, a in zip((2, 0, 1), angles, strict=True))
    np.testing.assert_allclose(omega_alpha_beta(z @ x @ y), angles, atol=1e-8)


def test_frame_of_pets():
    e = sweeps()[0]
    turn = pets_frame(e)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(turn @ e.beam.s0 * e.beam.wavelength, [0, 0, -1], atol=1e-12)
    axis = turn @ lab_rotations(e.goniometer, np.zeros(1))[0] @ e.goniometer.axis
    assert axis[0] > 0.9
    assert axis[1] == pytest.approx(0, abs=1e-12)


def test_frames_together(tmp_path):
    params = PARAMS.model_copy(update={"n_merged": 4, "frame_step": 3})
    block, _ = written(tmp_path, params)
    assert len(column(block, "_diffrn_zone_axis_id")) == len(range(0, 37, 3))
    assert set(column(block, "_diffrn_zone_axis_precession_angle")) == {1.0}


def test_what_it_cannot_hold_is_told(tmp_path):
    two = export(sweeps(2), observations(2), PARAMS, "x")
    with pytest.raises(DoesNotFit, match="2 sweeps"):
        write_pets(tmp_path / "x.cif_pets", two, PARAMS)
    params = PARAMS.model_copy(update={"n_merged": 41})
    with pytest.raises(DoesNotFit, match="fewer than the 41"):
        written(tmp_path, params)


def test_partial_reflections_are_left_out(tmp_path):
    table = integrated(observations())
    block, _ = written(tmp_path, table=table.replace(partiality=np.where(table["hkl"][:, 2] == 2, 0.5, 1.0)))
    assert 2 not in column(block, "_refln_index_l")
