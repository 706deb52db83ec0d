"""The report's tables: the same numbers as the results, and words that fit them."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from processed import processed_sweep

from autoproc.reports import tables
from autoproc.scaling.error_model import ErrorModel
from autoproc.stages.pipeline import Processing
from autoproc.symmetry.absences import Absences, SpaceGroupScore


@pytest.fixture(scope="module")
def processing(tmp_path_factory: pytest.TempPathFactory) -> Processing:
    return processed_sweep(tmp_path_factory)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "\u2013"), (float("nan"), "\u2013"), (float("inf"), "\u2013"), (0.04567, "0.046"), (0.0, "0.000")],
)
def test_what_is_not_known_is_a_dash(value, shown):
    assert tables.text(value, "{:.3f}") == shown


def test_table_one_has_the_numbers_of_the_statistics(processing):
    statistics = processing.scaled.statistics
    rows = {row[0]: row[1:] for row in tables.table_one(statistics).rows}
    assert all(len(row) == 3 for row in rows.values())
    for label, field, form in (("Completeness", "completeness", "{:.1f}"), ("Rmeas(I)", "r_meas", "{:.3f}")):
        shells = (statistics.overall, statistics.inner, statistics.outer)
        assert list(rows[label]) == [form.format(getattr(s, field)) for s in shells]


def test_shells_end_with_all_of_them_and_star_what_is_significant(processing):
    statistics = processing.scaled.statistics
    table = tables.shells(statistics)
    assert len(table.rows) == len(statistics.shells) + 1
    assert table.strong == len(statistics.shells)
    assert table.rows[-1][2] == str(statistics.overall.n_observations)
    column = table.header.index("CC\u00bd")
    starred = [row[column].endswith("*") for row in table.rows[:-1]]
    assert starred == [s.cc_half_significant for s in statistics.shells]
    assert all(len(row) == len(table.header) for row in table.rows)


def test_asterisks_are_explained_where_there_are_any(processing):
    statistics = processing.scaled.statistics
    assert "asterisk" in tables.shells(statistics).words
    plain = [replace(s, cc_half_significant=False, cc_anom_significant=False) for s in statistics.shells]
    overall = replace(statistics.overall, cc_half_significant=False, cc_anom_significant=False)
    assert "asterisk" not in tables.shells(replace(statistics, shells=tuple(plain), overall=overall)).words


def test_lattices_are_called_without_symmetry_where_they_are(processing):
    experiments, counts = processing.refined.experiments, processing.indexed.n_per_lattice
    table = tables.lattices(experiments, counts, processing.refined.rmsds)
    assert [row[0] for row in table.rows] == ["1", "2"]
    assert [row[7] for row in table.rows] == [str(n) for n in counts]
    assert "without symmetry" in table.words
    group = gemmi.SpaceGroup("P 21 21 21")
    known = [replace(e, crystal=replace(e.crystal, space_group=group)) for e in experiments]
    assert "without symmetry" not in tables.lattices(known, counts, ()).words


def test_uncertainties_are_explained_where_they_are_given(processing):
    def words(esd):
        known = [replace(e, crystal=replace(e.crystal, cell_esd=esd)) for e in processing.refined.experiments]
        table = tables.lattices(known, (), ())
        assert ("(" in table.rows[0][1]) == ("brackets" in table.words)
        assert table.rows[0][7:] == ["\u2013"] * 4, "spots and RMSD are not known"
        return table.words

    assert "brackets" in words((0.01,) * 6)
    assert "brackets" not in words(None)


def test_the_space_group_that_is_used_is_the_one_pointed_out(processing):
    groups = [gemmi.SpaceGroup(n) for n in ("P 41 21 2", "P 43 21 2", "P 4 21 2")]
    candidates = (SpaceGroupScore(tuple(groups[:2]), 0.9), SpaceGroupScore((groups[2],), 0.1))
    symmetry = replace(processing.symmetry, absences=Absences((), candidates, True), space_group=groups[0])
    table = tables.space_groups(symmetry)
    assert table.strong == 0
    assert table.rows[0] == ["P 41 21 2, P 43 21 2", "0.900"]
    assert "cannot tell them apart" in table.words
    assert tables.space_groups(replace(symmetry, space_group=groups[2])).strong == 1, "as it was given"
    other = replace(symmetry, space_group=gemmi.SpaceGroup("P 1"))
    assert tables.space_groups(other).strong is None
    single = replace(symmetry, absences=Absences((), candidates[1:], True))
    assert tables.space_groups(single).words == ""


def test_the_best_laue_group_is_pointed_out(processing):
    table = tables.laue_groups(processing.symmetry)
    assert processing.symmetry.subgroups[table.strong] is processing.symmetry.best
    assert len(table.rows) == len(processing.symmetry.subgroups)


def test_elements_have_their_correlations(processing):
    table = tables.symmetry_elements(processing.symmetry)
    assert [row[2] for row in table.rows] == [f"{e.cc:.3f}" for e in processing.symmetry.elements]
    assert f"{processing.symmetry.model.cc_true:.2f} is expected" in table.words


def test_an_error_model_has_its_formula_where_it_was_fitted(processing):
    scaled = replace(processing.scaled, error_model=ErrorModel(1.25, 0.02))
    words = tables.error_model(scaled).words
    assert "a = 1.250, b = 0.0200; ISa = 1/(ab) = 40.0" in words
    few = replace(scaled, error_bins=(replace(scaled.error_bins[0], n=29),))
    unfitted = tables.error_model(few)
    assert "too few repeats to estimate ISa: the sigmas may be too small" in unfitted.words
    assert "b =" not in unfitted.words
    assert len(unfitted.rows) == 1


def test_what_scaling_left_out_is_counted(processing):
    scaled = replace(processing.scaled, n_scaled=75, n_outliers=25, n_shadowed=7, blank_images=((0, 1), (0, 2)),
                     converged=False, n_cycles=9)  # fmt: skip
    rows = dict(row for row in tables.scaling_facts(scaled).rows)
    assert rows["outliers"] == "25 (25.00%)"
    assert rows["in shadow or on hot regions"] == "7"
    assert rows["blank images left out"] == "2"
    assert rows["cycles"] == "9, stopped before convergence"
    assert np.all([isinstance(value, str) for value in rows.values()])


def test_rotations_between_lattices_have_both_descriptions(processing):
    (row,) = tables.rotations(processing.indexed.rotations).rows
    found = processing.indexed.rotations[0]
    assert row[0] == "1 \u2192 2"
    assert (row[1], row[3]) == (f"{found.angle:.2f}", f"{found.widest_angle:.2f}")
    assert "-0.000" not in " ".join(row)
