"""What HKLF, and the instructions of a refinement, say of the reflections beside them: used, or said not to be."""

from __future__ import annotations

import numpy as np
import pytest

from autoproc.formats.observed.read_shelx import read_shelx
from autoproc.formats.observed.shelx_hklf import NotHklf4

INS = """TITL x
CELL 0.71073 8.141 5.432 12.038 90 90 90
LATT -1
SYMM -X, Y, -Z
SFAC C H
{}
"""
HKL = [(1, 2, -3), (2, 0, 4), (0, 6, 1)]


def written(folder, said, behind="", res=""):
    lines = [f"{h:4d}{k:4d}{m:4d}{10.0 * n + 5:8.2f}{1.5:8.2f}" for n, (h, k, m) in enumerate(HKL)]
    (folder / "a.hkl").write_text("\n".join([*lines, f"{0:4d}{0:4d}{0:4d}{0:8.2f}{0:8.2f}", behind]) + "\n")
    (folder / "a.ins").write_text(INS.format(said))
    if res:
        (folder / "a.res").write_text(INS.format(res))
    return folder / "a.hkl"


def test_the_factor_is_of_intensities_and_sigmas(tmp_path):
    data = read_shelx(written(tmp_path, "HKLF 4 0.1"))
    np.testing.assert_allclose(data.reflections["intensity_scale"], [0.5, 1.5, 2.5])
    np.testing.assert_allclose(data.reflections["variance_scale"], 0.15**2)
    assert "intensities and sigmas are multiplied by 0.1, as a.ins says" in data.remarks


@pytest.mark.parametrize("matrix", ["0 1 0 1 0 0 0 0 -1", "0 1 0  1 0 0 =\n  0 0 -1", "0 1 0 1 0 0 0 0 -1 1 0"])
def test_the_matrix_turns_indices_to_those_of_the_cell(tmp_path, matrix):
    data = read_shelx(written(tmp_path, f"HKLF 4 1 {matrix}"))
    assert data.reflections["hkl"].tolist() == [[2, 1, 3], [0, 2, -4], [6, 0, -1]]
    assert any(remark.startswith("indices are turned by the matrix of HKLF 4 1 0 1 0") for remark in data.remarks)
    d = data.experiments[0].crystal.unit_cell.calculate_d_array(data.reflections["hkl"])
    np.testing.assert_allclose(data.reflections["d"], d, rtol=1e-6)


def test_rows_are_of_the_new_indices(tmp_path):
    data = read_shelx(written(tmp_path, "HKLF 4 1 1 1 0 0 1 0 0 0 1"))
    assert data.reflections["hkl"].tolist() == [[3, 2, -3], [2, 0, 4], [6, 6, 1]]


def test_thirds_are_as_people_write_them(tmp_path):
    path = written(tmp_path, "HKLF 4 1 0.3333 0.3333 0 -1 1 0 0 0 1")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[3:]]) + "\n")
    assert read_shelx(path).reflections["hkl"].tolist() == [[1, 1, -3]]


def test_a_matrix_to_another_cell_than_is_taken_is_refused(tmp_path):
    path = written(tmp_path, "HKLF 4 1 0 1 0 1 0 0 0 0 -1")
    with pytest.raises(NotHklf4, match=r"a cell of a\.ins, and the cell is that of the parameters"):
        read_shelx(path, (8.141, 5.432, 12.038, 90, 90, 90), "P 2")


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("TWIN 0 1 0 1 0 0 0 0 -1\nBASF 0.3", "TWIN, BASF in a.ins are"),
        ("SHEL 99 1", "SHEL in a.ins is"),
    ],
)
def test_what_is_of_the_refinement_is_not_used_and_that_is_said(tmp_path, said, named):
    data = read_shelx(written(tmp_path, f"{said}\nHKLF 4"))
    plain = read_shelx(written(tmp_path, "HKLF 4"))
    np.testing.assert_array_equal(data.reflections["intensity_scale"], plain.reflections["intensity_scale"])
    (told,) = [remark for remark in data.remarks if remark not in plain.remarks]
    assert told.startswith(f"{named} of the refinement, and not used")


def test_of_two_that_differ_the_file_with_the_cell_counts(tmp_path):
    data = read_shelx(written(tmp_path, "HKLF 4 2", behind="HKLF 4 1 0 1 0 1 0 0 0 0 -1"))
    np.testing.assert_allclose(data.reflections["intensity_scale"], [10, 30, 50])
    assert "a.ins has HKLF 4 2, and a.hkl HKLF 4 1 0 1 0 1 0 0 0 0 -1: the first is taken" in data.warnings
    assert not [w for w in read_shelx(written(tmp_path, "HKLF 4", res="HKLF 4 1")).warnings if "first is taken" in w]
