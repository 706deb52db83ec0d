from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scaled_for_tests import Recipe, experiment

from autoproc.damage.dose import MOST_STEPS, dose_axis, doses_of, starts_of


def sweeps(*n_images):
    return [experiment(Recipe(n_images=n)) for n in n_images]


@pytest.mark.parametrize(
    ("crystals", "starts"),
    [(None, [0, 10, 30]), ([0, 1, 2], [0, 0, 0]), ([1, 2, 1], [0, 0, 10]), ([1, 1, 2], [0, 10, 0])],
)
def test_doses_of_one_crystal_add_up(crystals, starts):
    assert starts_of(sweeps(10, 20, 5), np.ones(3), crystals).tolist() == starts


def test_lattices_of_one_sweep_share_its_dose():
    first, other = sweeps(10, 20)
    lattices = [first, replace(first, identifier="second"), other]
    assert starts_of(lattices, np.full(3, 2.0), None).tolist() == [0, 0, 20]


def test_dose_grows_along_the_scan_and_no_further():
    doses = doses_of(sweeps(10, 20), np.array([0.5, 12.0, -0.1, 3.0]), np.array([0, 0, 0, 1]), np.array([1.0, 0.5]),
                     np.array([0.0, 10.0]))  # fmt: skip
    assert doses == pytest.approx([0.5, 10.0, 0.0, 11.5])


@given(n=st.integers(1, 400), width=st.floats(1e-3, 10))
def test_every_image_has_a_step_of_its_own(n, width):
    dose = width * (np.arange(n) + 0.5)
    axis = dose_axis(dose, np.array([width]))
    assert axis.step_of(dose).tolist() == list(range(n))
    assert axis.ends[-1] == pytest.approx(n * width)


def test_a_position_at_the_end_of_an_image_is_on_it():
    axis = dose_axis(np.array([0.0, 4.0]), np.array([1.0]))
    assert axis.step_of(np.array([0.0, 0.5, 1.0, 1.001, 4.0, 9.0])).tolist() == [0, 0, 0, 1, 3, 3]


def test_long_sweeps_have_several_images_in_a_step():
    axis = dose_axis(np.array([0.0, 1e6]), np.array([1.0]))
    assert axis.n_steps <= MOST_STEPS
    assert axis.ends[-1] == pytest.approx(1e6)
