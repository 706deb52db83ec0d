from __future__ import annotations

import numpy as np
import pytest
from synthetic_spots import random_spots, setting, spots_of, sweep

from autoproc.indexing import solve as solving
from autoproc.indexing.least_squares import refine_model
from autoproc.indexing.model import model_of
from autoproc.indexing.params import IndexParams
from autoproc.indexing.reciprocal_spots import spots_in_reciprocal_space
from autoproc.indexing.solve import _refined_with_right_volume
from autoproc.models.reflections import Reflections

CELL = (31.0, 37.0, 43.0, 82.0, 95.0, 101.0)


@pytest.mark.parametrize(
    "multiples", [(1, 1, 1), (2, 1, 1), (3, 3, 1), (2, 2, 3), (1, 9, 1)], ids=["1", "2", "9 in a plane", "12", "9"]
)
def test_cells_that_are_many_times_too_large_shrink_to_the_end(multiples):
    experiment = sweep(n_images=60)
    A = setting(CELL, seed=3)
    spots = spots_in_reciprocal_space([experiment], spots_of(experiment, A, d_min=2.5, keep=0.4, seed=1))
    too_large = np.linalg.inv(np.diag(multiples) @ np.linalg.inv(A))
    model = _refined_with_right_volume(
        model_of([experiment]).with_settings([too_large]), spots, IndexParams(refine_detector=False), []
    )
    ratio = abs(np.linalg.det(A) / np.linalg.det(model.settings[0]))
    assert ratio == pytest.approx(1.0, abs=0.02)


def test_what_is_known_of_a_model_is_worked_out_once_and_forgotten_at_the_end(monkeypatch):
    experiment = sweep(n_images=60)
    spots = spots_in_reciprocal_space(
        [experiment], spots_of(experiment, setting(CELL, seed=3), d_min=2.5, keep=0.4, seed=1)
    )
    as_they_are = []

    def counted(model, *arguments, n_cycles, **keywords):
        if n_cycles == 0:
            as_they_are.append(model)
        return refine_model(model, *arguments, n_cycles=n_cycles, **keywords)

    monkeypatch.setattr(solving, "refine_model", counted)
    found = solving.solve_lattices([experiment], spots, IndexParams())
    assert len(as_they_are) == len({id(model) for model in as_they_are})
    assert as_they_are[-1] is found.model
    for remembered in (solving._placed, solving._assigned, solving._fit_as_it_is):
        assert remembered.cache_info().currsize == 0


def test_of_many_spots_as_many_are_tried_as_refinement_needs(monkeypatch):
    """To all resolutions, and more where fewer are on the lattice."""
    monkeypatch.setattr(solving, "MAX_REFINED_SPOTS", 300)
    experiment = sweep(n_images=60)
    A = setting(CELL, seed=3)
    table = spots_of(experiment, A, d_min=2.0, seed=1)
    others = random_spots(experiment, 2 * len(table))
    for spots, share in ((table, 1.0), (Reflections.concatenate([table, others]), 1 / 3)):
        seen, cycles = spots_in_reciprocal_space([experiment], spots), []
        model = solving._refined(model_of([experiment]).with_settings([A]), seen, IndexParams(), cycles)
        assert [c.n_indexed / c.n_spots for c in cycles[1:]] == pytest.approx([share] * 4, rel=0.25)
        assert 250 <= cycles[-1].n_indexed <= 600
        assert cycles[-1].d_min == pytest.approx(seen.d.min(), rel=0.02)
        np.testing.assert_allclose(model.settings[0], A, atol=2e-5)
