from __future__ import annotations

from dataclasses import fields, replace

import pytest

from autoproc.merging.merging_statistics import MergingStatistics, ShellStatistics
from autoproc.merging.tables import BY_CHANCE, OF_NOISE, ROWS, format_shells, format_table_one

SHELL = ShellStatistics(
    d_max=50.0, d_min=2.0, n_observations=12345, n_unique=2345, completeness=98.76, multiplicity=5.26,
    mean_intensity=123.45, i_over_sigma=12.34, r_merge=0.051, r_meas=0.061, r_pim=0.031, r_merge_anom=0.041,
    r_meas_anom=0.052, r_pim_anom=0.033, r_anom=0.021, cc_half=0.998, cc_half_significant=True, cc_anom=0.123,
    cc_anom_significant=False, anomalous_completeness=95.1, anomalous_multiplicity=2.71,
)  # fmt: skip
INNER, OUTER = replace(SHELL, d_min=5.0, r_meas=0.03), replace(SHELL, d_max=2.1, r_meas=0.9, cc_half=0.35)
STATISTICS = MergingStatistics(SHELL, (INNER, OUTER), 1.234, 0.045, 0.87)


def row(text: str, label: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"{label:<44}")]
    return line[44:].split()


def test_every_statistic_stands_under_overall_low_and_high():
    text = format_table_one(STATISTICS)
    assert row(text, "Rmeas(I)") == ["0.061", "0.030", "0.900"]
    assert row(text, "High resolution limit") == ["2.00", "5.00", "2.00"]
    assert row(text, "Low resolution limit") == ["50.00", "50.00", "2.10"]
    assert row(text, "CC half") == ["0.998", "0.998", "0.350"]
    assert row(text, "Total observations") == ["12345"] * 3
    assert row(text, "Anomalous slope") == ["1.234"]  # there is one for all shells together
    assert len({label for label, _, _ in ROWS}) == len(ROWS)
    known = {f.name for kind in (ShellStatistics, MergingStatistics) for f in fields(kind)}
    assert {field for _, field, _ in ROWS} <= known


def test_a_suggested_limit_has_its_column_beside_all_data():
    suggested = replace(STATISTICS, overall=replace(SHELL, r_meas=0.05), anomalous_slope=1.3)
    text = format_table_one(STATISTICS, suggested)
    assert row(text, "Rmeas(I)") == ["0.050", "0.030", "0.900", "0.061"]
    assert row(text, "Anomalous slope") == ["1.300"]
    assert next(line for line in text.splitlines() if "Suggested" in line).split() == [
        "Suggested", "Low", "High", "Overall",
    ]  # fmt: skip


@pytest.mark.parametrize(("i_over_sigma", "is_noise"), [(0.49, True), (0.51, False), (None, False)])
def test_r_factors_of_noise_are_in_brackets_and_explained(i_over_sigma, is_noise):
    weak = replace(SHELL, i_over_sigma=i_over_sigma)
    statistics = MergingStatistics(SHELL, (SHELL, weak))
    table = format_table_one(statistics)
    assert row(table, "Rmeas(I)")[2] == ("(0.061)" if is_noise else "0.061")
    assert row(table, "Completeness")[2] == row(table, "Completeness")[0]
    for text in (table, format_shells(statistics)):
        assert (OF_NOISE in text) == is_noise
        assert ("(0.031)" in text) == is_noise


@pytest.mark.parametrize(("cc", "is_significant", "text"), [
    (0.669, False, "(0.669)"), (0.669, True, "0.669"), (None, False, "-"),
])  # fmt: skip
def test_anomalous_correlations_by_chance_are_in_brackets_and_explained(cc, is_significant, text):
    one = replace(SHELL, cc_anom=cc, cc_anom_significant=is_significant)
    table = format_table_one(MergingStatistics(one, (one,)))
    assert row(table, "Anomalous correlation") == [text] * 3
    assert (BY_CHANCE in table) == text.startswith("(")


def test_what_does_not_exist_is_a_dash():
    none = replace(SHELL, r_meas=None, cc_half=None, i_over_sigma=None)
    text = format_table_one(MergingStatistics(none, (none, OUTER)))
    assert row(text, "Rmeas(I)") == ["-", "-", "0.900"]
    assert row(text, "Anomalous slope") == ["-"]


@pytest.mark.parametrize(("half", "anom"), [(True, True), (True, False), (False, True), (False, False)])
def test_asterisks_mark_significant_correlations(half, anom):
    marked = replace(SHELL, cc_half_significant=half, cc_anom_significant=anom)
    line = format_shells(MergingStatistics(marked, (marked,))).splitlines()[-1]
    assert ("0.998*" in line) == half
    assert ("0.123*" in line) == anom


def test_a_line_for_each_shell_and_one_for_all_in_columns():
    lines = format_shells(STATISTICS).splitlines()
    header, *rows = lines[2:]
    assert len(rows) == 3
    assert [r.split()[1] for r in rows] == ["5.00", "2.00", "2.00"]
    names = header.split()
    assert len(names) == len(rows[0].split())
    values = dict(zip(names, rows[0].replace("*", " ").split(), strict=True))
    assert (values["#obs"], values["#uniq"], values["%comp"], values["<I/sI>"]) == ("12345", "2345", "98.76", "12.3")
    assert (values["r_mrg"], values["r_meas"], values["r_pim"], values["r_anom"]) == (
        "0.051",
        "0.030",
        "0.031",
        "0.021",
    )


def test_no_number_is_a_negative_nought():
    weak = replace(SHELL, i_over_sigma=-0.01, mean_intensity=-0.01)
    assert "-0.0" not in format_shells(MergingStatistics(weak, (weak,)))
    assert "-0.0" not in format_table_one(MergingStatistics(weak, (weak,)))
