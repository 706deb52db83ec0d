from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.simulation.passages import Passages, find_passages, index_by_image

S0 = np.array([0.0, 0.0, -1.0])
MARGIN = np.radians(0.6)


def turned(r, axis, phi):
    """Rodrigues' formula, (K, 3) for angles phi (K,)."""
    cos, sin = np.cos(phi)[:, None], np.sin(phi)[:, None]
    return cos * r + sin * np.cross(axis, r) + (1 - cos) * (axis @ r) * axis


def is_within_margin(r, axis, phi):
    here = turned(r, axis, phi)
    length = np.linalg.norm(r)
    alpha = np.arccos(np.clip(here @ S0 / length, -1, 1))
    return np.abs(alpha - np.arccos(-length / 2)) <= MARGIN


@settings(deadline=None, max_examples=200)
@given(
    r=st.tuples(*[st.floats(-1.1, 1.1)] * 3).filter(lambda v: 0.02 < np.hypot(np.hypot(*v[:2]), v[2]) < 1.95),
    tilt=st.tuples(*[st.floats(-0.4, 0.4)] * 2),
    start=st.floats(-4, 4),
    length=st.floats(0.2, 9.0),
)
def test_passages_are_the_angles_near_the_sphere(r, tilt, start, length):
    r, axis = np.array(r), np.array([1.0, *tilt]) / np.linalg.norm([1.0, *tilt])
    found = find_passages(r[None], S0, axis, MARGIN, (start, start + length))
    phi = np.linspace(start, start + length, 4001)
    within = np.zeros(len(phi), bool)
    doubtful = np.zeros(len(phi), bool)
    for low, high in zip(found.low, found.high, strict=True):
        within |= (phi >= low) & (phi <= high)
        doubtful |= (np.abs(phi - low) < 1e-5) | (np.abs(phi - high) < 1e-5)
    truth = is_within_margin(r, axis, phi)
    assert np.all((within == truth) | doubtful)


def test_every_turn_repeats_the_passages():
    rng = np.random.default_rng(3)
    r, axis = rng.uniform(-0.5, 0.5, (200, 3)), np.array([1.0, 0.0, 0.0])
    once = find_passages(r, S0, axis, MARGIN, (0.3, 0.3 + 2 * np.pi))
    thrice = find_passages(r, S0, axis, MARGIN, (0.3, 0.3 + 6 * np.pi))
    edge = np.sum(once.low < 0.3) + np.sum(once.high > 0.3 + 2 * np.pi)
    assert abs(len(thrice) - 3 * len(once)) <= edge + 2


def test_images_see_the_passages_that_overlap_them():
    passages = Passages(np.array([0, 1, 2]), np.array([-0.5, 0.9, 2.5]), np.array([0.2, 2.1, 9.0]))
    images = index_by_image(passages, 0.0, 1.0, 4)
    assert [images.on(i).tolist() for i in range(4)] == [[0, 1], [1], [1, 2], [2]]


def test_both_passages_on_one_image_count_once():
    passages = Passages(np.array([7, 7]), np.array([0.1, 0.6]), np.array([0.3, 1.2]))
    images = index_by_image(passages, 0.0, 1.0, 2)
    assert [images.on(i).tolist() for i in range(2)] == [[0], [1]]


def test_a_still_sees_everything_at_once():
    passages = Passages(np.array([0, 3]), np.array([-0.1, -0.2]), np.array([0.1, 0.2]))
    assert index_by_image(passages, 0.0, 0.0, 1).on(0).tolist() == [0, 1]


@pytest.mark.parametrize("r", [(2.5, 0.0, 0.0), (0.4, 0.0, 0.0)])
def test_beyond_the_limiting_sphere_or_on_the_axis_nothing_diffracts(r):
    assert len(find_passages(np.array([r]), S0, np.array([1.0, 0, 0]), MARGIN, (0.0, 6.0))) == 0
