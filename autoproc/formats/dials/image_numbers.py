"""Frame numbers: autoproc counts from the start of a scan, DIALS files from image 0 of the file names.

In a .refl file z = n - 0.5 is the middle of image n, whatever the first image of the scan is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.formats.dials.shoeboxes import Unpacked
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections


def to_file_frames(reflections: Reflections, experiments: Sequence[Experiment]) -> Reflections:
    """The reflections with frames as DIALS files count them."""
    return shifted(reflections, first_frames(reflections, experiments))


def to_scan_frames(reflections: Reflections, experiments: Sequence[Experiment]) -> Reflections:
    """The reflections with frames counted from the start of their scans."""
    return shifted(reflections, -first_frames(reflections, experiments))


def first_frames(reflections: Reflections, experiments: Sequence[Experiment]) -> np.ndarray:
    """(N,) frame of a DIALS file at which each reflection's scan starts: the number of its first image less one.

    A reflection without an experiment belongs to its image set; those are numbered as their
    experiments first appear.
    """
    starts = np.array([e.scan.image_range[0] - 1 for e in experiments], np.int64)
    ids = reflections["experiment_id"]
    result = np.where(ids >= 0, starts[np.clip(ids, 0, len(starts) - 1)], 0)
    lost = ids < 0
    if lost.any():
        by_images = starts[_first_of_each_image_set(experiments)]
        images = reflections["imageset_id"] if "imageset_id" in reflections else np.zeros(len(ids), np.int32)
        result = np.where(lost, by_images[np.clip(images, 0, len(by_images) - 1)], result)
    return result


def shifted(reflections: Reflections, shift: np.ndarray) -> Reflections:
    """The reflections with (N,) frames added to every column that counts frames."""
    if not shift.any():
        return reflections
    columns: dict[str, np.ndarray] = {}
    for name in ("xyz_obs_px", "xyz_cal_px"):
        if name in reflections:
            columns[name] = reflections[name] + np.column_stack([0 * shift, 0 * shift, shift])
    if "bbox" in reflections:
        columns["bbox"] = reflections["bbox"] + np.outer(shift, [0, 0, 0, 0, 1, 1]).astype(np.int32)
    if "shoebox" in reflections:
        boxes = np.empty(len(shift), object)
        boxes[:] = [_moved(box, int(n)) for box, n in zip(reflections["shoebox"], shift, strict=True)]
        columns["shoebox"] = boxes
    return reflections.replace(**columns)


def _moved(box: bytes | Unpacked, shift: int) -> bytes | Unpacked:
    """A packed shoebox with its frames moved: the last two numbers of its bbox; one that is not packed has none yet."""
    if isinstance(box, Unpacked):
        return box
    frames = np.frombuffer(box[20:28], "<i4") + np.int32(shift)
    return box[:20] + frames.astype("<i4").tobytes() + box[28:]


def _first_of_each_image_set(experiments: Sequence[Experiment]) -> list[int]:
    seen: dict[tuple[str, tuple[int, int]], int] = {}
    for number, experiment in enumerate(experiments):
        template = experiment.imageset.template if experiment.imageset else str(number)
        seen.setdefault((template, experiment.scan.image_range), number)
    return list(seen.values())
