from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import gemmi
import numpy as np
import pytest
from exported_for_tests import exported, observations, sweeps
from hypothesis import given, settings
from hypothesis import strategies as st
from models_for_tests import crystal

from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import DoesNotFit, intensities
from autoproc.formats.export.write_shelx import _line, column_scale, instructions, symmetry_cards, write_shelx
from autoproc.stages.export import export

PARAMS = ExportParams(format="shelx")
WIDTHS = (4, 4, 4, 8, 8, 4)


def fields(line):
    """The fields of a line by their columns, as Fortran reads them."""
    starts = np.cumsum((0, *WIDTHS))
    return [float(line[a:b]) for a, b in pairwise(starts)]


def rows(path):
    lines = path.read_text(encoding="ascii").splitlines()
    assert all(len(line) == sum(WIDTHS) for line in lines)
    return np.array([fields(line) for line in lines])


def cards(path):
    return [line.split(None, 1) for line in path.read_text(encoding="ascii").splitlines()]


def test_read_back(tmp_path):
    given_ = exported("shelx", n_sweeps=2)
    hkl, ins = write_shelx(tmp_path / "a b.hkl", given_, PARAMS)
    assert ins.name == "a b.ins"
    table = rows(hkl)
    np.testing.assert_array_equal(table[-1], 0)
    table = table[:-1]
    assert len(table) == len(given_.observations)
    assert set(table[:, 5]) == {1.0, 2.0}
    value, sigma = intensities(given_.observations)
    factor = table[:, 3].max() / value.max()
    np.testing.assert_allclose(np.sort(table[:, 3]), np.sort(value * factor), atol=0.006)
    np.testing.assert_allclose(np.sort(table[:, 4]), np.sort(sigma * factor), atol=0.006)
    known = {tuple(h) for h in given_.observations["hkl"].tolist()}
    assert {tuple(h) for h in table[:, :3].astype(int).tolist()} == known


def test_instructions(tmp_path):
    _, ins = write_shelx(
        tmp_path / "x.hkl", exported("shelx"), ExportParams(composition="C613 H959 N193 O185 S10", z=8)
    )
    said = dict(card for card in cards(ins) if len(card) == 2 and card[0] not in ("SYMM", "REM"))
    cell = [float(v) for v in said["CELL"].split()]
    assert cell[0] == pytest.approx(0.9763)
    np.testing.assert_allclose(cell[1:], sweeps()[0].crystal.cell, atol=1e-3)
    zerr = [float(v) for v in said["ZERR"].split()]
    assert zerr[0] == 8
    np.testing.assert_allclose(zerr[1:], (0.01, 0.01, 0.005, 0, 0, 0))
    assert said["LATT"] == "-1"
    assert said["SFAC"] == "C H N O S"
    assert said["UNIT"].split() == ["4904", "7672", "1544", "1480", "80"]
    assert [c[0] for c in cards(ins)][-2:] == ["HKLF", "END"]
    assert sum(c[0] == "SYMM" for c in cards(ins)) == 7


def operations_of(lattice, symmetry):
    """All operations of a group as SHELX makes them of LATT and SYMM."""
    shifts = {1: [], 2: ["1/2,1/2,1/2"], 3: ["2/3,1/3,1/3", "1/3,2/3,2/3"], 4: ["0,1/2,1/2", "1/2,0,1/2", "1/2,1/2,0"],
              5: ["0,1/2,1/2"], 6: ["1/2,0,1/2"], 7: ["1/2,1/2,0"]}  # fmt: skip
    listed = [gemmi.Op("x,y,z"), *(gemmi.Op(s.lower().replace(" ", "")) for s in symmetry)]
    if lattice > 0:
        listed += [op * gemmi.Op("-x,-y,-z") for op in listed]
    moved = [",".join(f"{x}+{t}" for x, t in zip("xyz", s.split(","), strict=True)) for s in shifts[abs(lattice)]]
    every = listed + [gemmi.Op(m) * op for m in moved for op in listed]
    return {op.wrap().triplet() for op in every}


GROUPS = [g.xhm() for g in gemmi.spacegroup_table() if g.ext != "1"]


@pytest.mark.parametrize(
    "name", GROUPS[::7] + ["P 1 21/c 1", "P -1", "C 1 2/c 1", "F d d d:2", "R 3:H", "R 3:R", "I 41/a:2"]
)
def test_symmetry_cards_make_the_group(name):
    group = gemmi.SpaceGroup(name)
    assert operations_of(*symmetry_cards(group)) == {op.wrap().triplet() for op in group.operations()}


def test_a_centre_beside_the_origin_is_told():
    with pytest.raises(DoesNotFit, match="beside the origin"):
        symmetry_cards(gemmi.SpaceGroup("F d d d:1"))


number = st.floats(-1e12, 1e12).filter(lambda x: x == 0 or abs(x) > 1e-12)


@settings(deadline=None)
@given(st.lists(st.tuples(number, st.floats(1e-12, 1e12)), max_size=20))
def test_columns_never_overflow(values):
    value, sigma = np.array(values, float).reshape(-1, 2).T
    factor = column_scale(value, sigma)
    for v, s in zip(value * factor, sigma * factor, strict=True):
        line = _line([-999, 9999, 0, v, max(s, 0.01), 9999]).rstrip("\n")
        assert len(line) == sum(WIDTHS)
        assert fields(line)[3] == pytest.approx(v, abs=0.006)
        assert fields(line)[4] > 0


def test_indices_that_do_not_fit_are_told(tmp_path):
    table = observations()
    wide = table.replace(hkl=np.where(np.arange(len(table))[:, None] == 0, [-1000, 0, 1], table["hkl"]))
    with pytest.raises(DoesNotFit, match="four characters"):
        write_shelx(tmp_path / "x.hkl", export(sweeps(), wide, PARAMS, "x"), PARAMS)
    assert not (tmp_path / "x.hkl").exists()


def test_titles_are_ascii(tmp_path):
    given_ = export(sweeps(), observations(), PARAMS, "Käfer\nEND")
    _, ins = write_shelx(tmp_path / "x.hkl", given_, PARAMS)
    assert cards(ins)[0] == ["TITL", "K_fer_END in P 43 21 2"]


def test_small_molecules(tmp_path):
    made = crystal((5.4, 8.1, 12.0, 90, 90, 90), "P 21 21 21")
    params = ExportParams(format="shelx", composition="C3 H7 N O2 S")
    given_ = export(sweeps(made=made), observations(made=made, d_min=0.9), params, "cys")
    _, ins = write_shelx(tmp_path / "x.hkl", given_, params)
    said = dict(card for card in cards(ins) if len(card) == 2)
    assert said["UNIT"].split() == ["12", "28", "4", "8", "4"]


@pytest.mark.parametrize(
    ("name", "first"), [("P 21 21 21", "1/2-X, -Y, 1/2+Z"), ("P 1 21/c 1", "-X, 1/2+Y, 1/2-Z"), ("P 3", "-Y, X-Y, Z")]
)
def test_shifts_come_first(name, first):
    assert symmetry_cards(gemmi.SpaceGroup(name))[1][0] == first


@pytest.mark.parametrize(("wavelength", "n"), [(0.9763, 3), (0.71073, 0), (1.5418, 0), (0.56, 3)])
def test_dispersion_is_told_where_the_wavelength_is_no_tubes(wavelength, n):
    known = [replace(e, beam=replace(e.beam, wavelength=wavelength)) for e in sweeps()]
    said = instructions("x", known, ExportParams(composition="C3 H7 Se")).splitlines()
    cards = [line.split() for line in said if line.startswith("DISP")]
    assert len(cards) == n
    if n:
        places = [said.index(line) for line in said if line.startswith(("SFAC", "DISP", "UNIT"))]
        assert [said[p][:4] for p in places] == ["SFAC", "DISP", "DISP", "DISP", "UNIT"]
        assert [card[1] for card in cards] == ["C", "H", "Se"]
        assert cards[1][2:] == ["0.0000", "0.0000"]
    if wavelength == 0.9763:  # below selenium's edge, 0.9797 A
        assert -6 < float(cards[2][2]) < -2
        assert 3 < float(cards[2][3]) < 4.5
