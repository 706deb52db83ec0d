from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc.geometry.corrections import polarisation_factor
from autoproc.scaling.detector_response import comparable
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.polarisation import PolarisationSeen, polarisation_seen
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
    seen = polarisation_seen(scaled, comparable(scaled))
    assert seen is not None
    return seen


@pytest.mark.parametrize(("true", "stated"), [(0.99, 0.5), (0.5, 0.99)])
def test_a_wrong_polarisation_is_found_from_equivalents(true, stated):
    seen = found(true, stated)
    assert seen.stated == stated
    assert seen.found == pytest.approx(true, abs=0.1)
    assert abs(seen.found - stated) > 8 * seen.sigma
    assert seen.share > 0.35


@pytest.mark.parametrize(("fraction", "absorption"), [(0.99, 0.0), (0.5, 0.0), (0.99, 0.3)])
def test_a_right_one_is_not_doubted_whatever_the_crystal_absorbs(fraction, absorption):
    seen = found(fraction, fraction, absorption=absorption)
    assert abs(seen.found - fraction) < max(0.15, 8 * seen.sigma) or seen.share < 0.35


def test_too_few_reflections_tell_nothing():
    made = synthetic(Recipe(n_observations=200))
    scaled = scale([made.experiment], made.reflections, ScaleParams(absorption_level="low"))
    assert polarisation_seen(scaled, comparable(scaled)) is None
