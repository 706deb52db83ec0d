from __future__ import annotations

from dataclasses import replace

import pytest

from autoproc.decisions.indexing import (
    FIND_AXIS,
    INDEXING,
    SEARCH_BEAM,
    STRONGEST_SPOTS,
    IndexingReport,
    better_indexing,
)
from autoproc.decisions.ladder import PLAIN, History, Step, TriedStep

GOOD = IndexingReport(1000, 970, 0.3)
HALF = IndexingReport(1000, 500, 0.3)
POOR = IndexingReport(1000, 200, 0.9)
FAILED = TriedStep(PLAIN, None, "no lattice was found")


def steps_until_the_end(*first):
    """What is tried when nothing helps."""
    history = History(tuple(first), None if first[0].report is None else 0)
    taken: list[Step] = []
    while (step := INDEXING.next_step(history)) is not None:
        taken.append(step)
        history = history.joined_by(TriedStep(step, None, "failed"), is_best=False)
    return taken


def test_good_indexing_is_left_alone():
    assert steps_until_the_end(TriedStep(PLAIN, GOOD)) == []


def test_half_the_spots_well_indexed_ask_for_the_beam_alone():
    assert [s.action for s in steps_until_the_end(TriedStep(PLAIN, HALF))] == [SEARCH_BEAM]


@pytest.mark.parametrize("first", [FAILED, TriedStep(PLAIN, POOR), TriedStep(PLAIN, replace(GOOD, rmsd=2.0))])
def test_failed_or_poor_indexing_is_tried_every_way(first):
    steps = steps_until_the_end(first)
    assert [s.action for s in steps] == [SEARCH_BEAM, FIND_AXIS, STRONGEST_SPOTS, ""]
    assert steps[-1].changes == {"index.method": "fft1d"}


def test_loose_spots_are_a_reason_whatever_their_number():
    (step,) = steps_until_the_end(TriedStep(PLAIN, replace(GOOD, is_loose=True)))
    assert step.action == SEARCH_BEAM
    assert "beam centre" in step.because


def test_reason_names_the_failure_or_the_figures():
    assert INDEXING.next_step(History((FAILED,))).because == "indexing failed (no lattice was found)"
    assert "50% of 1000 spots" in INDEXING.next_step(History((TriedStep(PLAIN, HALF),), 0)).because


@pytest.mark.parametrize(
    ("challenger", "is_better"),
    [
        (IndexingReport(1000, 900, 0.3), True),  # more, as well
        (IndexingReport(1000, 540, 0.3), False),  # hardly more
        (IndexingReport(1000, 480, 0.15), True),  # as many, and better placed
        (IndexingReport(1000, 480, 0.28), False),
        (IndexingReport(1000, 300, 0.1), False),  # fewer
        (IndexingReport(1000, 900, 1.9), False),  # more, but badly placed: a lattice too fine indexes anything
    ],
)
def test_better_indexing(challenger, is_better):
    assert better_indexing(HALF, challenger).is_better is is_better


def test_anything_well_placed_beats_hardly_a_lattice():
    assert better_indexing(POOR, IndexingReport(1000, 800, 1.4)).is_better
