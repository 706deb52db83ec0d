"""Only figures of data sets that are alike are held against each other."""

import pytest

from autoproc.dashboard.best_figure import Depends, are_alike, best_of
from autoproc.dashboard.comparison import Compared, rows_of
from autoproc.dashboard.told import ToldResults


def summary(completeness=95.0, multiplicity=4.0, d_min=2.0, r_meas=0.05, verdict="look"):
    overall = {"completeness": completeness, "multiplicity": multiplicity, "r_meas": r_meas, "i_over_sigma": 9.0}
    return {
        "status": "processed", "d_min": d_min, "merging_statistics": {"overall": overall},
        "quality": {"verdict": verdict}, "rmsd": {"x_px": 10 * r_meas},
    }  # fmt: skip


def compared(*results):
    return [
        Compared(str(n), str(n), ToldResults(one, None, {}, 0), standing) for n, (one, standing) in enumerate(results)
    ]


def best(results, label):
    (row,) = [row for row in rows_of(compared(*results)) if row.label == label]
    return [cell.is_best for cell in row.cells]


@pytest.mark.parametrize(
    ("other", "amount", "limit"),
    [
        ({}, True, True),
        ({"multiplicity": 4.7}, True, True),
        ({"multiplicity": 4.9}, False, False),
        ({"completeness": 90.5}, True, True),
        ({"completeness": 89.5}, False, False),
        ({"d_min": 2.05}, True, True),
        ({"d_min": 2.07}, True, False),
        ({"multiplicity": None}, False, False),
    ],
)
def test_what_is_alike(other, amount, limit):
    two = [summary(), summary(**other)]
    assert are_alike(two, Depends.NOTHING)
    assert are_alike(two, Depends.AMOUNT) is amount
    assert are_alike(two, Depends.AMOUNT_AND_LIMIT) is limit


@pytest.mark.parametrize(
    ("values", "may_win", "is_comparable", "expected"),
    [
        ([2.0, 1.0], [True, True], True, 1.0),
        ([2.0, 1.0], [True, True], False, None),
        ([2.0, 1.0], [True, False], True, None),
        ([3.0, 2.0, 1.0], [True, True, False], True, 2.0),
        ([2.0, None], [True, True], True, None),
        ([2.0, 2.0], [True, True], True, None),
    ],
)
def test_the_best(values, may_win, is_comparable, expected):
    assert best_of(values, may_win, min, is_comparable) == expected
    assert best_of(values, may_win, None, is_comparable) is None


def test_r_factors_of_a_wedge_are_not_better_than_those_of_its_group():
    group, wedge = (summary(98.0, 3.1, r_meas=0.035), {}), (summary(67.0, 1.1, r_meas=0.029), {})
    assert best([group, wedge], "Rmeas") == [False, False]
    assert best([group, wedge], "multiplicity") == [True, False]
    assert best([group, wedge], "RMSD x (px)") == [False, True]
    assert best([group, (summary(97.0, 3.0, r_meas=0.029), {})], "Rmeas") == [False, True]


def test_what_a_group_left_out_is_never_the_best():
    out = {"words": "left out of combined/x: it agrees with the others in no setting", "verdict": "look"}
    part = {"words": "part of combined/x, which is complete", "verdict": "good"}
    results = [(summary(), part), (summary(r_meas=0.04), part), (summary(r_meas=0.03), out)]
    assert best(results, "Rmeas") == [False, True, False]
    assert best(results, "RMSD x (px)") == [False, True, False]
    assert best([*results[:2], (summary(60.0, 1.1, r_meas=0.03), out)], "Rmeas") == [False, True, False]


def test_the_light_is_that_of_lists_of_sweeps():
    part = {"name": "combined/x", "words": "part of combined/x, which is complete", "verdict": "good"}
    failed = {"status": "failed"}
    rows = rows_of(compared((summary(), part), (summary(), {}), (failed, part), (failed, {})))
    (row,) = [row for row in rows if row.label == "verdict"]
    lights = [("good", "good"), ("look", "look closer"), ("open", "no result alone"), ("bad", "failed")]
    assert [(cell.lamp, cell.text) for cell in row.cells] == lights


def test_an_anomalous_correlation_by_chance_is_in_brackets_and_never_the_best():
    def anomalous(cc, is_significant):
        one = summary()
        one["merging_statistics"]["overall"] |= {"cc_anom": cc, "cc_anom_significant": is_significant}
        return one, {}

    results = [anomalous(0.4, True), anomalous(0.5, True), anomalous(0.9, False), anomalous(0.45, None)]
    (row,) = [row for row in rows_of(compared(*results)) if row.label == "anomalous CC"]
    assert [cell.text for cell in row.cells] == ["0.400", "0.500", "(0.900)", "0.450"]
    assert [cell.is_best for cell in row.cells] == [False, True, False, False]
