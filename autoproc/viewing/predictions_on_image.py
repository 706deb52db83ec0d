"""The reflections that the models of a stage predict for one image, whether they were found, integrated, or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from autoproc.integration.predict import Predictions, predict
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment, Scan
from autoproc.viewing.images import SweepOfImages

LEAST_WIDTH = 0.5
"""Frames that a reflection is taken to last either side of its middle, at least."""
MOST = 20_000


def predictions_on_image(sweep: SweepOfImages, number: int, n: int = 1, d_min: float | None = None) -> dict[str, Any]:
    """Columns of what is predicted for an image, or n from it on. Raises NoSuchImage."""
    frame = sweep.frame(number)
    parts = [
        _predicted(model, frame, n, member, d_min)
        for member, model in zip(sweep.members, sweep.models, strict=True)
        if model.crystal is not None and not model.scan.is_still
    ]
    if not parts:
        return {"n": 0, "columns": {}, "words": "There is no crystal in these models, or no rotation."}
    found = Predictions.concatenate(parts)
    found = found[np.argsort(-found.d)[:MOST]]
    columns = {
        "place": np.round(found.xyz, 2).tolist(), "hkl": found.hkl.tolist(), "d": np.round(found.d, 3).tolist(),
        "lattice": found.experiment.tolist(),
    }  # fmt: skip
    return {"n": len(found), "columns": columns}


def _predicted(model: Experiment, frame: int, n: int, index: int, d_min: float | None) -> Predictions:
    """As integration predicts them, for a few frames only; on these while within n_sigma of their middle."""
    width = abs(np.radians(model.scan.oscillation[1]))
    sigma_m = np.radians(model.profile.sigma_m) * model.profile.n_sigma if model.profile else 0.0
    beyond = int(np.ceil(sigma_m / width / LEAST_ZETA)) + 1
    first, last = max(frame - beyond, 0), min(frame + n + beyond, model.scan.n_images)
    found = predict(_of_frames(model, first, last), d_min, index=index, n_threads=1)
    half = np.maximum(sigma_m / width / np.maximum(np.abs(found.zeta), 1e-6), LEAST_WIDTH)
    middle = found.xyz[:, 2] + first
    found = replace(found, xyz=np.column_stack([found.xyz[:, :2], middle]))
    return found[(middle + half > frame) & (middle - half < frame + n)]


LEAST_ZETA = 0.2
"""Reflections nearer to the spindle last longer than is looked for."""


def _of_frames(model: Experiment, first: int, last: int) -> Experiment:
    start, width = model.scan.oscillation
    number = model.scan.image_range[0]
    scan = Scan((number + first, number + last - 1), (start + first * width, width))
    crystal = model.crystal
    if crystal is not None and crystal.A_at_scan_points is not None:
        crystal = _crystal_of_frames(crystal, first, last)
    return replace(model, scan=scan, crystal=crystal)


def _crystal_of_frames(crystal: Crystal, first: int, last: int) -> Crystal:
    points = crystal.A_at_scan_points
    assert points is not None
    ends = np.arange(first, last + 1).clip(0, len(points) - 1)
    return replace(crystal, A_at_scan_points=points[ends])
