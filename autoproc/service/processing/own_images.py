"""The images of a path that are a job's own."""

from __future__ import annotations

from collections.abc import Sequence

from autoproc.config import Config
from autoproc.stages.import_sweep import ImportedSweep


def within_range(config: Config, image_range: tuple[int, int] | None) -> Config:
    """The configuration with a sweep's own images, as far as the user wants them."""
    if image_range is None:
        return config
    first, last = config.import_sweep.image_range or image_range
    common = (max(first, image_range[0]), min(last, image_range[1]))
    if common[0] > common[1]:
        return config
    return config.model_copy(update={"import_sweep": config.import_sweep.model_copy(update={"image_range": common})})


def beyond(config: Config, image_range: tuple[int, int] | None) -> tuple[str, ...]:
    """A warning where the user wants images that the sweep has not: import is told of its own only."""
    wanted = config.import_sweep.image_range
    if wanted is None or image_range is None or (wanted[0] >= image_range[0] and wanted[1] <= image_range[1]):
        return ()
    first, last = image_range
    return (f"image_range {wanted[0]} to {wanted[1]} goes beyond the images, {first} to {last}",)


def chosen(sweeps: Sequence[ImportedSweep], image_range: tuple[int, int] | None) -> ImportedSweep | None:
    """The sweep that has most of these images, the first of several."""

    def n_images(sweep: ImportedSweep) -> int:
        first, last = sweep.experiment.scan.image_range
        low, high = image_range or (first, last)
        return min(last, high) - max(first, low) + 1

    return max(sweeps, key=n_images, default=None)
