from __future__ import annotations

import gzip

import gemmi
import numpy as np
import pytest
from wedges_for_tests import wedges_of

from autoproc.formats.observed.mtz import write_unmerged_mtz
from autoproc.formats.observed.reference_data import NoReference, read_reference


@pytest.fixture(scope="module")
def wedges():
    return wedges_of("P 4", 2, any_setting=False, as_indexed=False)


def test_unmerged_data_are_in_their_own_indices(wedges, tmp_path):
    path = tmp_path / "unmerged.mtz"
    write_unmerged_mtz(path, wedges.experiments, wedges.reflections)
    found = read_reference(path)
    assert found.kind == "unmerged data"
    assert sorted(map(tuple, found.hkl.tolist())) == sorted(map(tuple, wedges.reflections["hkl"].tolist()))


def test_structure_factors_as_mmcif(tmp_path):
    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = gemmi.SpaceGroup("P 4")
    mtz.set_cell_for_all(gemmi.UnitCell(40, 40, 50, 90, 90, 90))
    mtz.add_dataset("known")
    for label, kind in (("IMEAN", "J"), ("SIGIMEAN", "Q")):
        mtz.add_column(label, kind)
    mtz.set_data(np.array([[1, 2, 3, 7, 1], [2, 1, 1, np.nan, np.nan], [0, 0, 4, 9, 1]], np.float32))
    path = tmp_path / "known.cif"
    path.write_text(gemmi.MtzToCif().write_cif_to_string(mtz))
    found = read_reference(path)
    assert found.kind == "structure factors"
    assert dict(zip(map(tuple, found.hkl.tolist()), found.intensity.tolist(), strict=True)) == {
        (1, 2, 3): 7,
        (0, 0, 4): 9,
    }
    np.testing.assert_allclose(found.cell.parameters, (40, 40, 50, 90, 90, 90))


def known_mtz(values, label="IMEAN", kind="J"):
    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = gemmi.SpaceGroup("P 4")
    mtz.set_cell_for_all(gemmi.UnitCell(40, 40, 50, 90, 90, 90))
    mtz.add_dataset("known")
    mtz.add_column(label, kind)
    mtz.add_column(f"SIG{label}", "Q")
    mtz.set_data(np.column_stack([[[1, 2, 3], [0, 0, 4]], values, [1, 1]]).astype(np.float32))
    return mtz


@pytest.mark.parametrize("name", ["known.cif.gz", "known.mtz.gz"])
def test_compressed_files(tmp_path, name):
    mtz = known_mtz([7.0, 9.0])
    text = gemmi.MtzToCif().write_cif_to_string(mtz).encode() if ".cif" in name else mtz.write_to_bytes()
    (tmp_path / name).write_bytes(gzip.compress(text))
    assert sorted(read_reference(tmp_path / name).intensity.tolist()) == [7, 9]


@pytest.mark.parametrize(("label", "kind", "power"), [("I_peak", "J", 1), ("F_peak", "F", 2), ("F_peak(+)", "G", 2)])
def test_columns_of_other_names_are_known_by_their_types(tmp_path, label, kind, power):
    (tmp_path / "known.mtz").write_bytes(known_mtz([7.0, 9.0], label, kind).write_to_bytes())
    assert read_reference(tmp_path / "known.mtz").intensity.tolist() == [7**power, 9**power]


@pytest.mark.parametrize("values", [[np.nan, np.nan], [0.0, 0.0]])
def test_intensities_that_tell_nothing_are_none(tmp_path, values):
    (tmp_path / "known.mtz").write_bytes(known_mtz(values).write_to_bytes())
    with pytest.raises(NoReference, match="none of its intensities is a number other than 0"):
        read_reference(tmp_path / "known.mtz")


@pytest.mark.parametrize("name", ["empty.cif", "empty.mtz", "empty.pdb"])
def test_an_empty_file_is_none(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(NoReference):
        read_reference(tmp_path / name)


def test_an_mtz_without_intensities_is_none(tmp_path):
    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = gemmi.SpaceGroup("P 4")
    mtz.set_cell_for_all(gemmi.UnitCell(40, 40, 50, 90, 90, 90))
    mtz.add_dataset("known")
    mtz.add_column("FreeR_flag", "I")
    mtz.set_data(np.array([[1, 2, 3, 7]], np.float32))
    path = tmp_path / "flags.mtz"
    path.write_bytes(mtz.write_to_bytes())
    with pytest.raises(NoReference, match="no intensities or amplitudes"):
        read_reference(path)


def test_a_cell_that_the_group_cannot_have(tmp_path):
    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = gemmi.SpaceGroup("P 4")
    mtz.set_cell_for_all(gemmi.UnitCell(40, 46, 50, 90, 90, 90))
    mtz.add_dataset("known")
    mtz.add_column("IMEAN", "J")
    mtz.set_data(np.array([[1, 2, 3, 7]], np.float32))
    mtz.write_to_file(str(tmp_path / "known.mtz"))
    with pytest.raises(NoReference, match="P 4 is tetragonal, and the cell 40 46 50 90 90 90"):
        read_reference(tmp_path / "known.mtz")
