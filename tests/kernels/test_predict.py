"""Crossings of the Ewald sphere, by the condition itself and by turning in small steps."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation

from autoproc.kernels.predict import predict_plane

S0 = np.array([0.1, 0.0, -1.0]) / np.hypot(0.1, 1.0)
AXIS = np.array([0.6, 0.8, 0.0])
SCAN = (0.3, 0.02)


def crystal(seed: int = 0) -> np.ndarray:
    return Rotation.random(random_state=seed).as_matrix() @ np.diag([1 / 11, 1 / 13, 1 / 17])


def off_sphere(A: np.ndarray, hkl: np.ndarray, phi: float) -> float:
    """(|s0 + R A hkl|^2 - |s0|^2), which is zero where hkl diffracts."""
    s1 = Rotation.from_rotvec(phi * AXIS).apply(A @ hkl) + S0
    return float(s1 @ s1 - S0 @ S0)


def by_steps(A: np.ndarray, hkl: np.ndarray, low: float, high: float, n: int = 500) -> list[float]:
    """Angles where the point changes sides, between small steps."""
    angles = np.linspace(low, high, n + 1)
    points = Rotation.from_rotvec(angles[:, None] * AXIS).apply(A @ hkl) + S0
    off = np.sum(points**2, axis=1) - S0 @ S0
    return [
        brentq(lambda phi: off_sphere(A, hkl, phi), angles[i], angles[i + 1], xtol=1e-11)
        for i in np.flatnonzero(off[:-1] * off[1:] < 0)
    ]


@pytest.mark.parametrize("h", [-2, 0, 1])
@pytest.mark.parametrize(("low", "high"), [(0.3, 2.3), (-1.0, 6.5)])
def test_every_crossing_within_the_range_is_found_once(h, low, high):
    A = crystal(1)
    hkl, phi, frame = predict_plane(h, (-3, 3), (-3, 3), A, AXIS, S0, SCAN, (low, high), 2.5)
    expected = []
    for k in range(-3, 4):
        for index in range(-3, 4):
            one = np.array([h, k, index])
            if one.any() and np.linalg.norm(A @ one) <= 1 / 2.5:
                expected += [(*one.tolist(), angle) for angle in by_steps(A, one, low, high)]
    found = sorted((*row, angle) for row, angle in zip(hkl.tolist(), phi, strict=True))
    assert [f[:3] for f in found] == [e[:3] for e in sorted(expected)]
    assert_allclose([f[3] for f in found], [e[3] for e in sorted(expected)], atol=1e-9)
    assert_allclose(frame, (phi - 0.3) / 0.02)


@pytest.mark.parametrize("seed", range(4))
def test_a_moving_crystal_diffracts_with_its_setting_at_that_moment(seed):
    A = crystal(seed)
    turn = Rotation.from_rotvec(np.linspace(0, 0.01, 51)[:, None] * [0.0, 0.6, 0.8]).as_matrix()
    points = turn @ A * np.linspace(1, 1.003, 51)[:, None, None]
    hkl, phi, frame = predict_plane(1, (-4, 4), (-4, 4), points, AXIS, S0, SCAN, (0.3, 1.3), 2.5)
    assert len(hkl) > 5
    low = np.minimum(frame.astype(int), 49)
    setting = points[low] + (frame - low)[:, None, None] * (points[low + 1] - points[low])
    s1 = Rotation.from_rotvec(phi[:, None] * AXIS).apply(np.einsum("nij,nj->ni", setting, hkl)) + S0
    assert_allclose(np.linalg.norm(s1, axis=1), 1, atol=1e-7)


def test_beyond_the_scan_the_crystal_stays_as_at_its_ends():
    A = crystal(2)
    points = np.stack([A, 1.001 * A, 1.002 * A])
    scan = (0.0, 0.5)
    _, before, _ = predict_plane(1, (-3, 3), (-3, 3), points, AXIS, S0, scan, (-2.0, -0.1), 3.0)
    _, first, _ = predict_plane(1, (-3, 3), (-3, 3), points[:1], AXIS, S0, scan, (-2.0, -0.1), 3.0)
    _, after, _ = predict_plane(1, (-3, 3), (-3, 3), points, AXIS, S0, scan, (1.1, 3.0), 3.0)
    _, last, _ = predict_plane(1, (-3, 3), (-3, 3), points[2:], AXIS, S0, scan, (1.1, 3.0), 3.0)
    assert_allclose(before, first, atol=1e-9)
    assert_allclose(after, last, atol=1e-9)
    assert len(before)
    assert len(after)


def test_the_range_is_half_open_and_the_resolution_limit_is_kept():
    A = crystal(3)
    hkl, phi, _ = predict_plane(1, (-3, 3), (-3, 3), A, AXIS, S0, SCAN, (0.0, 6.0), 2.5)
    again, angles, _ = predict_plane(1, (-3, 3), (-3, 3), A, AXIS, S0, SCAN, (phi[0], phi[0] + 1e-6), 2.5)
    assert again.tolist() == hkl[:1].tolist()
    assert_allclose(angles, phi[:1], atol=1e-12)
    assert np.linalg.norm(hkl @ A.T, axis=1).max() <= 1 / 2.5
    assert len(predict_plane(1, (-3, 3), (-3, 3), A, AXIS, S0, SCAN, (0.0, 6.0), 6.0)[0]) < len(hkl)


def test_many_turns_see_everything_again():
    A = crystal(4)
    once = predict_plane(1, (-2, 2), (-2, 2), A, AXIS, S0, SCAN, (0.0, 2 * np.pi), 3.0)
    thrice = predict_plane(1, (-2, 2), (-2, 2), A, AXIS, S0, SCAN, (0.0, 6 * np.pi), 3.0)
    assert len(thrice[0]) == 3 * len(once[0])
    assert_allclose(np.sort(thrice[1])[: len(once[1])], np.sort(once[1]))
    turned = np.sort(np.concatenate([once[1] + 2 * np.pi * n for n in range(3)]))
    assert_allclose(np.sort(thrice[1]), turned)


def test_points_on_the_spindle_never_cross_and_no_indices_are_nothing():
    along = np.column_stack([0.1 * AXIS, 0.1 * np.array([0.8, -0.6, 0.0]), [0.0, 0.0, 0.1]])
    assert len(predict_plane(1, (0, 0), (0, 0), along, AXIS, S0, SCAN, (0.0, 7.0), 2.0)[0]) == 0
    assert len(predict_plane(1, (1, 0), (0, 0), along, AXIS, S0, SCAN, (0.0, 7.0), 2.0)[0]) == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"axis": np.eye(3)}, "of shape"), ({"t0": np.ones(2)}, "of shape"), ({"scan": (0.0, 0.0)}, "is 0.0, expected"),
     ({"d_min": 0.0}, "is 0.0, expected")],
)  # fmt: skip
def test_nonsense_is_refused(changed, message):
    given_ = {"axis": AXIS, "t0": S0, "scan": SCAN, "phi_range": (0.0, 1.0), "d_min": 3.0, **changed}
    with pytest.raises(ValueError, match=message):
        predict_plane(1, (-1, 1), (-1, 1), crystal(), **given_)
