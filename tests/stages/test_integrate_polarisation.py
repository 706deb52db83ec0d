"""Corrected intensities against the truth, by the angle of scattering and its direction to the polarisation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from simulated import simulated_frames
from simulated_spots import pairs, strong_spots

from autoproc.stages.integrate import integrate

ALONG_X, ALONG_Y = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
SWEEP = {
    "cell": (20.0, 25.0, 30.0, 90.0, 90.0, 90.0), "n_images": 10, "distance": 33.0, "d_min": 1.4, "wilson_b": 8.0,
    "strength": 20000.0, "absorption": 0.0, "volume_variation": 0.0, "flicker": 0.0, "observation_error": 0.0,
    "anomalous": 0.0, "cell_drift": 0.0, "wobble": 0.0, "hot_pixels": 0, "beam_stop": 0.0,
}  # fmt: skip
"""Spots to 2theta = 40 degrees, and nothing but the corrections between counts and truth."""
BINS = (5.0, 15.0, 25.0, 32.0, 40.0)


def ratios(horizontal, beam, axis=ALONG_X):
    """(2, bins) corrected over true intensity: along X, along Y of a beam that is told to be `beam`."""
    sweep = simulated_frames(polarization_fraction=horizontal, rotation_axis=axis, **SWEEP)
    told = tuple(replace(e, beam=replace(e.beam, **beam)) for e in sweep.experiments())
    table = integrate(told, strong_spots(sweep), sweep, n_threads=1).reflections
    ours, seen, theirs = pairs(sweep, table)
    complete = seen.partiality[theirs] > 0.99
    rows, there = table[ours[complete]], theirs[complete]
    lattice = sweep.lattices[0]
    known = dict(zip(map(tuple, lattice.hkl.tolist()), lattice.intensity, strict=True))
    true = np.array([known[tuple(hkl)] for hkl in seen.hkl[there].tolist()])
    corrected = rows["intensity_prf"] * rows["lp"] / rows["qe"]
    direction = rows["s1"] / np.linalg.norm(rows["s1"], axis=1, keepdims=True)
    two_theta = np.degrees(np.arccos(-direction[:, 2]))
    along_x = np.abs(direction[:, 0]) > np.abs(direction[:, 1])
    which = np.where(along_x, 0, len(BINS) - 1) + np.digitize(two_theta, BINS) - 1
    use = (two_theta >= BINS[0]) & (two_theta < BINS[-1])
    total = [np.bincount(which[use], column[use], minlength=2 * len(BINS) - 2) for column in (corrected, true)]
    return (total[0] / total[1]).reshape(2, -1)


@pytest.mark.parametrize(
    ("horizontal", "fraction", "normal", "axis"),
    [
        (0.5, 0.5, ALONG_Y, ALONG_X),
        (0.999, 0.999, ALONG_Y, ALONG_X),
        (0.01, 0.99, ALONG_X, ALONG_X),
        (0.99, 0.99, ALONG_Y, ALONG_Y),
    ],
)
def test_corrected_intensities_are_the_true_ones_at_every_angle(horizontal, fraction, normal, axis):
    told = {"polarization_fraction": fraction, "polarization_normal": np.array(normal)}
    np.testing.assert_allclose(ratios(horizontal, told, axis), 1.0, atol=0.01)


def test_a_wrong_polarisation_shows():
    wrong = ratios(0.5, {"polarization_fraction": 0.999, "polarization_normal": np.array(ALONG_Y)})
    assert wrong[0, -1] > 1.04
    assert wrong[1, -1] < 0.96
