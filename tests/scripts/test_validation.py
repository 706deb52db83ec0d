"""The comparison with the truth that scripts/validate prints must itself be right."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import gemmi
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from validation.truth import NotTheLattice, compare, read_truth

CELL = (96.4, 51.2, 62.3, 90.0, 112.7, 90.0)
TO_I = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 1]])  # hkl of I 1 2 1 = hkl of C 1 2 1 @ TO_I


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    hkl = np.asarray(gemmi.make_miller_array(gemmi.UnitCell(*CELL), gemmi.SpaceGroup("C 1 2 1"), 4.0), np.int32)
    rng = np.random.default_rng(5)
    plus = 100 * rng.standard_exponential(len(hkl))
    params = json.dumps({"cell": CELL, "space_group": "C 1 2 1", "cell_drift": 0.0})
    path = tmp_path / "truth.npz"
    np.savez(path, hkl=hkl, ip=plus, im=1.1 * plus, U=np.eye(3)[None], params=params)
    return path


def merged(path: Path, hkl: np.ndarray, intensity: np.ndarray, cell: gemmi.UnitCell, group: str) -> Path:
    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = gemmi.SpaceGroup(group)
    mtz.add_dataset("x")
    mtz.set_cell_for_all(cell)
    for label, kind in (("IMEAN", "J"), ("SIGIMEAN", "Q"), ("SIGI(+)", "M"), ("SIGI(-)", "M")):
        mtz.add_column(label, kind)
    columns = [intensity, np.full(len(hkl), 2.0), np.full(len(hkl), 3.0), np.full(len(hkl), 3.0)]
    mtz.set_data(np.column_stack([hkl, *columns]).astype(np.float32))
    mtz.write_to_file(str(path))
    return path


def in_i_setting(scale: float) -> gemmi.UnitCell:
    a, b, c = (np.array(v) for v in np.array(gemmi.UnitCell(*CELL).orth.mat.tolist()).T)
    axes = TO_I.T @ np.array([a, b, c])
    lengths = scale * np.linalg.norm(axes, axis=1)
    beta = np.degrees(np.arccos(axes[0] @ axes[2] * scale**2 / (lengths[0] * lengths[2])))
    return gemmi.UnitCell(*lengths, 90, beta, 90)


def test_another_setting_is_the_same_crystal(truth: Path, tmp_path: Path) -> None:
    with np.load(truth) as t:
        hkl, mean = t["hkl"], 0.5 * (t["ip"] + t["im"])
    noise = np.random.default_rng(1).normal(0, 2.0, len(hkl))
    found = compare(
        read_truth(truth), merged(tmp_path / "i.mtz", hkl @ TO_I, mean + noise, in_i_setting(1.002), "I 1 2 1")
    )
    assert found.cell_error == pytest.approx(0.2, abs=0.001)
    assert found.angle_error < 0.001
    assert found.cc > 0.999
    assert np.mean([shell.chi2 for shell in found.shells]) == pytest.approx(1.0, abs=0.2)


def test_wrong_indices_are_found_out(truth: Path, tmp_path: Path) -> None:
    with np.load(truth) as t:
        hkl, mean = t["hkl"], t["ip"]
    path = merged(tmp_path / "shifted.mtz", hkl + [0, 0, 1], mean, gemmi.UnitCell(*CELL), "C 1 2 1")
    assert compare(read_truth(truth), path).cc < 0.3


def test_another_lattice_is_refused(truth: Path, tmp_path: Path) -> None:
    path = merged(
        tmp_path / "other.mtz", np.array([[1, 1, 0]]), np.ones(1), gemmi.UnitCell(40, 50, 60, 90, 90, 90), "P 1"
    )
    with pytest.raises(NotTheLattice):
        compare(read_truth(truth), path)
