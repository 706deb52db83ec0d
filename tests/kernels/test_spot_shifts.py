"""Shifts of spots that bring them to lattice points; derivatives are tested in tests/indexing/test_derivatives.py."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autoproc.geometry.rotation import turn_to_crystal
from autoproc.kernels.spot_shifts import spot_shifts
from autoproc.models.experiment import Goniometer

AXIS, S0 = np.array([1.0, 0, 0]), np.array([0, 0, -1.0])
EVERY = np.eye(9).reshape(9, 3, 3)


def arguments(n=5):
    """Spots on a detector that faces the beam, at 100 mm, with an upright lattice of 50 A."""
    rng = np.random.default_rng(1)
    lab = np.column_stack([rng.uniform(-40, 40, (n, 2)), np.full(n, -100.0)])
    spots = lab, np.zeros(n, int), rng.uniform(0, 1, n), rng.integers(-9, 9, (n, 3))
    rotation = turn_to_crystal(Goniometer(AXIS)), AXIS
    return [
        spots,
        np.array([np.eye(3)[:2]]),
        (1.0, S0),
        rotation,
        (np.eye(3) / 50, EVERY),
        (np.zeros(3), AXIS),
        True,
        0.0,
    ]


def test_shifts_make_up_for_what_the_lattice_point_is_off():
    """dx ds1/dx + dy ds1/dy - dphi (axis x q) = q - (s1 - s0)."""
    given = arguments()
    (lab, _, phi, hkl), *_ = given
    _, _, shifts, _ = spot_shifts(*given)
    for position, angle, index, (dx, dy, dphi) in zip(lab, phi, hkl, shifts, strict=True):
        c, s = np.cos(angle), np.sin(angle)
        q = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ index / 50
        length = np.linalg.norm(position)
        unit = position / length
        by_place = (np.eye(3) - np.outer(unit, unit)) / length
        moved = dx * by_place[:, 0] + dy * by_place[:, 1] - dphi * np.cross(AXIS, q)
        assert_allclose(moved, q - (unit - S0), atol=1e-12)


def test_columns_are_left_out_that_are_not_asked_for():
    given = arguments()
    every = spot_shifts(*given)[3]
    assert every.shape == (5, 3, 9 + 7 + 3)
    given[5] = None
    assert_array_equal(spot_shifts(*given)[3], np.delete(every, slice(9, 16), axis=2))
    given[6] = False
    assert_array_equal(spot_shifts(*given)[3], every[:, :, :9])


def test_spots_near_the_spindle_are_left_out_and_the_others_keep_their_order():
    given = arguments(40)
    lab = given[0][0]
    lab[::3, 1] = 0.3 * lab[::3, 0] / 40
    rows, zeta, shifts, derivatives = spot_shifts(*given)
    across = np.cross(lab / np.linalg.norm(lab, axis=1, keepdims=True), S0)
    assert_array_equal(rows, np.arange(40))
    assert_allclose(zeta, across @ AXIS / np.linalg.norm(across, axis=1), atol=1e-14)
    given[7] = 0.05
    steep = np.abs(zeta) > 0.05
    assert 0 < steep.sum() < 40
    for found, whole in zip(spot_shifts(*given), (rows, zeta, shifts, derivatives), strict=True):
        assert_array_equal(found, whole[steep])


def test_wrong_arguments_are_refused():
    for place, value, said in (
        (1, np.zeros((0, 2, 3)), "panel must lie in"),
        (2, (0.0, S0), "wavelength"),
        (4, (np.eye(3), np.eye(3)), "modes"),
        (5, (AXIS, np.zeros(2)), "detector"),
        (7, -1.0, "least zeta"),
    ):
        given = arguments()
        given[place] = value
        with pytest.raises(ValueError, match=said):
            spot_shifts(*given)
    given = arguments()
    given[0] = (*given[0][:1], np.zeros(4, int), *given[0][2:])
    with pytest.raises(ValueError, match="4 panels for 5 spots"):
        spot_shifts(*given)
