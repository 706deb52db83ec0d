"""A group's sweeps are indexed together where they have few spots, combined elsewhere; and it is said which and why."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from quiet_observer import Quiet
from wedges_for_tests import wedges_of

from autoproc.config import Config, with_command_line
from autoproc.engine import groups
from autoproc.engine.groups import GroupSweep, TooFewSweeps, put_together
from autoproc.engine.joint import NotOneCrystal, SweepFound
from autoproc.errors import TooFewSpots
from autoproc.models.data_sets import DataSetRow
from autoproc.stages.combine import NothingAgrees, selected
from autoproc.stages.pipeline import Processing

REFUSED = NotOneCrystal(n=2, reason="they differ")
NOTHING = NothingAgrees(n=2, reason="too few in common")


@pytest.fixture
def calls(monkeypatch):
    """What is tried, in order; the attempts fail with what is put into `errors`."""

    class Calls(list):
        errors: dict = {}  # noqa: RUF012

        def take(self, kind):
            self.append(kind)
            if kind in self.errors:
                raise self.errors[kind]

    made = Calls()
    made.errors = {}

    def together(processing, sweeps, config, observer):
        made.take("together")
        processing.data_sets = tuple(DataSetRow(sweep.name, 10, 1.0, 1.0, None) for sweep in sweeps)
        observer.keep("indexed", [], None)
        return SimpleNamespace(fraction_indexed=0.875)

    def combine(processing, names, data, config, observer):
        made.take("combine")
        processing.data_sets = tuple(DataSetRow(name, 10, 1.0, 1.0, None) for name in names)

    monkeypatch.setattr(groups, "process_together", together)
    monkeypatch.setattr(groups, "combine_sensibly", combine)
    return made


def group_of(*sweeps):
    """Sweeps of (whether they have intensities, how many spots)."""
    wedges = wedges_of("P 3", 3, seed=4)
    made = []
    for n, (is_integrated, n_spots) in enumerate(sweeps):
        experiments, table = selected(wedges.experiments, wedges.reflections, [n % 3])
        found = SweepFound(f"x{n}", experiments[0], table)
        made.append(
            GroupSweep(
                f"x{n}", "" if is_integrated else "it failed", (experiments, table) if is_integrated else None, n_spots,
                lambda found=found: found,
            )
        )  # fmt: skip
    return made


def run(sweeps, **changes):
    processing, observer = Processing(sweeps[0].found().experiment), Quiet()
    put_together(processing, "combined/x", sweeps, with_command_line(Config(), changes), observer)
    return processing, observer


def test_sweeps_with_results_of_their_own_are_combined(calls):
    processing, _ = run(group_of((True, 40), (True, 50)))
    assert calls == ["combine"]
    assert [row.name for row in processing.data_sets] == ["x0", "x1"]
    assert processing.decisions == []


def test_with_one_that_failed_for_few_spots_all_are_indexed_together(calls):
    processing, observer = run(group_of((True, 5000), (False, 30), (False, 0)))
    assert calls == ["together"]
    assert [row.name for row in processing.data_sets] == ["x0", "x1", "x2"]
    assert [bool(row.why_aside) for row in processing.data_sets] == [False, False, True]
    (decided,) = processing.decisions
    assert decided.kept
    assert "index the spots of 2 sweeps together" in decided.what
    assert decided.because == (
        "too few spots to be processed alone: x1 (30); "
        "2 of 2 are of one crystal by the goniometer's angles, with 88% of their spots"
    )
    assert observer.kept == ["indexed"]


def test_sweeps_that_are_not_of_one_crystal_are_combined_after_all(calls):
    calls.errors = {"together": REFUSED}
    processing, observer = run(group_of((True, 5000), (True, 4000), (False, 30)))
    assert calls == ["together", "combine"]
    assert [decided.kept for decided in processing.decisions] == [False]
    assert "they differ" in processing.decisions[0].because
    assert observer.kept == []


def test_what_indexing_together_said_is_the_reason_where_nothing_else_can_be_done(calls):
    calls.errors = {"together": REFUSED}
    with pytest.raises(NotOneCrystal, match="they differ"):
        run(group_of((True, 5000), (False, 30)))
    calls.errors = {"together": TooFewSpots(n_spots=5, stage="indexing", needed=12)}
    with pytest.raises(NotOneCrystal, match="the 2 sweeps, indexed together, .* only 5 spots"):
        run(group_of((True, 5000), (False, 30)))
    with pytest.raises(TooFewSweeps, match="x1: it failed"):
        run(group_of((True, 5000), (False, 5000)))


def test_small_sweeps_whose_intensities_have_nothing_in_common_are_indexed_together(calls):
    calls.errors = {"combine": NOTHING}
    processing, _ = run(group_of((True, 40), (True, 50)))
    assert calls == ["combine", "together"]
    assert "could not be combined" in processing.decisions[0].because
    with pytest.raises(NothingAgrees):
        run(group_of((True, 40), (True, 5000)))


def test_where_that_fails_too_the_first_reason_stands(calls):
    calls.errors = {"combine": NOTHING, "together": REFUSED}
    with pytest.raises(NothingAgrees):
        run(group_of((True, 40), (True, 50)))


@pytest.mark.parametrize("switch", ["decisions.joint", "decisions.enabled"])
def test_it_can_be_switched_off(calls, switch):
    with pytest.raises(TooFewSweeps):
        run(group_of((True, 40), (False, 30)), **{switch: "false"})
    assert calls == []


def test_lattices_of_a_sweep_are_data_sets_of_their_own(calls):
    first, second = group_of((True, 40), (True, 50))
    both = GroupSweep("x0", "", (first.integrated[0] * 2, first.integrated[1]), 40, first.found)
    processing, _ = run([both, second])
    assert [row.name for row in processing.data_sets] == ["x0 lattice 1", "x0 lattice 2", "x1"]
