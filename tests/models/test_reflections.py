"""The table of reflections: columns that fit together, and selections of their rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autoproc.errors import MissingColumn
from autoproc.models.columns import COLUMNS, FILES, WRITTEN_BY, origin_of
from autoproc.models.reflections import Flag, Reflections


def table(n: int = 6) -> Reflections:
    return Reflections(
        {"hkl": np.arange(3 * n).reshape(n, 3), "flags": np.zeros(n, int), "d": np.linspace(1, 2, n)}, {0: "first"}
    )


def test_columns_have_the_types_that_the_register_says() -> None:
    made = table()
    assert (made["hkl"].dtype, made["flags"].dtype, made["d"].dtype) == (np.int32, np.uint64, np.float64)
    assert made.names == ("hkl", "flags", "d")
    assert [*made] == ["hkl", "flags", "d"]
    assert "6 rows: hkl, flags, d" in repr(made)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"hkl": np.zeros((4, 2))}, "hkl has shape .*expected"),
        ({"hkl": np.zeros(4)}, "hkl has shape"),
        ({"d": np.zeros((4, 1))}, "d has shape"),
        ({"d": np.zeros(4), "zeta": np.zeros(5)}, "zeta has 5 rows, the columns before it 4"),
        ({"colour": np.zeros(4)}, "colour is not a column"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Reflections(columns)


def test_a_column_that_is_not_there_is_named_with_the_step_that_writes_it() -> None:
    with pytest.raises(MissingColumn) as missing:
        table()["xyz_cal_px"]
    assert "refine" in str(missing.value)
    assert "refined.refl" in str(missing.value)


@given(arrays(bool, 6))
def test_a_mask_selects_rows_of_every_column(mask: np.ndarray) -> None:
    made, chosen = table(), table()[mask]
    assert len(chosen) == mask.sum()
    np.testing.assert_array_equal(chosen["hkl"], made["hkl"][mask])
    np.testing.assert_array_equal(chosen["d"], made["d"][mask])
    assert chosen.identifiers == {0: "first"}


@given(st.lists(st.integers(0, 5), max_size=9))
def test_indices_select_rows_in_their_order_and_as_often_as_asked(rows: list[int]) -> None:
    np.testing.assert_array_equal(table()[np.array(rows, int)]["d"], table()["d"][rows])


def test_replacing_makes_another_table() -> None:
    made = table()
    other = made.replace(d=np.ones(6), zeta=np.zeros(6))
    assert "zeta" in other
    assert "zeta" not in made
    assert made["d"][0] == 1.0
    assert made["d"][-1] == 2.0
    assert other["d"].tolist() == [1.0] * 6
    assert other.without("zeta", "nothing").names == made.names
    assert other.only("d", "hkl", "nothing").names == tuple(n for n in made.names if n in ("d", "hkl"))
    assert other.only("d").identifiers == made.identifiers
    assert other.with_identifiers({3: "x"}).identifiers == {3: "x"}


@given(arrays(bool, 6), arrays(bool, 6))
def test_flags_are_set_and_cleared_where_the_mask_says(first: np.ndarray, second: np.ndarray) -> None:
    made = table().with_flag(Flag.STRONG, first).with_flag(Flag.INDEXED | Flag.PREDICTED, second)
    np.testing.assert_array_equal(made.has_flag(Flag.STRONG), first)
    np.testing.assert_array_equal(made.has_flag(Flag.STRONG | Flag.INDEXED), first & second)
    np.testing.assert_array_equal(made.has_any_flag(Flag.STRONG | Flag.INDEXED), first | second)
    cleared = made.without_flag(Flag.INDEXED, first)
    np.testing.assert_array_equal(cleared.has_flag(Flag.INDEXED), second & ~first)
    np.testing.assert_array_equal(cleared.has_flag(Flag.PREDICTED), second)


def test_flags_without_a_mask_are_those_of_all_rows() -> None:
    made = table().with_flag(Flag.SCALED)
    assert made.has_flag(Flag.SCALED).all()
    assert not made.without_flag(Flag.SCALED).has_any_flag(Flag.SCALED).any()


def test_flags_are_the_bits_of_dials() -> None:
    """As dials.array_family defines them: files are exchanged."""
    known = {"PREDICTED": 1, "INDEXED": 4, "STRONG": 32, "INTEGRATED_SUM": 256, "INTEGRATED_PRF": 512,
             "OVERLOADED": 1024, "OUTLIER_IN_SCALING": 1 << 23, "SCALED": 1 << 26}  # fmt: skip
    assert {name: int(Flag[name]) for name in known} == known
    assert int(Flag.BAD_FOR_SCALING) == (1 << 22) + (1 << 23) + (1 << 24)


def test_tables_one_below_the_other_keep_what_all_of_them_have() -> None:
    above, below = table(2), table(3).without("d").with_identifiers({1: "second"})
    both = Reflections.concatenate([above, below])
    assert both.names == ("hkl", "flags")
    assert len(both) == 5
    np.testing.assert_array_equal(both["hkl"][2:], below["hkl"])
    assert both.identifiers == {0: "first", 1: "second"}
    assert len(Reflections.concatenate([])) == 0


def test_every_column_has_a_meaning_a_name_in_dials_and_a_step_that_writes_it() -> None:
    names = [column.dials for column in COLUMNS.values()]
    assert len(set(names)) == len(names)
    assert all(column.meaning for column in COLUMNS.values())
    assert set(WRITTEN_BY) <= set(FILES)
    assert set().union(*WRITTEN_BY.values()) <= set(COLUMNS)
    assert origin_of("intensity_prf")["step"] == "integrate"
    assert origin_of("colour")["meaning"] == "not known to autoproc"
