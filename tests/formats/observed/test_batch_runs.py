"""Batches of an unmerged MTZ file are put together sweep by sweep, and no further."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.formats.observed.batch_runs import runs_of
from autoproc.geometry.rotation import rotation_matrix

CELL = (40.0, 50.0, 60.0, 90, 90, 90)
AS_MOUNTED = rotation_matrix(np.array([1.0, 2.0, 3.0]) / np.sqrt(14), 0.7)
OTHERWISE = rotation_matrix(np.array([0.0, 0.6, 0.8]), 1.0) @ AS_MOUNTED


def header(number, phi, width, u=AS_MOUNTED, cell=CELL, axis=(0, 0, 1), wavelength=1.0, dataset=1):
    batch = gemmi.Mtz.Batch()
    batch.number, batch.dataset_id = number, dataset
    batch.ints[17] = 1
    for first, values in {0: cell, 6: u.T.ravel(), 36: (phi, phi + width), 38: axis, 86: (wavelength,)}.items():
        for n, value in enumerate(values):
            batch.floats[first + n] = float(value)
    return batch


def sweep(first, n, width, start=0.0, **of_crystal):
    return [header(first + k, start + k * width, width, **of_crystal) for k in range(n)]


def lengths(batches):
    return [len(run) for run in runs_of(batches)]


@pytest.mark.parametrize("width", [0.36, 0.1, 1.0])
@pytest.mark.parametrize("u", [AS_MOUNTED, OTHERWISE])
def test_two_crystals_1000_batches_apart_are_two_sweeps(width, u):
    assert lengths([*sweep(1, 90, width), *sweep(1001, 90, width, u=u)]) == [90, 90]


@pytest.mark.parametrize("width", [0.36, 0.1, 1.0])
def test_a_second_crystal_whose_phi_goes_on_is_told_by_its_orientation(width):
    assert lengths([*sweep(1, 90, width), *sweep(91, 90, width, start=90 * width, u=OTHERWISE)]) == [90, 90]


@pytest.mark.parametrize("width", [0.36, 0.1, 1.0, -0.5])
def test_images_that_are_lacking_do_not_part_a_sweep(width):
    whole = sweep(1, 200, width, start=300.0)
    assert lengths([*whole[:70], *whole[110:]]) == [160]


def test_angles_that_begin_anew_after_a_turn_do_not_part_a_sweep():
    batches = [header(k, (k - 1) * 1.0 % 360, 1.0) for k in range(1, 401) if not 370 < k < 390]
    assert lengths(batches) == [381]


def test_a_crystal_that_slips_slowly_is_one_sweep():
    slipping = (rotation_matrix(np.array([1.0, 0, 0]), np.radians(0.1 * k)) @ AS_MOUNTED for k in range(100))
    assert lengths([header(k + 1, float(k), 1.0, u=u) for k, u in enumerate(slipping)]) == [100]


@pytest.mark.parametrize(
    "other",
    [{"cell": (40.0, 50.0, 63.0, 90, 90, 90)}, {"axis": (0, 0.2, 1)}, {"wavelength": 0.98}, {"dataset": 2},
     {"u": np.zeros((3, 3))}],
)  # fmt: skip
def test_what_else_tells_another_sweep(other):
    assert lengths([*sweep(1, 20, 1.0), *sweep(21, 20, 1.0, start=20.0, **other)]) == [20, 20]


def test_headers_that_tell_no_orientation_go_by_their_angles():
    untold = {"u": np.zeros((3, 3)), "cell": (0,) * 6, "axis": (0, 0, 0), "wavelength": 0.0}
    assert lengths([*sweep(1, 20, 1.0, **untold), *sweep(31, 20, 1.0, start=30.0, **untold)]) == [40]
