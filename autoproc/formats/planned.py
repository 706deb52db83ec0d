"""How many images a sweep is to have, as its files say, whether they have come or not."""

from __future__ import annotations

from pathlib import Path

from autoproc.formats.images.planned import planned_images
from autoproc.models.experiment import Experiment


def planned_of_sweep(experiment: Experiment) -> int | None:
    """Number of images that were to come, as was told when they began to; None where it was not, or nothing is read."""
    images = experiment.imageset
    if images is None:
        return None
    if images.kind != "hdf5":
        return planned_images(images.path(experiment.scan.image_range[0]))
    from autoproc.formats.hdf5.frames_present import frames_present  # noqa: PLC0415  (h5py takes long to load)

    return frames_present(Path(images.template)).n_announced
