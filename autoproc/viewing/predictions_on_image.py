"""The reflections that the models of a stage predict for one image, whether they were found, integrated, or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from autoproc.errors import InputError
from autoproc.integration.predict import Predictions, detector_d_min, predict
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment, Scan
from autoproc.viewing.images import SweepOfImages

LEAST_WIDTH = 0.5
"""Frames that a reflection is taken to last either side of its middle, at least."""
MOST = 20_000
MOST_LATTICE_POINTS = 4e9
"""Looked at for one image: a virus of 1000 Angstrom to 2 Angstrom has 10^9; chosen, so that a damaged file, whose cell
or number of crystals is absurd, does not keep all other pages waiting."""


class TooManyToPredict(InputError):
    """Crystals whose reflections take too long to go through."""

    what = "the models of {title} have {n:.0e} lattice points within the detector's resolution: too many to look at"
    hint = "look at the cells of its .expt file, which may be damaged (`autoproc show`), or ask for less with d_min="


def predictions_on_image(sweep: SweepOfImages, number: int, n: int = 1, d_min: float | None = None) -> dict[str, Any]:
    """Columns of what is predicted for an image, or n from it on. Raises NoSuchImage, TooManyToPredict."""
    frame = sweep.frame(number)
    n_points = sum(_lattice_points(model, d_min) for model in sweep.models if model.crystal is not None)
    if not n_points <= MOST_LATTICE_POINTS:
        raise TooManyToPredict(title=sweep.title, n=n_points)
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


def _lattice_points(model: Experiment, d_min: float | None) -> float:
    """In the box of indices that holds all reflections of a crystal to the detector's resolution."""
    assert model.crystal is not None
    limit = max(detector_d_min(model), d_min or 0.0)
    return float(np.prod(2 * np.linalg.norm(model.crystal.real_space, axis=1) / limit + 1))


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
