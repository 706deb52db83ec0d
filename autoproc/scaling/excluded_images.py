"""Images that a user leaves out of scaling: 0:100:200 as in DIALS, or numbers and ranges of every sweep, 7,20-25."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from autoproc.errors import ConfigurationError
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections

WHICH = re.compile(r"(?:(?P<experiment>\d*):)?(?P<first>\d+)(?:[-:](?P<last>\d+))?")
"""Experiment, first and last image; without an experiment those of all."""


class NoSuchExperiment(ConfigurationError):
    """Images of an experiment that there is not."""

    what = "exclude_images={text} is of experiment {number}, and there are {n}, numbered from 0"
    hint = "give experiment:first:last, or first-last for those of all"


def is_range(text: str) -> bool:
    """It names images, the first before the last."""
    match = WHICH.fullmatch(text.strip())
    return match is not None and int(match["last"] or match["first"]) >= int(match["first"])


def on_excluded_images(
    experiments: Sequence[Experiment], reflections: Reflections, ranges: Sequence[str]
) -> np.ndarray:
    """(N,) bool: reflections whose centre lies on an image of these ranges. Raises NoSuchExperiment."""
    excluded = np.zeros(len(reflections), bool)
    ids = reflections["experiment_id"]
    known = [reflections[name][:, 2] for name in ("xyz_obs_px", "xyz_cal_px") if name in reflections]
    for text in ranges if known else ():
        match = WHICH.fullmatch(text.strip())
        assert match is not None
        first, last = int(match["first"]), int(match["last"] or match["first"])
        wanted = range(len(experiments)) if not match["experiment"] else [int(match["experiment"])]
        for number in wanted:
            if number >= len(experiments):
                raise NoSuchExperiment(text=text, number=number, n=len(experiments))
            image = np.floor(known[0]) + experiments[number].scan.image_range[0]
            excluded |= (ids == number) & (image >= first) & (image <= last)
    return excluded
