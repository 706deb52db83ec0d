from __future__ import annotations

import numpy as np
import pytest

from autoproc.geometry.ice_rings import ice_ring_inverse_d2
from autoproc.integration.powder_rings import rings_of_profile

INVERSE_D = np.linspace(0.02, 0.6, 300)
WEIGHT = np.full(300, 1e4)


def smooth() -> np.ndarray:
    """Air scatter and a broad solvent ring, photons."""
    return 0.5 + np.exp(-INVERSE_D / 0.1) + 1.5 * np.exp(-0.5 * ((INVERSE_D - 0.29) / 0.05) ** 2)


def with_ring(d: float, height: float, width: float = 0.002) -> np.ndarray:
    return smooth() * (1 + height * np.exp(-0.5 * ((INVERSE_D - 1 / d) / width) ** 2))


def found(levels: np.ndarray, weight: np.ndarray = WEIGHT) -> list[float]:
    return [round(ring.d, 2) for ring in rings_of_profile(INVERSE_D**2, levels, weight)]


def test_a_solvent_ring_is_no_ice():
    assert found(smooth()) == []
    assert found(np.random.default_rng(0).poisson(smooth() * WEIGHT) / WEIGHT) == []


@pytest.mark.parametrize("d", [3.90, 3.67, 3.44, 2.67, 2.25])
def test_a_sharp_ring_of_ice_is_told_with_its_height(d: float):
    line = float(min(ice_ring_inverse_d2(1.9), key=lambda s2: abs(s2 - d**-2))) ** -0.5
    (ring,) = rings_of_profile(INVERSE_D**2, with_ring(line, 2.0), WEIGHT)
    assert ring.d == pytest.approx(d, abs=0.01)
    assert ring.ratio == pytest.approx(3.0, rel=0.1)


def test_rings_elsewhere_faint_ones_and_what_chance_makes_are_none():
    assert found(with_ring(3.0, 3.0)) == []
    assert found(with_ring(3.67, 0.1)) == []
    assert found(with_ring(3.67, 2.0), np.full(300, 1.0)) == [], "a few photons"


def test_nothing_is_known_of_rings_without_pixels():
    assert found(with_ring(3.67, 2.0), np.zeros(300)) == []
    assert found(with_ring(3.67, 2.0), np.where(INVERSE_D < 0.26, WEIGHT, 0.0)) == []
