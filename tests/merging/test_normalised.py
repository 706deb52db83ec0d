from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.merging.normalised import normalised
from autoproc.merging.translation import highest_patterson_peak
from autoproc.merging.twinning import l_test
from autoproc.merging.wilson_model import reciprocal_vectors
from autoproc.models.merged import Merged

CELL, GROUP = gemmi.UnitCell(40, 50, 90, 90, 90, 90), gemmi.SpaceGroup("P 21 21 21")
HKL = np.asarray(gemmi.make_miller_array(CELL, GROUP, 2.3), np.int32)
CENTRIC = np.asarray(GROUP.operations().centric_flag_array(HKL), bool)
EPSILON = np.asarray(GROUP.operations().epsilon_factor_without_centering_array(HKL), float)
S = reciprocal_vectors(CELL, HKL)
ISOTROPIC, STRONG = (0.0, 0.0, 0.0), (0.0, 25.0, 70.0)


def merged(b: tuple[float, ...], twin: float = 0.0, seed: int = 0) -> Merged:
    """Wilson intensities, with errors, that fall off with B of (b) more along a*, b*, c*, of a crystal or a twin."""
    random, n = np.random.default_rng(seed), len(HKL)
    one, other = (np.where(CENTRIC, random.chisquare(1, n), random.exponential(1, n)) for _ in range(2))
    true = 1000 * EPSILON * ((1 - twin) * one + twin * other) * np.exp(-0.5 * (S**2 @ (np.array(b) + 15)))
    sigma = 1 + 0.03 * true
    nothing, none = np.full(n, np.nan), np.zeros(n, int)
    return Merged(
        HKL, CELL, GROUP, 1.0, true + sigma * random.normal(size=n), sigma, *[nothing] * 4, none, none, none,
        *[nothing] * 6, CENTRIC, none, float("nan"),
    )  # fmt: skip


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.tuples(*[st.floats(0, 60)] * 3))
def test_the_mean_is_one_in_every_direction(seed, b):
    seen = normalised(merged(b, seed=seed), np.arange(len(HKL)))
    for axis in range(3):
        along = np.abs(S[:, axis]) > 0.85 * np.linalg.norm(S, axis=1)
        weight = 1 / (1 + seen.sigma[along] ** 2)
        assert np.average(seen.e2[along], weights=weight) == pytest.approx(1, abs=6 * weight.sum() ** -0.5)


def test_an_anisotropic_crystal_has_the_moments_of_any_other():
    for b in (ISOTROPIC, STRONG):
        test = l_test(merged(b))
        assert test.mean_abs_l == pytest.approx(0.5, abs=0.02)
        assert test.second_moment == pytest.approx(2.0, abs=0.1)


def test_anisotropy_hides_no_twin():
    """Without directions its moment was 2.6."""
    test = l_test(merged(STRONG, twin=0.5))
    assert test.second_moment == pytest.approx(1.5, abs=0.08)
    assert test.mean_abs_l < 0.41


def test_anisotropy_is_no_translation():
    peaks = [highest_patterson_peak(merged(b)) for b in (ISOTROPIC, STRONG)]
    assert peaks[1].height == pytest.approx(peaks[0].height, rel=0.05)


def test_unknown_errors_are_none():
    plain = merged(ISOTROPIC)
    seen = normalised(replace(plain, sigma=np.full(len(HKL), np.nan)), np.arange(len(HKL)))
    assert np.isfinite(seen.e2).all()
    assert seen.e2.mean() == pytest.approx(1.0, abs=0.1)
