"""Free-R flags are understood in the conventions of the programs that wrote them."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.formats.observed.free_flags import NoFreeFlags, NotFlags, as_sets, read_free_flags
from autoproc.formats.observed.reference_data import NoReference

HKL = np.array([[h, k, 1] for h in range(10) for k in range(10)])
OF_CCP4 = np.arange(100) % 20
IS_TEST = OF_CCP4 == 0


def mtz_file(path, values, label="FreeR_flag", with_intensities=True):
    mtz = gemmi.Mtz(with_base=True)
    mtz.spacegroup = gemmi.SpaceGroup("P 4")
    mtz.set_cell_for_all(gemmi.UnitCell(40, 40, 50, 90, 90, 90))
    mtz.add_dataset("known")
    columns = [HKL, np.asarray(values, float)]
    mtz.add_column(label, "I")
    if with_intensities:
        mtz.add_column("IMEAN", "J")
        columns.append(np.arange(100.0))
    mtz.set_data(np.column_stack(columns).astype(np.float32))
    path.write_bytes(mtz.write_to_bytes())
    return path


def cif_file(path, **columns):
    names = "".join(f"_refln.{name}\n" for name in ("index_h", "index_k", "index_l", "F_meas_au", *columns))
    rows = "\n".join(
        " ".join(map(str, (*hkl, 10.0, *values)))
        for hkl, values in zip(HKL.tolist(), zip(*columns.values(), strict=True), strict=True)
    )
    cell = "".join(f"_cell.{n} {v}\n" for n, v in zip(
        ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"), (40, 40, 50, 90, 90, 90),
        strict=True,
    ))  # fmt: skip
    head = f"data_r1abcsf\n{cell}_symmetry.space_group_name_H-M 'P 4'\nloop_\n"
    path.write_text(f"{head}{names}{rows}\n")
    return path


@pytest.mark.parametrize(
    ("values", "has_sets", "words"),
    [
        (OF_CCP4, True, "sets 0 to 19, 0 is the test set"),
        (IS_TEST, False, "1 is the test set, 0 the rest"),
        (~IS_TEST, False, "0 is the test set, 1 the rest"),
        (np.where(IS_TEST, -1, 1), False, "-1 is the test set, 1 the rest"),
        (OF_CCP4 + 1, True, "sets 1 to 20, 1 is the test set"),
    ],
)
def test_conventions(tmp_path, values, has_sets, words):
    found = read_free_flags(mtz_file(tmp_path / "x.mtz", values))
    np.testing.assert_array_equal(found.hkl, HKL)
    np.testing.assert_array_equal(found.number == 0, IS_TEST)
    assert found.has_sets == has_sets
    assert found.convention == f"FreeR_flag: {words}"
    assert (found.number.max() > 1) == has_sets
    assert found.known is not None


def test_sets_keep_their_numbers():
    number, has_sets, _ = as_sets("x", OF_CCP4.astype(float), "FREE")
    assert has_sets
    np.testing.assert_array_equal(number, OF_CCP4)


@pytest.mark.parametrize("label", ["R-free-flags", "FREE", "RFREE", "TEST", "Free_Flag", "R-free-flags(+)"])
def test_names_of_columns(tmp_path, label):
    assert (read_free_flags(mtz_file(tmp_path / "x.mtz", IS_TEST, label)).number == 0).sum() == 5


def test_what_has_no_flag_is_left_out(tmp_path):
    values = np.where(np.arange(100) % 7 == 3, np.nan, OF_CCP4)
    found = read_free_flags(mtz_file(tmp_path / "x.mtz", values))
    assert len(found.hkl) == len(found.number) == np.isfinite(values).sum()


def test_flags_without_intensities(tmp_path):
    assert read_free_flags(mtz_file(tmp_path / "x.mtz", OF_CCP4, with_intensities=False)).known is None


@pytest.mark.parametrize("values", [np.zeros(100), np.full(100, np.nan)])
def test_a_column_that_sets_none_apart(tmp_path, values):
    with pytest.raises(NoFreeFlags, match="tells no free-R flags"):
        read_free_flags(mtz_file(tmp_path / "x.mtz", values))
    with pytest.raises(NoFreeFlags, match="has no column"):
        read_free_flags(mtz_file(tmp_path / "x.mtz", OF_CCP4, "N"))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.where(OF_CCP4 == 3, 2e9, OF_CCP4), r"5 of 100 are out of range, such as 2e\+09"),
        (np.where(OF_CCP4 == 3, np.inf, OF_CCP4), "5 of 100 are out of range, such as inf"),
        (OF_CCP4 / 20, r"95 of 100 are fractions, such as 0\.05"),
    ],
)
def test_numbers_that_are_no_flags_are_refused_with_the_name_of_their_column(tmp_path, values, reason):
    with pytest.raises(NotFlags, match=rf"column FreeR_flag of .*x\.mtz holds no free-R flags: {reason}") as error:
        read_free_flags(mtz_file(tmp_path / "x.mtz", values))
    assert "whole numbers of sets" in error.value.hint
    with pytest.raises(NotFlags, match=rf"column pdbx_r_free_flag of .*: {reason}"):
        as_sets("x.cif", values, "pdbx_r_free_flag")


def test_status_of_mmcif(tmp_path):
    status = np.where(IS_TEST, "f", "o")
    status[7] = "x"
    found = read_free_flags(cif_file(tmp_path / "x.cif", status=status))
    assert [7, 0, 1] not in found.hkl.tolist() or len(found.hkl) == 99
    assert (len(found.hkl), int((found.number == 0).sum()), found.has_sets) == (99, 5, False)
    assert found.convention == "status: f is the test set"


@pytest.mark.parametrize("test", [0, 3])
def test_sets_of_mmcif_are_those_of_which_status_has_one(tmp_path, test):
    status = np.where(test == OF_CCP4, "f", "o")
    found = read_free_flags(cif_file(tmp_path / "x.cif", status=status, pdbx_r_free_flag=OF_CCP4))
    assert found.has_sets
    np.testing.assert_array_equal(found.number == 0, test == OF_CCP4)
    assert sorted(set(found.number.tolist())) == list(range(20))


def test_status_counts_where_numbers_say_otherwise(tmp_path):
    status = np.where(IS_TEST, "f", "o")
    found = read_free_flags(cif_file(tmp_path / "x.cif", status=status, pdbx_r_free_flag=OF_CCP4 // 2))
    np.testing.assert_array_equal(found.number == 0, IS_TEST)


def test_numbers_of_mmcif_alone(tmp_path):
    status = np.full(100, "o")
    found = read_free_flags(cif_file(tmp_path / "x.cif", status=status, pdbx_r_free_flag=IS_TEST.astype(int)))
    np.testing.assert_array_equal(found.number == 0, IS_TEST)
    assert found.convention == "pdbx_r_free_flag: 1 is the test set, 0 the rest"


def test_mmcif_without_flags(tmp_path):
    with pytest.raises(NoFreeFlags, match=r"neither _refln\.status"):
        read_free_flags(cif_file(tmp_path / "x.cif", F_calc=np.ones(100)))


@pytest.mark.parametrize("name", ["x.mtz", "x.cif"])
def test_what_is_no_reference(tmp_path, name):
    (tmp_path / name).write_bytes(b"data_x\n_a 'b\n" if name == "x.cif" else b"MTZ nothing")
    with pytest.raises(NoReference):
        read_free_flags(tmp_path / name)
