"""Scales of crystals that diffract far, and of data that go on where these end."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
import scaled_for_tests
from scaled_for_tests import Recipe, synthetic

from autoproc.scaling.params import ScaleParams
from autoproc.stages.scale import scale

CELL = (10.0, 10.0, 15.0, 90.0, 90.0, 90.0)
D_MIN = 0.8
DAMAGED = Recipe(n_observations=6000, b_end=2.0, scale_amplitude=0.3)


def scaled(monkeypatch, signal_to):
    """A small crystal of which B rises by 2 Angstrom^2, with signal to a resolution, and what was put in."""
    monkeypatch.setattr(scaled_for_tests, "CELL", CELL)
    monkeypatch.setattr(scaled_for_tests, "D_MIN", D_MIN)
    hkl, intensity = scaled_for_tests.true_intensities()
    d = gemmi.UnitCell(*CELL).calculate_d_array(hkl)
    monkeypatch.setattr(scaled_for_tests, "true_intensities", lambda: (hkl, np.where(d > signal_to, intensity, 0.02)))
    made = synthetic(DAMAGED)
    return made, scale([made.experiment], made.reflections, ScaleParams())


@pytest.mark.parametrize("signal_to", [0.0, 1.3])
def test_decay_of_a_small_crystal_is_found(monkeypatch, signal_to):
    made, result = scaled(monkeypatch, signal_to)
    inside = made.reflections["d"] > max(signal_to, D_MIN)
    off = np.log(result.reflections["inverse_scale"] / made.factor)[inside]
    inverse_d2 = made.reflections["d"][inside] ** -2.0
    off -= np.polyval(np.polyfit(inverse_d2, off, 1), inverse_d2)  # the B of the whole sweep is nobody's business
    assert np.std(off) < 0.05
    b = result.images[0].b
    assert b[0] - b[-1] == pytest.approx(2.0, abs=0.3)


def test_noise_beyond_the_signal_has_the_decay_of_its_limit(monkeypatch):
    """Residual background follows no scale: with a B for 0.8 Angstrom it would be made to grow with resolution."""
    made, result = scaled(monkeypatch, 1.3)
    table, d = result.reflections, made.reflections["d"]
    late = table["xyz_obs_px"][:, 2] > 150
    near, far = (table["inverse_scale"][late & shell] for shell in ((d > 1.0) & (d < 1.1), d < 0.85))
    assert np.median(far) == pytest.approx(np.median(near), rel=0.1)
