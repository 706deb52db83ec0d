from __future__ import annotations

import numpy as np
import pytest

from autoproc.robust import readout_variance

GOOD = np.ones((900, 900), bool)


@pytest.mark.parametrize("sigma", [0.6, 1.5, 4.0])
@pytest.mark.parametrize("photons", [0.0, 0.2])
def test_the_noise_of_a_readout_is_told_from_negative_counts(sigma, photons):
    rng = np.random.default_rng(2)
    image = np.rint(rng.poisson(photons, GOOD.shape) + rng.normal(0, sigma, GOOD.shape)).astype(np.int32)
    image[:, ::50] = -32768  # markers, not counts
    assert readout_variance(image, GOOD, -32767) == pytest.approx(sigma**2 + 1 / 12, rel=0.2)


def test_photon_counters_have_none():
    assert readout_variance(np.full(GOOD.shape, -1, np.int32), GOOD, 0) == 0.0
    assert readout_variance(np.zeros(GOOD.shape, np.int32), GOOD, -5) == 0.0
