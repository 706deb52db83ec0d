from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models_for_tests import experiment as made_experiment
from pydantic import ValidationError
from scaled_for_tests import Recipe, synthetic

from autoproc.config import Config, with_command_line
from autoproc.models.reflections import Flag, Reflections
from autoproc.overrides import split_arguments
from autoproc.scaling.excluded_images import NoSuchExperiment, is_range, on_excluded_images
from autoproc.scaling.params import ScaleParams
from autoproc.stages.scale import scale

TWO = [
    replace(made_experiment(), scan=replace(made_experiment().scan, image_range=(first, first + 9)))
    for first in (1, 101)
]
Z = np.array([0.0, 0.9, 4.5, 9.9] * 2)
TABLE = Reflections(
    {
        "hkl": np.ones((8, 3), np.int32),
        "experiment_id": np.repeat(np.array([0, 1], np.int32), 4),
        "xyz_obs_px": np.column_stack([Z, Z, Z]),
    }
)


@pytest.mark.parametrize(
    ("ranges", "rows"),
    [
        ((), []),
        (("1",), [0, 1]),
        (("0:1:1",), [0, 1]),
        (("1:101:105",), [4, 5, 6]),
        (("1-5", "1:110:110"), [0, 1, 2, 7]),
        (("4-200",), [2, 3, 4, 5, 6, 7]),
        (("0:101:110",), []),
    ],
)
def test_what_is_excluded(ranges, rows):
    assert np.flatnonzero(on_excluded_images(TWO, TABLE, ranges)).tolist() == rows


def test_an_experiment_that_is_not_there_is_named():
    with pytest.raises(NoSuchExperiment, match="2:1:5.*of experiment 2, and there are 2"):
        on_excluded_images(TWO, TABLE, ["2:1:5"])


@pytest.mark.parametrize(
    ("text", "is_one"), [("7", True), ("0:1:9", True), ("3-9", True), ("9-3", False), ("x", False), ("1:2:3:4", False)]
)
def test_what_names_images(text, is_one):
    assert is_range(text) is is_one


def test_other_words_are_refused():
    with pytest.raises(ValidationError, match="neither an image's number"):
        ScaleParams(exclude_images=("0:9:1",))


def test_no_reflection_of_these_images_is_scaled():
    made = synthetic(Recipe(n_observations=6000, n_images=60))
    result = scale([made.experiment], made.reflections, ScaleParams(exclude_images=("0:11:20", "40")))
    table = result.reflections
    image = np.floor(table["xyz_obs_px" if "xyz_obs_px" in table else "xyz_cal_px"][:, 2]) + 1
    is_out = ((image >= 11) & (image <= 20)) | (image == 40)
    assert is_out.any()
    assert not table.has_flag(Flag.SCALED)[is_out].any()
    assert table.has_flag(Flag.EXCLUDED_FOR_SCALING)[is_out].all()
    assert table.has_flag(Flag.SCALED)[~is_out].mean() > 0.9


def test_given_again_they_add_up():
    _, overrides = split_arguments(["scale.exclude_images=0:1:5", "scale.exclude_images=1:7:9"])
    assert with_command_line(Config(), overrides).scale.exclude_images == ("0:1:5", "1:7:9")
