"""Flags of a file go into merged data; a file that does not fit costs a warning, never the data."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from exported_for_tests import observations, sweeps

from autoproc.config import Config
from autoproc.formats.observed.free_flags import NoFreeFlags
from autoproc.formats.observed.mtz import write_merged_mtz
from autoproc.stages.conclude import flags_to_carry_on, merged_with_flags
from autoproc.stages.merge import MergeParams, merge


def configured(table, path):
    config = Config()
    return config.model_copy(update={table: getattr(config, table).model_copy(update={"reference": str(path)})})


@pytest.fixture
def earlier(tmp_path):
    merged = merge(sweeps(), observations(), MergeParams(free_r_seed=7))
    write_merged_mtz(tmp_path / "earlier.mtz", merged, "x")
    return tmp_path / "earlier.mtz", merged


@pytest.mark.parametrize("table", ["merge", "combine"])
def test_flags_of_either_reference(earlier, table):
    path, merged = earlier
    found, doubts = merged_with_flags(sweeps(), observations(), configured(table, path))
    np.testing.assert_array_equal(found.free_r, merged.free_r)
    assert found.free_r_origin.startswith("Free-R flags of the reference (FreeR_flag: sets 0 to 19, 0 is the test set)")
    assert not doubts


def test_a_reference_that_does_not_fit_is_a_warning(tmp_path, earlier):
    mtz = gemmi.read_mtz_file(str(earlier[0]))
    mtz.set_cell_for_all(gemmi.UnitCell(60, 60, 60, 90, 90, 90))
    mtz.write_to_file(str(tmp_path / "other.mtz"))
    for path in (tmp_path / "other.mtz", tmp_path / "none.mtz"):
        found, (warning,) = merged_with_flags(sweeps(), observations(), configured("merge", path))
        assert found.free_r_origin == ""
        assert warning.startswith("free-R flags are new, not those of the reference: ")


def test_a_reference_of_another_structure_is_a_warning(tmp_path, earlier):
    mtz = gemmi.read_mtz_file(str(earlier[0]))
    values = np.array(mtz.array)
    column = [c.label for c in mtz.columns].index("IMEAN")
    values[:, column] = np.random.default_rng(5).permutation(values[:, column])
    mtz.set_data(values)
    mtz.write_to_file(str(tmp_path / "other.mtz"))
    _, (warning,) = merged_with_flags(sweeps(), observations(), configured("merge", tmp_path / "other.mtz"))
    assert warning.startswith("free-R flags: the intensities hardly agree with those of the reference")


def test_a_reference_for_the_setting_need_have_no_flags(tmp_path, earlier):
    mtz = gemmi.read_mtz_file(str(earlier[0]))
    mtz.remove_column([c.label for c in mtz.columns].index("FreeR_flag"))
    mtz.write_to_file(str(tmp_path / "setting.mtz"))
    assert flags_to_carry_on(configured("combine", tmp_path / "setting.mtz")) is None
    with pytest.raises(NoFreeFlags):
        flags_to_carry_on(configured("merge", tmp_path / "setting.mtz"))
