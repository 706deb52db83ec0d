"""The crystal's absorption surface: of the strength that was asked for, and smooth."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from autoproc.kernels.harmonics import mean_harmonics
from autoproc.simulation.absorption import AbsorptionSurface


def directions(n: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def surface(strength: float = 0.3, seed: int = 1) -> AbsorptionSurface:
    return AbsorptionSurface(strength, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", [1, 2])
def test_over_all_directions_the_logarithm_has_no_mean_and_the_strength_for_its_scatter(seed):
    """Of one direction for both beams f counts twice: strength sqrt(2) f."""
    u = directions(5000)
    made = surface(0.3, seed)
    f = np.array([np.log(made.transmission(one[None], one)[0]) for one in u[:1500]]) / (0.3 * np.sqrt(2))
    assert f.mean() == pytest.approx(0, abs=0.08)
    assert f.std() == pytest.approx(1, abs=0.06)


def test_transmissions_of_both_beams_multiply():
    made, u = surface(), directions(9)
    both = made.transmission(u, u[0])
    alone = np.sqrt([made.transmission(one[None], one)[0] for one in u])
    assert_allclose(both, alone * alone[0])
    assert_allclose(surface(0.6).transmission(u, u[0]), both**2)


def test_the_surface_has_no_finer_detail_than_the_fourth_degree():
    made, u = surface(), directions(300)
    logarithm = np.log(made.transmission(u, u[0]))
    terms = np.column_stack([np.ones(300), mean_harmonics(u, u, 4)])
    rest = logarithm - terms @ np.linalg.lstsq(terms, logarithm, rcond=None)[0]
    assert np.abs(rest).max() < 1e-9
    coarser = np.column_stack([np.ones(300), mean_harmonics(u, u, 3)])
    assert np.abs(logarithm - coarser @ np.linalg.lstsq(coarser, logarithm, rcond=None)[0]).max() > 1e-3


def test_no_strength_is_no_absorption():
    assert surface(0.0).transmission(directions(5), np.array([0.0, 0, 1])).tolist() == [1] * 5
