from __future__ import annotations

from dataclasses import replace

import pytest

from autoproc.decisions.ladder import PLAIN, History, TriedStep
from autoproc.decisions.lattices import (
    LatticesReport,
    existence,
    kept_lattices,
    lattices_ladder,
    more_lattices_are_better,
    reality,
)

ONE = LatticesReport(10000, 4000, (6000,), (0.2,), (), 0.050, 20.0, 5000)
TWO = LatticesReport(10000, 800, (5800, 3400), (0.2, 0.22), (62.0,), 0.049, 21.0, 5300)


def first(report):
    return History((TriedStep(PLAIN, report),), 0)


def test_many_spots_left_over_ask_for_another_lattice():
    step = lattices_ladder(4).next_step(first(ONE))
    assert step.changes == {"index.max_lattices": 2}
    assert step.because == "40% of the spots (4000) are on no lattice"


@pytest.mark.parametrize("report", [replace(ONE, n_left=900), replace(ONE, n_spots=300, n_left=90)])
def test_few_spots_left_over_do_not(report):
    assert lattices_ladder(4).next_step(first(report)) is None


def test_no_more_lattices_than_allowed():
    assert lattices_ladder(1).next_step(first(ONE)) is None


def test_third_only_after_a_second_that_was_kept():
    rich = replace(TWO, n_left=2000)
    ladder = lattices_ladder(4)
    step = ladder.next_step(first(ONE))
    kept = first(ONE).joined_by(TriedStep(step, rich), is_best=True)
    assert ladder.next_step(kept).changes == {"index.max_lattices": 3}
    refused = first(ONE).joined_by(TriedStep(step, None, "no further lattice was found"), is_best=False)
    assert ladder.next_step(refused) is None


def test_real_lattice_is_kept():
    verdict = more_lattices_are_better(ONE, TWO)
    assert verdict.is_better
    assert verdict.because == "it explains 80% of the spots left over, and the first lattice's data are no worse"


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (ONE, "no further lattice"),
        (replace(TWO, n_left=3300), "explains only 18%"),
        (replace(TWO, rmsds=(0.2, 0.5)), "fit badly"),
        (replace(TWO, angles=(0.05,)), "first lattice once more"),
    ],
)
def test_unreal_lattices_are_refused(report, why):
    assert why in reality(ONE, report)
    assert not more_lattices_are_better(ONE, report).is_better


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (replace(TWO, r_meas=0.06), "Rmeas at low resolution rises"),
        (replace(TWO, isa=10.0), "ISa falls"),
        (replace(TWO, n_unique=4000), "unique reflections fall"),
    ],
)
def test_the_first_lattice_must_not_suffer(report, why):
    verdict = more_lattices_are_better(ONE, report)
    assert not verdict.is_better
    assert why in verdict.because


def test_unknown_quality_does_not_speak_against_it():
    assert more_lattices_are_better(replace(ONE, r_meas=None, isa=None, n_unique=None), TWO).is_better


def test_figures():
    assert ONE.figures == "one lattice, 60% of the spots, low-resolution Rmeas of the first 0.050"
    assert replace(TWO, r_meas=None).figures == "2 lattices, 92% of the spots"


@pytest.mark.parametrize(
    ("report", "asked", "most", "why"),
    [
        (replace(ONE, n_left=700), None, 4, "7% of the spots (700) are on no lattice: too few"),
        (ONE, 1, 4, "index.max_lattices=1 was given"),
        (replace(TWO, n_left=2000), None, 2, "decisions.most_lattices=2"),
    ],
)
def test_spots_left_over_are_explained(report, asked, most, why):
    (decision,) = kept_lattices(report, asked, most)
    assert why in decision.because
    assert not decision.changes


def test_nothing_is_said_where_nobody_wonders():
    assert kept_lattices(replace(ONE, n_left=100), None, 4) == []
    assert kept_lattices(ONE, None, 4) == []  # the ladder has told what was tried


@pytest.mark.parametrize(
    ("change", "is_better"),
    [
        ({"r_meas": 0.050 * 1.049}, True),
        ({"r_meas": 0.050 * 1.051}, False),
        ({"isa": 20.0 * 0.81}, True),
        ({"isa": 20.0 * 0.79}, False),
        ({"n_unique": 4851}, True),
        ({"n_unique": 4849}, False),
        ({"n_left": 2999}, True),
        ({"n_left": 3001}, False),
        ({"rmsds": (0.2, 0.399)}, True),
        ({"rmsds": (0.2, 0.401)}, False),
        ({"angles": (0.101,)}, True),
        ({"angles": (0.099,)}, False),
    ],
)
def test_limits_of_what_is_kept(change, is_better):
    """5% of Rmeas, a fifth of ISa, 3% of reflections, a quarter of the spots, twice the RMSD, a tenth of a degree."""
    assert more_lattices_are_better(ONE, replace(TWO, **change)).is_better == is_better


@pytest.mark.parametrize(
    ("n_spots", "n_left", "is_asked"), [(10000, 1000, True), (10000, 999, False), (400, 100, True), (400, 99, False)]
)
def test_limits_of_what_is_left_over(n_spots, n_left, is_asked):
    report = replace(ONE, n_spots=n_spots, n_left=n_left)
    assert (lattices_ladder(4).next_step(first(report)) is not None) == is_asked


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"n_per_lattice": (6000,)}, "no further lattice"),
        ({"n_left": 3300}, "explains only 18%"),
        ({"angles": (0.05,)}, "first lattice once more"),
    ],
)
def test_what_indexing_tells_is_judged_before_anything_is_refined(change, why):
    doubt = existence(ONE, replace(TWO, rmsds=(), r_meas=None, isa=None, n_unique=None, **change))
    assert why in doubt
    assert bool(doubt) == bool(why)


def test_only_the_newest_lattice_is_judged():
    """A second of three that fits badly or lies on the first was kept already."""
    two = replace(TWO, n_left=800, rmsds=(0.2, 0.9), angles=(0.01,))
    three = replace(TWO, n_left=300, n_per_lattice=(5800, 3400, 500), rmsds=(0.2, 0.9, 0.3), angles=(0.01, 30.0))
    assert reality(two, three) == ""
    assert "fit badly" in reality(two, replace(three, rmsds=(0.2, 0.2, 0.9)))
    assert "once more" in reality(two, replace(three, angles=(62.0, 0.01)))
