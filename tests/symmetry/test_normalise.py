from __future__ import annotations

import numpy as np
from integrated_for_tests import experiment_of, integrated

from autoproc.geometry.corrections import lorentz_polarisation
from autoproc.symmetry import normalise as normalising
from autoproc.symmetry.corrected_observations import has_bad_pixels, observations_of
from autoproc.symmetry.normalise import normalise

CELL = (40, 40, 50, 90, 90, 90)


def spread_of_mean(absorption: float, prescale: bool) -> float:
    """Scatter of log(estimated mean / true mean) of observations."""
    experiment, reflections = integrated("P 41", CELL, absorption=absorption, noise=0.02)
    observations = observations_of([experiment], reflections)
    x, y = observations.direction[:, 0], observations.direction[:, 1]
    factor = absorption * (x + 0.7 * np.sin(observations.phi) + y * np.cos(observations.phi))
    mean = normalise(observations, prescale).mean
    return float(np.std(np.log(mean) - factor + 10 * observations.s2))


def test_smooth_absorption_is_taken_out():
    assert spread_of_mean(0.8, prescale=False) > 0.3
    assert spread_of_mean(0.8, prescale=True) < 0.18


def test_little_is_added_where_there_is_none():
    assert spread_of_mean(0.0, prescale=True) < 0.18


def test_e2_is_one_on_average_in_every_shell():
    observations = observations_of(*_one(integrated("P 21 21 21", (30, 40, 50, 90, 90, 90))))
    e2 = normalise(observations).e2
    for rows in np.array_split(np.argsort(observations.s2), 8):
        assert abs(e2[rows].mean() - 1) < 0.1


def test_a_hot_pixel_in_a_weak_reflection_is_seen():
    _, reflections = integrated("P 1", CELL, d_min=5.0)
    n = len(reflections)
    correlation = np.full(n, 0.9)
    correlation[7] = 0.1
    intensity = reflections["intensity_prf"].copy()
    intensity[7] = 1e5
    table = reflections.replace(profile_correlation=correlation, intensity_prf=intensity, intensity_sum=intensity)
    bad = has_bad_pixels(table, intensity, reflections["variance_prf"])
    np.testing.assert_array_equal(np.flatnonzero(bad), [7])


def test_lp_correction_is_that_of_the_formula():
    experiment = experiment_of("P 1", CELL)
    s0 = experiment.beam.s0
    s1 = np.array([[0.0, np.sin(0.4), -np.cos(0.4)]])
    cos_2theta = s1[0] @ s0 / np.linalg.norm(s0)
    p = experiment.beam.polarization_fraction
    across = s1[0] @ experiment.beam.polarization_normal
    polarisation = (1 - 2 * p) * (1 - across**2) + p * (1 + cos_2theta**2)
    found = lorentz_polarisation(experiment.beam, experiment.goniometer, s1)
    np.testing.assert_allclose(found, np.sin(0.4) / polarisation)


def _one(made):
    experiment, reflections = made
    return [experiment], reflections


def test_blocks_and_threads_do_not_change_e2(monkeypatch):
    observations = observations_of(*_one(integrated("P 21 21 21", (30, 40, 50, 90, 90, 90))))
    at_once = normalise(observations).e2
    monkeypatch.setattr(normalising, "BLOCK", 128)
    np.testing.assert_allclose(normalise(observations).e2, at_once, rtol=1e-12)
