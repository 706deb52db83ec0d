"""HKLF 4 files come in with the cell and symmetry of the file beside them."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.errors import BadHeader, CorruptFile
from autoproc.formats.observed.read_shelx import is_shelx_hkl, read_shelx
from autoproc.formats.observed.shelx_ins import BadInstruction, NoCell

INS = """TITL x in P2(1)/c
CELL 0.71073 5.432 8.141 12.038 90 98.3 90
ZERR 4 0.001 0.001 0.001 0 0.01 0
LATT 1
SYMM -X, 0.5+Y, 0.5-Z
SFAC C H
HKLF 4
"""


def line(h, k, m, value, sigma, batch="") -> str:
    return f"{h:4d}{k:4d}{m:4d}{value:8.2f}{sigma:8.2f}{batch:>4}"


def written(folder, lines, beside=INS, suffix=".ins"):
    (folder / "a.hkl").write_text("\n".join(lines) + "\n")
    if beside:
        (folder / f"a{suffix}").write_text(beside)
    return folder / "a.hkl"


ROWS = [line(1, 2, -3, 12.5, 0.5), line(-1, 2, 3, 9999.99, 20.01), line(0, 0, 2, -1.25, 0.75)]


def test_observations_and_what_the_ins_file_says(tmp_path):
    data = read_shelx(written(tmp_path, [*ROWS, line(0, 0, 0, 0, 0), line(1, 1, 1, 5, 5)]))
    (read,) = data.experiments
    assert data.reflections["hkl"].tolist() == [[1, 2, -3], [-1, 2, 3], [0, 0, 2]]
    unit = data.reflections["lp"][0]
    np.testing.assert_allclose(data.reflections["intensity_sum"] * unit, [12.5, 9999.99, -1.25])
    np.testing.assert_allclose(np.sqrt(data.reflections["variance_sum"]) * unit, [0.5, 20.01, 0.75])
    assert read.crystal.cell == pytest.approx((5.432, 8.141, 12.038, 90, 98.3, 90))
    assert read.beam.wavelength == pytest.approx(0.71073)
    assert read.crystal.space_group.xhm() == "P 1 21/c 1"
    assert "decay, absorption and shadows cannot be found" in data.remarks[0]
    (assumed,) = data.assumed
    assert assumed.startswith("intensities are corrected for the polarisation")
    assert data.is_scaled
    np.testing.assert_allclose(data.reflections["intensity_scale"], [12.5, 9999.99, -1.25])
    np.testing.assert_allclose(data.reflections["variance_scale"], np.square([0.5, 20.01, 0.75]))


def test_batches_are_sweeps(tmp_path):
    data = read_shelx(written(tmp_path, [line(1, 2, 3, 5, 1, n) for n in (1, 2, 2, 7)]))
    assert len(data.experiments) == 3
    assert data.reflections["experiment_id"].tolist() == [0, 1, 1, 2]


def test_a_p4p_file_tells_cell_and_wavelength(tmp_path):
    p4p = "FILEID SAINT\nCELL     5.4320 8.1410 12.0380 90.0 98.3 90.0 527.1\nSOURCE Mo   0.71073   0.70930   0.71359\n"
    data = read_shelx(written(tmp_path, ROWS, p4p, ".p4p"))
    assert data.experiments[0].beam.wavelength == pytest.approx(0.71073)
    assert data.experiments[0].crystal.space_group.number == 1
    assert any("P 1" in sentence for sentence in data.assumed)
    assert "the cell is that of a.p4p" in data.remarks


def test_without_a_cell_nothing_is_known(tmp_path):
    with pytest.raises(NoCell, match=r"a\.ins"):
        read_shelx(written(tmp_path, ROWS, ""))


def test_or_the_user_tells_the_lattice(tmp_path):
    path = written(tmp_path, ROWS, "")
    (read,) = read_shelx(path, (5.4, 8.1, 12.0, 90, 98.3, 90), "P21/c").experiments
    assert read.crystal.cell == pytest.approx((5.4, 8.1, 12.0, 90, 98.3, 90))
    assert read.crystal.space_group.xhm() == "P 1 21/c 1"


@pytest.mark.parametrize(
    ("lines", "beside", "error"),
    [
        ([*ROWS, "   1   x   3   12.50    0.50"], INS, CorruptFile),
        ([line(0, 0, 0, 0, 0)], INS, CorruptFile),
        (ROWS, INS.replace("8.141", "-8.14"), BadHeader),
        (ROWS, INS.replace("CELL 0.71073 5.432", "CELL 0.71073 x"), CorruptFile),
        (ROWS, INS.replace("SYMM -X", "SYMM -Q"), CorruptFile),
    ],
)
def test_damage_is_named(tmp_path, lines, beside, error):
    with pytest.raises(error, match="a"):
        read_shelx(written(tmp_path, lines, beside))


@pytest.mark.parametrize("cut", ["0.71073 5.432 8.141 =\n  12.038", "0.71073 = ! first\n 5.432 =\n 8.141 12.038"])
def test_instructions_go_on_behind_an_equals_sign(tmp_path, cut):
    ins = INS.replace("0.71073 5.432 8.141 12.038", cut).replace("P2(1)/c", "x =")
    (read,) = read_shelx(written(tmp_path, ROWS, ins)).experiments
    assert read.crystal.cell == pytest.approx((5.432, 8.141, 12.038, 90, 98.3, 90))
    assert read.crystal.space_group.xhm() == "P 1 21/c 1"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("LATT 1", "LATT x", r"line 4, 'LATT x', .* LATT has a whole number"),
        ("LATT 1", "LATT 9", r"line 4, 'LATT 9', .* LATT has a whole number"),
        ("SYMM -X", "SYMM -Q", r"line 5, 'SYMM -Q.*SYMM has a symmetry operation"),
        (" 98.3 90\n", " 98.3\n", r"line 2, 'CELL .*CELL has the wavelength and six"),
    ],
)
def test_the_line_of_the_ins_file_that_is_wrong_is_named(tmp_path, old, new, words):
    with pytest.raises(BadInstruction, match=rf"a\.ins is damaged: its {words}") as error:
        read_shelx(written(tmp_path, ROWS, INS.replace(old, new)))
    assert error.value.hint.startswith("put that line right with a text editor")


@pytest.mark.parametrize(
    "name", ["P 1", "P -1", "P 21/c", "C 2", "C 2/c", "P 21 21 21", "P b c a", "F d d 2", "I 41/a", "R 3:H", "A b a 2"]
)
def test_every_kind_of_lattice(tmp_path, name):
    group = gemmi.SpaceGroup(name)
    ops = group.operations()
    centring = {"P": 1, "I": 2, "R": 3, "F": 4, "A": 5, "B": 6, "C": 7}[name[0]]
    symmetry = [op for op in ops.sym_ops if op != gemmi.Op()]
    if ops.is_centrosymmetric():  # SHELX wants the inversion at the origin, and no mates by it
        inverse = gemmi.Op("-x,-y,-z")
        half = []
        for op in symmetry:
            if op != inverse and (op * inverse).wrap() not in half:
                half.append(op)
        symmetry = half
    signed = centring if gemmi.Op("-x,-y,-z") in list(ops.sym_ops) else -centring
    lines = [f"SYMM {op.triplet()}" for op in symmetry]
    ins = "\n".join(
        ["CELL 0.7 10 10 10 90 90 " + ("120" if name == "R 3:H" else "90"), f"LATT {signed}", *lines, "HKLF 4"]
    )
    (read,) = read_shelx(written(tmp_path, ROWS, ins)).experiments
    assert read.crystal.space_group.operations() == ops


@given(
    rows=st.lists(
        st.tuples(*[st.integers(-99, 99)] * 3, st.floats(-9999, 99999), st.floats(0.01, 9999), st.integers(1, 99)),
        min_size=1,
        max_size=8,
    )
)
def test_every_line_as_the_format_has_it_is_known(rows):
    text = "\n".join(line(h, k, m, value, sigma, batch) for h, k, m, value, sigma, batch in rows) + "\n"
    assert is_shelx_hkl(text.encode())


@pytest.mark.parametrize("start", [b"", b"\n", b"MTZ ", b"!FORMAT=XDS_ASCII", b"1 2 3 4 5\n", b"\x89HDF\r\n"])
def test_other_files_are_not(start):
    assert not is_shelx_hkl(start)
