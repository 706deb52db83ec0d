from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from exported_for_tests import exported
from hypothesis import given, settings
from hypothesis import strategies as st
from models_for_tests import crystal

from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import DoesNotFit, intensities
from autoproc.formats.export.write_sca import compact_symbol, merged_lines, scale_for_columns, write_sca

MERGED, UNMERGED = ExportParams(format="sca"), ExportParams(format="sca", unmerged=True)


def read_merged(path):
    """Header and rows of a merged file: (3I4, 4F8.1), short lines and 0.0 -1.0 for what was not measured."""
    lines = path.read_text(encoding="ascii").splitlines()
    assert lines[:2] == ["    1", " -987"]
    cell = [float(lines[2][n : n + 10]) for n in range(0, 60, 10)]
    found = {}
    for line in lines[3:]:
        assert len(line) in (28, 44)
        h = tuple(int(line[n : n + 4]) for n in (0, 4, 8))
        values = [float(line[n : n + 8]) for n in range(12, len(line), 8)]
        found[h] = values + [np.nan] * (4 - len(values))
    return cell, lines[2][61:], found


def test_merged_read_back(tmp_path):
    given_ = exported("sca")
    m = given_.merged
    (path,) = write_sca(tmp_path / "x.sca", given_, MERGED)
    cell, group, found = read_merged(path)
    np.testing.assert_allclose(cell, m.cell.parameters, atol=1e-3)
    assert group == "p43212"
    assert len(found) == len(m)
    rows = np.array([found[tuple(h)] for h in m.hkl.tolist()])
    missing = rows[:, 1] == -1
    np.testing.assert_array_equal(missing, np.isnan(m.intensity_plus))
    factor = np.nanmax(np.where(missing, np.nan, rows[:, 0])) / np.nanmax(m.intensity_plus)
    np.testing.assert_allclose(rows[~missing, 0], factor * m.intensity_plus[~missing], atol=0.11)
    apart = ~m.is_centric
    np.testing.assert_array_equal(np.isnan(rows[apart, 2]), np.isnan(m.intensity_minus[apart]))
    np.testing.assert_allclose(rows[apart, 2], factor * m.intensity_minus[apart], atol=0.11)
    assert np.isnan(rows[m.is_centric, 2]).all()


def test_merged_without_mates(tmp_path):
    given_ = exported("sca", anomalous=False)
    (path,) = write_sca(tmp_path / "x.sca", given_, ExportParams(anomalous=False))
    _, _, found = read_merged(path)
    rows = np.array([found[tuple(h)] for h in given_.merged.hkl.tolist()])
    assert np.isnan(rows[:, 2:]).all()
    assert np.corrcoef(rows[:, 0], given_.merged.intensity)[0, 1] > 0.99999


def test_unmerged_read_back(tmp_path):
    given_ = exported("sca", n_sweeps=2, unmerged=True)
    (path,) = write_sca(tmp_path / "x.sca", given_, UNMERGED)
    lines = path.read_text(encoding="ascii").splitlines()
    assert lines[0] == "    8 p43212"
    listed = set()
    for rot, shift in zip(lines[1:17:2], lines[2:17:2], strict=True):
        op = gemmi.Op()
        op.rot = (2 * 12 * np.array([int(rot[n : n + 3]) for n in range(0, 27, 3)]).reshape(3, 3)).tolist()
        op.tran = [2 * int(shift[n : n + 3]) for n in range(0, 9, 3)]
        listed.add(op.triplet())
    assert listed == {op.triplet() for op in gemmi.SpaceGroup("P 43 21 2").operations()}
    widths = np.cumsum([0, 4, 4, 4, 4, 4, 4, 6, 2, 2, 3, 8, 8])
    rows = np.array([[float(line[a:b]) for a, b in zip(widths, widths[1:], strict=False)] for line in lines[17:]])  # noqa: RUF007
    r = given_.observations
    assert len(rows) == len(r)
    assert set(rows[:, 6] // 1000) == {0, 1}
    value, _ = intensities(r)
    wanted = sorted(
        zip(*r["hkl"].T.tolist(), np.round(value * rows[:, 10].max() / value.max(), 1).tolist(), strict=True)
    )
    found = sorted(zip(*rows[:, :3].astype(int).T.tolist(), rows[:, 10].tolist(), strict=True))
    np.testing.assert_allclose(found, wanted, atol=0.11)
    asu = gemmi.ReciprocalAsu(gemmi.SpaceGroup("P 43 21 2"))
    assert all(asu.is_in([int(h) for h in row[3:6]]) for row in rows)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("P 43 21 2", "p43212"),
        ("R 3:H", "h3"),
        ("R 3:R", "r3"),
        ("R 3 2:H", "h32"),
        ("C 1 2 1", "c2"),
        ("I 1 2 1", "i2"),
    ],
)
def test_symbols(name, said):
    assert compact_symbol(gemmi.SpaceGroup(name)) == said


number = st.floats(-1e12, 1e12).filter(lambda x: x == 0 or abs(x) > 1e-12)


@settings(deadline=None)
@given(st.lists(number, max_size=20))
def test_columns_never_overflow(values):
    scaled = np.array(values, float)
    scaled = scaled * scale_for_columns(scaled)
    assert all(len(f"{value:8.1f}") == 8 for value in scaled)


def test_nothing_but_one_mate(tmp_path):
    m = exported("sca").merged
    nothing = np.full(len(m), np.nan)
    lonely = replace(m, intensity_plus=nothing, is_centric=np.zeros(len(m), bool))
    lines = list(merged_lines(lonely, True))
    assert len(lines) == 3 + np.count_nonzero(np.isfinite(m.intensity_minus))
    assert all(line[12:28] == "     0.0    -1.0" for line in lines[3:])


@pytest.mark.parametrize("params", [MERGED, UNMERGED])
def test_indices_that_do_not_fit_are_told(tmp_path, params):
    given_ = exported("sca")
    far = given_.merged.hkl.copy()
    far[0] = [-1000, 0, 1]
    table = given_.observations
    wide = table.replace(hkl=np.where(np.arange(len(table))[:, None] == 0, [-1000, 0, 1], table["hkl"]))
    given_ = replace(given_, merged=replace(given_.merged, hkl=far), observations=wide)
    with pytest.raises(DoesNotFit, match="four characters"):
        write_sca(tmp_path / "x.sca", given_, params)


def test_hexagonal(tmp_path):
    made = crystal((77, 77, 90, 90, 90, 120), "H 3")
    (path,) = write_sca(tmp_path / "x.sca", exported("sca", made=made), MERGED)
    assert read_merged(path)[1] == "h3"
