"""Fast refinement of lattices and detectors, linear in the residuals (x, y, phi) of the spots.

The residual of a spot in the laboratory, delta = S R(phi) F A hkl - (s1 - s0), is expressed as the small
shifts dx, dy, dphi of a spot that would cause it: dx ds1/dx + dy ds1/dy - dphi (m2 x q) = delta. They are the
differences, calculated minus observed, of a prediction, without making one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.geometry.detector import lab_from_mm, px_to_mm
from autoproc.indexing.assign import MAD_TO_SIGMA, Assignment
from autoproc.indexing.model import Model, detector_middle
from autoproc.indexing.observations import Observations, place, rotations
from autoproc.models.experiment import Experiment

PRIOR_SIGMA = np.array([1.0, 1.0, 2.0, 0.01, 0.01, 0.01])
MIN_ZETA = 0.05
TUKEY = 4.685
MIN_SCALE = np.array([1e-4, 1e-4, 1e-6])
SKEW = np.array([[[0, 0, 0], [0, 0, -1], [0, 1, 0]], [[0, 0, 1], [0, 0, 0], [-1, 0, 0]], [[0, -1, 0], [1, 0, 0], [0, 0, 0]]], float)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A refined model; residuals (N, 3) of the used spots, mm, mm and radians, calculated - observed.

    used : (N,) rows of the observations; weight : (N,) Tukey's, 0 for outliers
    covariances : (9, 9) of each lattice's A, row by row
    """

    model: Model
    used: np.ndarray
    residuals: np.ndarray
    weight: np.ndarray
    covariances: tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """One sweep and lattice: residuals (n, 3), derivatives by A's parameters and by the detector's."""

    rows: np.ndarray
    zeta: np.ndarray
    residual: np.ndarray
    by_setting: np.ndarray
    by_detector: np.ndarray


def refine_model(
    model: Model,
    spots: Observations,
    assignment: Assignment,
    modes: Sequence[np.ndarray] | None = None,
    n_cycles: int = 4,
    move_detector: bool = True,
) -> Fit:
    """Refine settings and detectors of `model` against the indexed spots.

    modes : for each lattice, (M, 3, 3) strains and rotations E in which A may change, A -> (1 + sum p E) A;
        all nine where absent. Outliers lose their weight (Tukey's biweight of the residuals).
    """
    modes = modes or [np.eye(9).reshape(9, 3, 3)] * len(model.settings)
    for _ in range(n_cycles):
        model = _step(model, spots, assignment, modes, move_detector)[0]
    _, blocks, weights, covariances = _step(model, spots, assignment, modes, move_detector)
    return Fit(
        model,
        np.concatenate([b.rows for b in blocks] or [np.empty(0, int)]),
        np.concatenate([b.residual for b in blocks] or [np.empty((0, 3))]),
        np.concatenate(weights or [np.empty(0)]),
        covariances,
    )


def _step(
    model: Model, spots: Observations, assignment: Assignment, modes: Sequence[np.ndarray], move_detector: bool
) -> tuple[Model, list[_Block], list[np.ndarray], tuple[np.ndarray, ...]]:
    """One Gauss-Newton step; with the residuals and weights before it."""
    sweeps = model.moved_sweeps()
    spots = place(sweeps, spots)
    starts = np.concatenate([[0], np.cumsum([len(m) for m in modes])])
    n_detectors = len(model.moves) if move_detector else 0
    size = int(starts[-1]) + 6 * n_detectors
    normal, right = np.zeros((size, size)), np.zeros(size)
    blocks: list[_Block] = []
    weights: list[np.ndarray] = []
    for number, A in enumerate(model.settings):
        for index, sweep in enumerate(sweeps):
            rows = np.flatnonzero((assignment.lattice == number) & (spots.sweep == index))
            if not len(rows):
                continue
            block = _linearise(sweep, A, modes[number], spots, rows, assignment.hkl)
            scale, weight = _robust_weights(block)
            columns = [np.arange(starts[number], starts[number + 1])]
            parts = [block.by_setting]
            if move_detector:
                columns.append(starts[-1] + 6 * model.detector_of_sweep[index] + np.arange(6))
                parts.append(block.by_detector)
            _accumulate(normal, right, np.concatenate(columns), np.concatenate(parts, axis=2), block, scale, weight)
            blocks.append(block)
            weights.append(weight)
    _add_prior(normal, right, model.moves[:n_detectors], int(starts[-1]))
    inverse = np.linalg.pinv(normal, rcond=1e-13, hermitian=True)
    change = -inverse @ right
    settings, covariances = [], []
    for number, A in enumerate(model.settings):
        part = slice(starts[number], starts[number + 1])
        settings.append((np.eye(3) + np.einsum("m,mij->ij", change[part], modes[number])) @ A)
        directions = (modes[number] @ A).reshape(len(modes[number]), 9)
        covariances.append(directions.T @ inverse[part, part] @ directions)
    moves = model.moves.copy()
    if move_detector:
        moves += change[starts[-1] :].reshape(-1, 6)
    return replace(model, settings=tuple(settings), moves=moves), blocks, weights, tuple(covariances)


def _linearise(
    sweep: Experiment, A: np.ndarray, modes: np.ndarray, spots: Observations, rows: np.ndarray, hkl: np.ndarray
) -> _Block:
    lab, fast, slow = _positions(sweep, spots, rows)
    s1 = spots.s1[rows]
    length = np.linalg.norm(lab, axis=1)
    unit = lab / length[:, None]
    per_mm = 1 / (sweep.beam.wavelength * length)
    rotation = rotations(sweep, spots.phi[rows])
    crystal = hkl[rows] @ A.T
    q = np.einsum("nij,nj->ni", rotation, crystal)
    m2, s0 = sweep.goniometer.lab_axis, sweep.beam.s0
    speed = np.cross(m2, q)
    by_phi = np.einsum("ni,ni->n", speed, s1)
    zeta = np.einsum("ni,i->n", np.cross(s1, s0), m2) / np.maximum(np.linalg.norm(np.cross(s1, s0), axis=1), 1e-12)
    good = np.abs(zeta) > MIN_ZETA
    rows, zeta, lab, unit, per_mm, speed, by_phi = (
        v[good] for v in (rows, zeta, lab, unit, per_mm, speed, by_phi)
    )
    project = (np.eye(3) - unit[:, :, None] * unit[:, None, :]) * per_mm[:, None, None]
    on_fast = np.einsum("nij,nj->ni", project, fast[good])
    on_slow = np.einsum("nij,nj->ni", project, slow[good])
    to_shift = np.linalg.inv(np.stack([on_fast, on_slow, -speed], axis=2))
    delta = q[good] - (spots.s1[rows] - s0)
    by_setting = np.einsum("nij,njk,mkl,nl->nim", to_shift, rotation[good], modes, crystal[good], optimize=True)
    turned = np.einsum("mij,nj->nim", SKEW, lab - detector_middle(sweep.detector))
    moved = np.concatenate([np.broadcast_to(np.eye(3), turned.shape), turned], axis=2)
    by_detector = -to_shift @ (project @ moved)
    return _Block(rows, zeta, np.einsum("nij,nj->ni", to_shift, delta), by_setting, by_detector)


def _positions(sweep: Experiment, spots: Observations, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Laboratory position (n, 3) mm of spots, and the axes of their panels."""
    lab, fast, slow = (np.empty((len(rows), 3)) for _ in range(3))
    for number, panel in enumerate(sweep.detector.panels):
        here = spots.panel[rows] == number
        lab[here] = lab_from_mm(panel, px_to_mm(panel, spots.xy_px[rows[here]]))
        fast[here], slow[here] = panel.fast_axis, panel.slow_axis
    return lab, fast, slow


def _robust_weights(block: _Block) -> tuple[np.ndarray, np.ndarray]:
    """Scale (n, 3) of the residuals and Tukey weights (n,); phi is as uncertain as 1 / zeta."""
    if not len(block.rows):
        return np.ones((0, 3)), np.ones(0)
    spread = np.ones_like(block.residual)
    spread[:, 2] = 1 / np.abs(block.zeta)
    scaled = block.residual / spread
    sigma = np.maximum(MAD_TO_SIGMA * np.median(np.abs(scaled - np.median(scaled, axis=0)), axis=0), MIN_SCALE)
    offset = scaled - np.median(scaled, axis=0)
    weight = np.prod(np.square(np.clip(1 - np.square(offset / (TUKEY * sigma)), 0, None)), axis=1)
    return sigma * spread, weight


def _accumulate(
    normal: np.ndarray, right: np.ndarray, columns: np.ndarray, derivatives: np.ndarray, block: _Block,
    scale: np.ndarray, weight: np.ndarray,
) -> None:  # fmt: skip
    root = (np.sqrt(weight)[:, None] / scale).ravel()
    jacobian = derivatives.reshape(len(root), len(columns)) * root[:, None]
    normal[np.ix_(columns, columns)] += jacobian.T @ jacobian
    right[columns] += jacobian.T @ (block.residual.ravel() * root)


def _add_prior(normal: np.ndarray, right: np.ndarray, moves: np.ndarray, start: int) -> None:
    """Detectors stand where their headers say, to about PRIOR_SIGMA: what few spots cannot tell stays put."""
    for index, move in enumerate(moves):
        rows = start + 6 * index + np.arange(6)
        normal[rows, rows] += 1 / PRIOR_SIGMA**2
        right[rows] += move / PRIOR_SIGMA**2
