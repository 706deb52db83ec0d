from __future__ import annotations

import numpy as np
import pytest

from autoproc.kernels.refinement_gradients import position_gradients


def arguments(n=4, panel=0):
    spots = tuple(np.random.default_rng(0).normal(size=(n, 3)) for _ in range(6))
    eye, zero = np.eye(3), np.zeros(3)
    goniometer = (eye[0], eye[0], eye, eye)
    return spots, np.full(n, panel), (eye[None], eye, zero), eye[:1], goniometer, (eye, np.ones((6, 2)))


def test_shapes_of_the_results():
    detector, beam, crystal = position_gradients(*arguments())
    assert (detector.shape, beam.shape, crystal.shape) == ((4, 3, 6), (4, 3, 1), (4, 3, 5))
    np.testing.assert_array_equal(detector[:, 2], 0)


def test_no_spots():
    assert position_gradients(*arguments(0))[2].shape == (0, 3, 5)


def test_wrong_panel_is_refused():
    with pytest.raises(ValueError, match="panels 1 to 1"):
        position_gradients(*arguments(panel=1))


def test_wrong_shapes_are_refused():
    spots, panel, panels, ds0, goniometer, crystal = arguments()
    with pytest.raises(ValueError, match="expected"):
        position_gradients((spots[0][:2], *spots[1:]), panel, panels, ds0, goniometer, crystal)
    with pytest.raises(ValueError, match="strain basis"):
        position_gradients(spots, panel, panels, ds0, goniometer, (np.eye(3), np.ones((5, 2))))
