"""A flat detector from the directions in which reflections are diffracted and where they were seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autoproc.formats.dials.expt_checks import LONGEST_SIDE
from autoproc.formats.header_values import MAX_DISTANCE, MAX_PIXEL_SIZE, MIN_PIXEL_SIZE
from autoproc.geometry.rotation import lab_from_crystal
from autoproc.models.experiment import Detector, Experiment, Panel

SAMPLE = 4000
MIN_SPOTS = 12
"""Twice the freedom of a flat detector at any place."""
MAX_RESIDUAL = 3.0
"""Pixels by which half of the reflections may miss the fitted detector: refined models and their rounding in headers
miss by less than one (simulated sweeps, through DIALS and here)."""
ASSUMED_PIXEL = 0.1
"""mm, where no distance tells the size."""
N_ROUNDS = 3
OUTLYING = 5.0
"""Times the median residual beyond which a reflection does not take part."""


def with_fitted_detector(
    experiment: Experiment, hkl: np.ndarray, position: np.ndarray, distance: float
) -> tuple[Experiment, float] | None:
    """The experiment with a detector on which reflections hkl (N, 3) are seen at (N, 3) px, px, frame.

    distance : mm, 0 where it is not known. Also how far half of the reflections are off, px. None where too few are
    placed, or where they do not fit.
    """
    rows = np.flatnonzero(np.isfinite(position).all(axis=1))
    rows = rows[:: max(1, len(rows) // SAMPLE)]
    if len(rows) < MIN_SPOTS or experiment.crystal is None:
        return None
    frame = position[rows, 2]
    q = np.einsum("nij,nj->ni", experiment.crystal.A_at(frame), hkl[rows].astype(float))
    ray = lab_from_crystal(experiment.goniometer, experiment.scan.phi_at(frame), q) + experiment.beam.s0
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    panel, residual = _fit(ray, position[rows, :2], distance)
    if panel is None or not residual < MAX_RESIDUAL:
        return None
    n_fast, n_slow = (int(np.clip(np.ceil(x) + 1, 1, LONGEST_SIDE)) for x in np.nanmax(position[:, :2], axis=0))
    return replace(experiment, detector=Detector((replace(panel, image_size=(n_fast, n_slow)),))), residual


def _fit(ray: np.ndarray, seen: np.ndarray, distance: float) -> tuple[Panel | None, float]:
    """The panel on which unit rays (N, 3) are seen at (N, 2) px, and the median distance from there, px."""
    use = np.ones(len(ray), bool)
    panel, residual = None, np.inf
    for _ in range(N_ROUNDS):
        panel = _panel(ray[use], seen[use], distance)
        if panel is None:
            return None, np.inf
        missed = _residuals(panel, ray, seen)
        residual = float(np.median(missed))
        use = missed <= max(OUTLYING * residual, 1e-6)
        if use.sum() < MIN_SPOTS:
            return None, np.inf
    return panel, residual


def _residuals(panel: Panel, ray: np.ndarray, seen: np.ndarray) -> np.ndarray:
    on_panel = ray @ np.linalg.inv(panel.d_matrix).T
    with np.errstate(all="ignore"):
        found = on_panel[:, :2] / on_panel[:, 2:] / np.array(panel.pixel_size)
    return np.nan_to_num(np.linalg.norm(found - seen, axis=1), nan=np.inf)


def _panel(ray: np.ndarray, seen: np.ndarray, distance: float) -> Panel | None:
    """Direct linear transformation: (x, y, 1) is along D ray, D the inverse of the panel's matrix, up to its scale."""
    middle, spread = seen.mean(axis=0), max(float(seen.std()), 1e-6)
    x, y = ((seen - middle) / spread).T
    nothing = np.zeros_like(ray)
    equations = np.vstack(
        [
            np.hstack([ray, nothing, -x[:, None] * ray]),
            np.hstack([nothing, ray, -y[:, None] * ray]),
        ]
    )
    inverse = np.linalg.svd(equations, full_matrices=False)[2][-1].reshape(3, 3)
    shift = np.array([[spread, 0, middle[0]], [0, spread, middle[1]], [0, 0, 1]])
    inverse = shift @ inverse
    if not abs(np.linalg.det(inverse)) > 1e-12 * np.linalg.norm(inverse) ** 3:
        return None
    fast, slow, origin = np.linalg.inv(inverse).T
    if origin @ ray.mean(axis=0) < 0 or np.median(ray @ inverse[2]) < 0:
        fast, slow, origin = -fast, -slow, -origin
    normal = np.cross(fast, slow) / np.linalg.norm(np.cross(fast, slow))
    side = np.linalg.norm(fast)
    scale = distance / abs(origin @ normal) if distance else ASSUMED_PIXEL / side
    fast_axis = fast / side
    slow_axis = np.cross(normal, fast_axis)
    size = float(side * scale), float(abs(slow @ slow_axis) * scale)
    if not all(MIN_PIXEL_SIZE <= s <= MAX_PIXEL_SIZE for s in size) or abs(origin @ normal) * scale > MAX_DISTANCE:
        return None
    return Panel(fast_axis, slow_axis, origin * scale, size, (1, 1), name="fitted to positions")
