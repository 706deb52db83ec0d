from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_spots import random_spots, setting, spots_of, sweep

from autoproc.errors import TooFewSpots
from autoproc.geometry.rotation import rotation_matrix
from autoproc.models.experiment import Experiment, Goniometer
from autoproc.models.reflections import Reflections
from autoproc.stages.find_rotation_axis import (
    FindRotationAxisParams,
    find_rotation_axis,
    format_find_rotation_axis,
)

COARSE = FindRotationAxisParams(n_spots=500, step=3.0)


def spots_and_wrong_header(turn: float, seed: int = 0) -> tuple[Experiment, Reflections]:
    """Spots of a sweep about X, and its experiment whose axis has to be turned by so many degrees to be right."""
    truth = sweep(n_images=120)
    spots = spots_of(truth, setting((45.0, 57.0, 83.0, 90.0, 104.0, 90.0), seed), 2.5, keep=0.5, seed=seed)
    axis = rotation_matrix(truth.beam.s0 / np.linalg.norm(truth.beam.s0), np.radians(-turn)) @ np.array([1.0, 0, 0])
    return replace(truth, goniometer=Goniometer(axis=axis)), spots


@pytest.mark.parametrize(
    ("turn", "usual"),
    [(180.0, "reversed"), (90.0, "vertical"), (-90.0, "vertical and reversed"), (37.0, ""), (-128.5, "")],
)
def test_turned_axis_is_found(turn, usual):
    header, spots = spots_and_wrong_header(turn, seed=int(abs(turn)))
    result = find_rotation_axis(header, spots, COARSE)
    assert result.is_improved
    assert result.usual == usual
    np.testing.assert_allclose(result.experiment.goniometer.lab_axis, [1, 0, 0], atol=0.02)
    assert "tell the beamline" in format_find_rotation_axis(result)


def test_right_axis_stands():
    header, spots = spots_and_wrong_header(0.0)
    result = find_rotation_axis(header, spots, COARSE)
    assert not result.is_improved
    assert result.experiment is header
    assert "stands" in format_find_rotation_axis(result)


@pytest.mark.parametrize("seed", [1, 2])
def test_spots_without_a_lattice_say_nothing_against_the_header(seed):
    header = sweep(n_images=120)
    assert not find_rotation_axis(header, random_spots(header, 500, seed), COARSE).is_improved


def test_handful_of_spots_is_refused():
    header = sweep()
    with pytest.raises(TooFewSpots):
        find_rotation_axis(header, random_spots(header, 20), COARSE)
