"""JSON of reciprocal lattice points, for viewers: {"rlp": [x, y, z, ...], "imageset_id": [...], "experiment_id": ...}.

The layout is that of dials.export format=json.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import Exported
from autoproc.geometry.reciprocal import map_to_reciprocal_space
from autoproc.models.reflections import Reflections


def write_rlp_json(path: Path, exported: Exported, params: ExportParams) -> list[Path]:
    """Write the points of all reflections that were given; returns the path."""
    r = exported.every
    points = np.round(reciprocal_points(exported), params.n_digits) + 0.0  # no -0.0
    images = r["imageset_id"] if "imageset_id" in r else np.maximum(r["experiment_id"], 0)
    content = {
        "rlp": points.ravel().tolist(),
        "imageset_id": images.tolist(),
        "experiment_id": r["experiment_id"].tolist(),
    }
    path.write_text(json.dumps(content, separators=(",", ":"), allow_nan=False), encoding="ascii")
    return [path]


def reciprocal_points(exported: Exported) -> np.ndarray:
    """(N, 3) reciprocal lattice points of the observed positions, in the crystal's frame at phi = 0, 1/Angstrom.

    A spot that no lattice explains is mapped with the models of its sweep. Positions that were never observed are
    those that were calculated.
    """
    r = exported.every
    observed = r["xyz_obs_px"] if "xyz_obs_px" in r else r["xyz_cal_px"]
    if "xyz_cal_px" in r:
        observed = np.where(_is_observed(observed)[:, None], observed, r["xyz_cal_px"])
    images = r["imageset_id"] if "imageset_id" in r else np.zeros(len(r), np.int32)
    owner = np.where(r["experiment_id"] >= 0, r["experiment_id"], np.minimum(images, len(exported.experiments) - 1))
    points = np.zeros((len(r), 3))
    for number, experiment in enumerate(exported.experiments):
        here = owner == number
        part = Reflections({"panel": r["panel"][here], "xyz_obs_px": observed[here]})
        points[here] = map_to_reciprocal_space(experiment, part)["rlp"]
    return points


def _is_observed(xyz: np.ndarray) -> np.ndarray:
    """(N,) bool: predicted reflections without a spot have 0 0 0."""
    found: np.ndarray = np.isfinite(xyz).all(axis=1) & (xyz != 0).any(axis=1)
    return found
