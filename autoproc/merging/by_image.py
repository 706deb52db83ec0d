"""How well the observations of each image agree with the merged intensities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.merging.groups import equivalents_of
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections


@dataclass(frozen=True, slots=True, eq=False)
class ImageAgreement:
    """Of one experiment: image numbers (n,), observations, mean I/sigma(I) and Rmerge; NaN without observations."""

    image: np.ndarray
    n_observations: np.ndarray
    i_over_sigma: np.ndarray
    r_merge: np.ndarray


def agreement_by_image(experiments: Sequence[Experiment], scaled: Reflections) -> tuple[ImageAgreement, ...]:
    """Agreement of each image of each experiment, where scaling kept observations.

    Rmerge of an image is sum |I - <I>| / sum I over its observations, <I> the weighted mean of all equivalents;
    reflections measured once are left out. Experiments must have crystals of one space group.
    """
    scale, variance = scaled["inverse_scale"], scaled["variance_scale"]
    kept = ~scaled.has_any_flag(Flag.BAD_FOR_SCALING) & (scale > 0) & (variance > 0)
    crystal = experiments[0].crystal
    if crystal is None or not kept.any():
        return tuple(_of_image(e, *(np.empty(0),) * 4) for e in experiments)
    intensity = scaled["intensity_scale"][kept] / scale[kept]
    sigma = np.sqrt(variance[kept]) / scale[kept]
    groups = equivalents_of(crystal.space_group, scaled, kept)
    mean = groups.weighted_mean(intensity, sigma**2)[0][groups.group]
    several = groups.count[groups.group] > 1
    deviation = np.where(several, np.abs(intensity - mean), np.nan)
    frame, owner = scaled["xyz_cal_px"][kept, 2], scaled["experiment_id"][kept]
    result = []
    for number, experiment in enumerate(experiments):
        own = owner == number
        result.append(_of_image(experiment, frame[own], intensity[own], sigma[own], deviation[own]))
    return tuple(result)


def _of_image(
    experiment: Experiment, frame: np.ndarray, intensity: np.ndarray, sigma: np.ndarray, deviation: np.ndarray
) -> ImageAgreement:
    n = experiment.scan.n_images
    image = np.clip(frame.astype(np.intp), 0, n - 1)
    count = np.bincount(image, minlength=n)
    several = np.isfinite(deviation)
    total = np.bincount(image[several], intensity[several], n)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.bincount(image, intensity / sigma, n) / np.where(count > 0, count, np.nan)
        r_merge = np.bincount(image[several], deviation[several], n) / np.where(total > 0, total, np.nan)
    return ImageAgreement(experiment.scan.image_range[0] + np.arange(n), count, ratio, r_merge)
