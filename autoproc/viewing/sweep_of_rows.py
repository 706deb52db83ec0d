"""Which sweep of images the rows of a table are of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.models.experiment import Experiment
from autoproc.models.numbering import sweeps_of
from autoproc.models.reflections import Reflections


def sweep_of_experiments(experiments: Sequence[Experiment]) -> np.ndarray:
    """(n,) intp: the sweep of each experiment, in the order of models.numbering.sweeps_of."""
    sweep = np.zeros(len(experiments), np.intp)
    for number, members in enumerate(sweeps_of(experiments)):
        sweep[members] = number
    return sweep


def sweep_of_rows(table: Reflections, experiments: Sequence[Experiment]) -> np.ndarray:
    """(N,) intp: the sweep of each row: its experiment's, and where it has none, that of its images (imageset_id).

    A number beyond what there is, as hostile files have, counts as the last.
    """
    sweep = sweep_of_experiments(experiments)
    images = table["imageset_id"] if "imageset_id" in table else np.zeros(len(table), np.int32)
    by_images = images.clip(0, int(sweep.max(initial=0)))
    if "experiment_id" not in table or not len(experiments):
        return by_images.astype(np.intp)
    experiment = table["experiment_id"].clip(-1, len(experiments) - 1)
    return np.where(experiment >= 0, sweep[experiment], by_images).astype(np.intp)


def image_number_of_each(place: np.ndarray, sweep: np.ndarray, experiments: Sequence[Experiment]) -> np.ndarray:
    """(N,) the number of the image of each place (N, 3) px, px, frame of its sweep (N,).

    The middle of a reflection may lie before the first image or after the last, which it is then on.
    """
    ranges = np.array([experiments[members[0]].scan.image_range for members in sweeps_of(experiments)])
    first, last = ranges[sweep].T
    number: np.ndarray = np.clip(np.floor(place[:, 2]).astype(int) + first, first, last)
    return number
