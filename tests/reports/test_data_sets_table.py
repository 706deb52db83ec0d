"""The data sets of a group as a table: figures of all, and beneath them why some were set aside."""

from types import SimpleNamespace

from autoproc.reports.data_sets import COLUMNS, data_sets_table, reasons_table


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
