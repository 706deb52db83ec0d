from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc.geometry.corrections import polarisation_factor
from autoproc.merging.groups import EquivalentGroups
from autoproc.scaling.detector_response import strong_observations
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.polarisation import LEAST_ERROR, PolarisationSeen, beside_surface, common_sigma, polarisation_seen
from autoproc.stages.scale import scale


def found(true: float, stated: float, **recipe) -> PolarisationSeen:
    """What equivalents of a beam polarised by `true` have, corrected with `stated`."""
    made = synthetic(Recipe(**{"n_observations": 6000, "strength": 3000.0, **recipe}))
    beam = replace(made.experiment.beam, polarization_fraction=stated)
    s1 = made.reflections["s1"]
    # Directions as on a detector: forward of the crystal, to 50 degrees, beyond which a factor may be next to 0.
    forward = -np.sign((s1 @ beam.direction)[:, None]) * s1 - 1.2 * beam.direction
    s1 = forward / np.linalg.norm(forward, axis=1, keepdims=True)
    by = polarisation_factor(replace(beam, polarization_fraction=true), s1) / polarisation_factor(beam, s1)
    columns = {
        f"{what}_{kind}": made.reflections[f"{what}_{kind}"] * by**power
        for what, power in (("intensity", 1), ("variance", 2))
        for kind in ("prf", "sum")
    }
    experiment = replace(made.experiment, beam=beam)
    table = made.reflections.replace(s1=s1, **columns)
    scaled = scale([experiment], table, ScaleParams(absorption_level="medium"))
    seen = polarisation_seen(scaled, strong_observations(scaled))
    assert seen is not None
    return seen


@pytest.mark.parametrize(("true", "stated"), [(0.99, 0.5), (0.5, 0.99)])
def test_a_wrong_polarisation_is_found_from_equivalents(true, stated):
    seen = found(true, stated)
    assert seen.stated == stated
    assert seen.found == pytest.approx(true, abs=0.1)
    assert abs(seen.found - stated) > 6 * seen.sigma


@pytest.mark.parametrize(("fraction", "absorption"), [(0.99, 0.0), (0.5, 0.0), (0.99, 0.3)])
def test_a_right_one_is_not_doubted_whatever_the_crystal_absorbs(fraction, absorption):
    seen = found(fraction, fraction, absorption=absorption)
    assert abs(seen.found - fraction) < 3 * seen.sigma


def test_absorption_makes_the_fraction_uncertain():
    """By what it may do to it, not by the number of reflections alone."""
    clear, absorbing = (found(0.99, 0.99, absorption=a).sigma ** 2 - LEAST_ERROR**2 for a in (0.0, 0.3))
    assert absorbing > 9 * clear


K, N, TRUE = 24, 400, 0.3


def drawn(seed: int, width: float, noise: float = 0.1) -> tuple[np.ndarray, int]:
    """Normal matrix of a parameter of value TRUE that looks much like a surface, drawn with a width, and its N - K."""
    random = np.random.default_rng(seed)
    free = random.normal(size=(N, K))
    slope = free @ random.normal(size=K) / np.sqrt(K) + 0.2 * random.normal(size=N)
    y = TRUE * slope + free @ random.normal(0, width, K) + random.normal(0, noise, N)
    columns = np.column_stack([slope, y, free]) / noise
    return columns.T @ columns, N - K


@pytest.mark.parametrize("width", [0.0, 0.05, 0.5])
def test_the_error_is_that_of_the_scatter_whatever_the_width_of_the_surface(width):
    z = [(value - TRUE) / error for value, error in (beside_surface(*drawn(seed, width)) for seed in range(60))]
    assert 0.75 < np.sqrt(np.mean(np.square(z))) < 1.25
    assert np.max(np.abs(z)) < 4


def test_errors_that_are_too_small_are_told_from_the_rest():
    """Ten times the information that there is: the same value, and the same error."""
    normal, n_free = drawn(1, 0.05)
    value, error = beside_surface(normal, n_free)
    again, same = beside_surface(100 * normal, n_free)
    assert again == pytest.approx(value, rel=0.05)
    assert same == pytest.approx(error, rel=0.15)


def test_observations_of_a_group_weigh_the_same():
    groups = EquivalentGroups(np.zeros((2, 3), np.int32), np.array([0, 0, 1]), np.ones(3, bool), np.zeros(2, bool))
    np.testing.assert_allclose(common_sigma(groups, np.array([3.0, 1.0, 2.0])), [np.sqrt(5), np.sqrt(5), 2.0])


def test_too_few_reflections_tell_nothing():
    made = synthetic(Recipe(n_observations=200))
    scaled = scale([made.experiment], made.reflections, ScaleParams(absorption_level="low"))
    assert polarisation_seen(scaled, strong_observations(scaled)) is None
