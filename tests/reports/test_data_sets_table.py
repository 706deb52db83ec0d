"""The data sets of a group as a table: figures of all, and beneath them why some were set aside."""

from types import SimpleNamespace

from autoproc.models.data_sets import DataSetRow, one_a_sweep
from autoproc.reports.data_sets import COLUMNS, data_sets_table, in_words, reasons_table


def data_set(name, why_aside="", wavelength=1.0):
    figures = {field: None for _, _, field in COLUMNS}
    return SimpleNamespace(name=name, why_aside=why_aside, wavelength=wavelength, **figures)


def test_the_reason_stands_beneath_the_figures():
    why = "it agrees with the others in no setting: CC 0.19, where 0.98 is to be expected"
    rows = [data_set("xtal_1"), data_set("xtal_2", why)]
    table = data_sets_table(rows)
    assert [row[:2] for row in table.rows] == [["xtal_1", "kept"], ["xtal_2", "set aside"]]
    assert all(len(row) == len(table.header) == 2 + len(COLUMNS) for row in table.rows)
    assert reasons_table(rows).rows == [["xtal_2", why]]
    assert reasons_table(rows[:1]) is None


def test_wavelengths_have_their_column():
    table = data_sets_table([data_set("peak"), data_set("remote", wavelength=0.9)])
    column = table.header.index("wavelength \u00c5")
    assert [row[column] for row in table.rows] == ["1.0000", "0.9000"]
    assert {len(row) for row in table.rows} == {len(table.header)}


def test_the_images_of_a_split_crystal_are_counted_once():
    rows = [
        DataSetRow("xtal_1", 60, 60.0, 1.0, None),
        DataSetRow("xtal_2 lattice 1", 80, 40.0, 1.0, None, "it does not fit"),
        DataSetRow("xtal_2 lattice 2", 80, 40.0, 1.0, None),
        DataSetRow("xtal_2 lattice 3", 80, 40.0, 1.0, None),
    ]
    assert in_words(rows) == "3 of 4 data sets put together: 140 images, 100 degrees in all"
    assert [row.name for row in one_a_sweep(rows)] == ["xtal_1", "xtal_2 lattice 1"]
