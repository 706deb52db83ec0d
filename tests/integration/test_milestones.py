from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models_for_tests import experiment

from autoproc.integration.milestones import change_of_setting, milestones, surveyed_of_stretch
from autoproc.integration.params import StretchParams

DEFAULT = StretchParams()


def test_of_common_sweeps():
    assert milestones(600, 0.2, DEFAULT) == (150, 255, 434)
    assert milestones(3600, -0.1, DEFAULT) == (300, 510, 867, 1474, 2506)
    assert milestones(150, 0.2, DEFAULT) == ()
    assert milestones(360, 1.0, DEFAULT) == (147, 251)  # 100 images at least


def test_where_files_say_how_many_are_to_come():
    assert milestones(600, 0.2, DEFAULT, 600) == (150, 330, 516)
    assert milestones(600, 0.2, DEFAULT, 1200) == (300,)  # broken off
    assert milestones(700, 0.2, DEFAULT, 600) == (150, 330, 516)  # more than were announced
    assert milestones(240, 0.5, DEFAULT, 240) == (132, 206)  # 60 images are too few
    assert milestones(1800, -0.05, DEFAULT, 1800) == (990, 1548)  # 22.5 degrees are too few
    assert milestones(3600, -0.05, DEFAULT, 3600) == (900, 1980, 3096)
    assert milestones(600, 0.2, DEFAULT.model_copy(update={"shares": (0.9, 0.5, 0.51)}), 600) == (300, 540)


def test_none_of_stills_or_where_they_are_not_wanted():
    assert milestones(600, 0.0, DEFAULT) == ()
    assert milestones(600, 0.2, DEFAULT.model_copy(update={"is_enabled": False})) == ()


@given(
    n_images=st.integers(1, 4000), more=st.integers(0, 4000), width=st.floats(0.01, 5.0),
    first=st.floats(1.0, 90.0), growth=st.floats(1.05, 3.0), planned=st.none() | st.integers(1, 8000),
)  # fmt: skip
def test_they_depend_on_nothing_that_comes_later(n_images, more, width, first, growth, planned):
    params = StretchParams(first=first, growth=growth)
    all_of_them = milestones(n_images + more, width, params, planned)
    assert milestones(n_images, width, params, planned) == tuple(n for n in all_of_them if n < n_images)
    assert all(b - a >= params.min_images_more for a, b in pairwise(all_of_them))
    assert not all_of_them or all_of_them[0] >= params.min_images


@given(before=st.integers(0, 2000), more=st.integers(1, 2000))
def test_frames_that_are_looked_at_are_new_ones_and_not_too_many(before, more):
    runs = surveyed_of_stretch(before, before + more, DEFAULT)
    frames = [frame for run in runs for frame in run]
    assert frames == sorted(set(frames))
    assert before <= frames[0]
    assert frames[-1] < before + more
    most = DEFAULT.surveyed_more if before else DEFAULT.surveyed_first
    assert len(frames) == min(more, most)
    assert len(runs) == 1 or frames[0] == before
    assert frames[-1] == before + more - 1


@pytest.mark.parametrize("seed", range(4))
def test_indices_in_another_setting_of_the_same_lattice(seed):
    rng = np.random.default_rng(seed)
    one = experiment()
    change = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]]) if seed else np.array([[1, 0, 0], [1, 1, 0], [0, -2, 1]])
    off = np.eye(3) + rng.normal(0, 3e-4, (3, 3))
    other = replace(one, crystal=replace(one.crystal, A=off @ one.crystal.A @ np.linalg.inv(change)))
    found = change_of_setting(one, other)
    hkl = rng.integers(-9, 9, (20, 3))
    np.testing.assert_array_equal(hkl @ found, hkl @ change.T)
    np.testing.assert_allclose((hkl @ found) @ other.crystal.A.T, hkl @ one.crystal.A.T, atol=2e-3)


def test_lattices_that_are_not_the_same():
    one = experiment()

    def other(change):
        return replace(one, crystal=replace(one.crystal, A=one.crystal.A @ change))

    assert change_of_setting(one, other(np.diag([0.5, 1, 1]))) is None  # an axis twice as long
    assert change_of_setting(one, other(np.diag([2.0, 1, 1]))) is None
    assert change_of_setting(one, other(np.diag([-1.0, -1, -1]))) is None  # the other hand
    assert change_of_setting(one, other(np.eye(3) + 0.1)) is None
    assert change_of_setting(one, other(np.diag([1.04, 1, 1]))) is not None
    assert change_of_setting(one, other(np.diag([1.06, 1, 1]))) is None
