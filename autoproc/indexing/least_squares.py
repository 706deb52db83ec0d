"""Fast refinement of lattices and detectors, linear in the residuals (x, y, phi) of the spots.

The residual of a spot in the laboratory, delta = S R(phi) F A hkl - (s1 - s0), is expressed as the small
shifts dx, dy, dphi of a spot that would cause it: dx ds1/dx + dy ds1/dy - dphi (m2 x q) = delta. They are the
differences, calculated minus observed, of a prediction, without making one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.geometry.detector import lab_of_spots
from autoproc.geometry.placement import panel_middle
from autoproc.geometry.rotation import cross, turn_to_crystal
from autoproc.indexing.assign import Assignment
from autoproc.indexing.model import N_MOVES, Model, beam_turn_axis
from autoproc.indexing.reciprocal_spots import BLOCK, ReciprocalSpots
from autoproc.kernels.spot_shifts import spot_shifts
from autoproc.models.experiment import Experiment
from autoproc.robust import robust_sigma
from autoproc.threads import map_in_order

PRIOR_TURN = 0.02
PRIOR_SIGMA = np.array([1.0, 1.0, 2.0, 0.01, 0.01, 0.01, 0.005])
MIN_ZETA = 0.05
TUKEY = 4.685
MIN_SCALE = np.array([1e-4, 1e-4, 1e-6])


@dataclass(frozen=True, slots=True, eq=False)
class LatticeFit:
    """A refined model; residuals (N, 3) of the used spots, mm, mm and radians, calculated - observed.

    used : (N,) rows of the observations; weight : (N,) Tukey's, 0 for outliers
    covariances : (9, 9) of each lattice's A, row by row
    """

    model: Model
    used: np.ndarray
    residuals: np.ndarray
    weight: np.ndarray
    covariances: tuple[np.ndarray, ...]

    @property
    def rms(self) -> np.ndarray:
        """(3,) of the residuals of the spots that are no outliers; NaN where there are none."""
        good = self.residuals[self.weight > 0]
        return np.sqrt(np.mean(np.square(good), axis=0)) if len(good) else np.full(3, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """One sweep and lattice: residuals (n, 3), derivatives (n, 3, M) by the parameters of A, detector and turn."""

    rows: np.ndarray
    zeta: np.ndarray
    residual: np.ndarray
    derivatives: np.ndarray


def refine_model(
    model: Model,
    spots: ReciprocalSpots,
    assignment: Assignment,
    modes: Sequence[np.ndarray] | None = None,
    n_cycles: int = 4,
    move_detector: bool = True,
) -> LatticeFit:
    """Refine settings and detectors of `model` against the indexed spots.

    modes : for each lattice, (M, 3, 3) strains and rotations E in which A may change, A -> (1 + sum p E) A;
        all nine where absent. Outliers lose their weight (Tukey's biweight of the residuals).
    """
    modes = modes or [np.eye(9).reshape(9, 3, 3)] * len(model.settings)
    for _ in range(n_cycles):
        model = _step(model, spots, assignment, modes, move_detector)[0]
    _, blocks, weights, covariances = _step(model, spots, assignment, modes, move_detector)
    return LatticeFit(
        model,
        np.concatenate([b.rows for b in blocks] or [np.empty(0, int)]),
        np.concatenate([b.residual for b in blocks] or [np.empty((0, 3))]),
        np.concatenate(weights or [np.empty(0)]),
        covariances,
    )


def left_with_other_indices(model: Model, spots: ReciprocalSpots, indices: np.ndarray) -> np.ndarray:
    """(K, n, 3) residuals of one sweep's spots with K sets of indices (K, n, 3) on the first lattice, mm, mm, radians.

    Each is what one step of all parameters, without restraints, leaves. Derivatives are those of the first set, and of
    n spots those are left out that are near the spindle.
    """
    sweep, turn, every = model.moved_sweeps()[0], model.turn_matrices()[0], np.arange(len(spots))
    modes = np.eye(9).reshape(9, 3, 3)
    blocks = [_linearise(sweep, turn, model.settings[0], modes, spots, every, hkl, True, False) for hkl in indices]
    residual = np.array([block.residual for block in blocks])
    scale = np.maximum(robust_sigma(residual[0]), MIN_SCALE)
    jacobian = (blocks[0].derivatives / scale[:, None]).reshape(-1, len(modes) + N_MOVES)
    scaled = (residual / scale).reshape(len(blocks), -1)
    steps = np.linalg.lstsq(jacobian, scaled.T, rcond=1e-12)[0]
    return (scaled - (jacobian @ steps).T).reshape(residual.shape) * scale


def _step(
    model: Model, spots: ReciprocalSpots, assignment: Assignment, modes: Sequence[np.ndarray], move_detector: bool
) -> tuple[Model, list[_Block], list[np.ndarray], tuple[np.ndarray, ...]]:
    """One Gauss-Newton step; with the residuals and weights before it."""
    layout = _Layout.of(model, modes, move_detector)
    normal, right = np.zeros((layout.size, layout.size)), np.zeros(layout.size)
    blocks: list[_Block] = []
    weights: list[np.ndarray] = []
    sweeps, turns = model.moved_sweeps(), model.turn_matrices()
    for index, (sweep, turn) in enumerate(zip(sweeps, turns, strict=True)):
        for number, A in enumerate(model.settings):
            rows = np.flatnonzero((assignment.lattice == number) & (spots.sweep == index))
            if not len(rows):
                continue
            found = _linearised(sweep, turn, A, modes[number], spots, rows, assignment.hkl, layout)
            ends, columns = np.cumsum([len(b.rows) for b in found[:-1]]), layout.columns(number, index)
            scale, weight = _robust_weights(
                np.concatenate([b.residual for b in found]), np.concatenate([b.zeta for b in found]),
                spots.sigma[np.concatenate([b.rows for b in found])],
            )  # fmt: skip
            for block, its_scale, its_weight in zip(found, np.split(scale, ends), np.split(weight, ends), strict=True):
                _accumulate(normal, right, columns, block, its_scale, its_weight)
            blocks += found
            weights.append(weight)
    current, sigma = layout.restrained(model)
    last = np.arange(layout.size - len(current), layout.size)
    normal[last, last] += 1 / sigma**2
    right[last] += current / sigma**2
    inverse = np.linalg.pinv(normal, rcond=1e-13, hermitian=True)
    changed, covariances = layout.changed(model, modes, -inverse @ right, inverse)
    return changed, blocks, weights, covariances


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Where parameters stand: those of each lattice's A, of each detector and its beam, then three a sweep."""

    starts: np.ndarray
    n_detectors: int
    n_turns: int
    detector_of_sweep: np.ndarray

    @staticmethod
    def of(model: Model, modes: Sequence[np.ndarray], move_detector: bool) -> _Layout:
        starts = np.concatenate([[0], np.cumsum([len(m) for m in modes])])
        n_detectors = len(model.moves) if move_detector else 0
        return _Layout(starts, n_detectors, len(model.sweeps) if len(model.sweeps) > 1 else 0, model.detector_of_sweep)

    @property
    def size(self) -> int:
        return int(self.starts[-1]) + N_MOVES * self.n_detectors + 3 * self.n_turns

    def columns(self, lattice: int, sweep: int) -> np.ndarray:
        """(M,) of the derivatives of a block."""
        columns = [np.arange(self.starts[lattice], self.starts[lattice + 1])]
        if self.n_detectors:
            columns.append(self.starts[-1] + N_MOVES * self.detector_of_sweep[sweep] + np.arange(N_MOVES))
        if self.n_turns:
            columns.append(self.starts[-1] + N_MOVES * self.n_detectors + 3 * sweep + np.arange(3))
        return np.concatenate(columns)

    def restrained(self, model: Model) -> tuple[np.ndarray, np.ndarray]:
        """Values and expected sizes of the parameters of detectors and turns: what few spots cannot tell stays put."""
        moves = model.moves[: self.n_detectors]
        turns = model.turns[: self.n_turns]
        current = np.concatenate([moves.ravel(), turns.ravel()])
        return current, np.concatenate([np.tile(PRIOR_SIGMA, len(moves)), np.full(turns.size, PRIOR_TURN)])

    def changed(
        self, model: Model, modes: Sequence[np.ndarray], change: np.ndarray, inverse: np.ndarray
    ) -> tuple[Model, tuple[np.ndarray, ...]]:
        """The model after a step, and the covariance of each lattice's A."""
        settings, covariances = [], []
        for A, mode, start in zip(model.settings, modes, self.starts, strict=False):
            part = slice(start, start + len(mode))
            settings.append((np.eye(3) + np.einsum("m,mij->ij", change[part], mode)) @ A)
            directions = (mode @ A).reshape(len(mode), 9)
            covariances.append(directions.T @ inverse[part, part] @ directions)
        middle = int(self.starts[-1]) + N_MOVES * self.n_detectors
        moves, turns = model.moves.copy(), model.turns.copy()
        moves[: self.n_detectors] += change[self.starts[-1] : middle].reshape(-1, N_MOVES)
        turns[: self.n_turns] += change[middle:].reshape(-1, 3)
        return replace(model, settings=tuple(settings), moves=moves, turns=turns), tuple(covariances)


def _linearised(
    sweep: Experiment, turn: np.ndarray, A: np.ndarray, modes: np.ndarray, spots: ReciprocalSpots, rows: np.ndarray,
    hkl: np.ndarray, layout: _Layout,
) -> list[_Block]:  # fmt: skip
    """Residuals of many spots and the derivatives that the layout has room for, a block at a time on several threads.

    What lies between stays in the cache; and blocks are fixed, so that no sum depends on the number of threads.
    """

    def of_block(part: np.ndarray) -> _Block:
        return _linearise(sweep, turn, A, modes, spots, part, hkl, bool(layout.n_detectors), bool(layout.n_turns))

    if len(rows) <= BLOCK:
        return [of_block(rows)]
    return list(map_in_order(of_block, (rows[at : at + BLOCK] for at in range(0, len(rows), BLOCK))))


def _linearise(
    sweep: Experiment, turn: np.ndarray, A: np.ndarray, modes: np.ndarray, spots: ReciprocalSpots, rows: np.ndarray,
    hkl: np.ndarray, by_detector: bool = True, by_turn: bool = True,
) -> _Block:  # fmt: skip
    """Residuals of spots and their derivatives, of all that is wanted; spots near the spindle are left out."""
    beam, goniometer = sweep.beam, sweep.goniometer
    moves = (panel_middle(sweep.detector[0]), cross(beam_turn_axis(sweep), beam.s0)) if by_detector else None
    kept, steepness, residual, derivatives = spot_shifts(
        (lab_of_spots(sweep.detector, spots.panel[rows], spots.xy_px[rows]), spots.panel[rows], spots.phi[rows],
         hkl[rows]),
        np.array([(p.fast_axis, p.slow_axis) for p in sweep.detector.panels]),
        (beam.wavelength, beam.s0),
        (turn_to_crystal(goniometer) @ turn, goniometer.lab_axis),
        (A, modes),
        moves,
        by_turn,
        MIN_ZETA,
    )  # fmt: skip
    return _Block(rows[kept], steepness, residual, derivatives)


def _robust_weights(residual: np.ndarray, zeta: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale (n, 3) of the residuals (n, 3) and Tukey weights (n,); phi is more uncertain by 1 / zeta."""
    if not len(residual):
        return np.ones((0, 3)), np.ones(0)
    spread = sigma.copy()
    spread[:, 2] /= np.abs(zeta)
    scaled = residual / spread
    offset = scaled - np.median(scaled, axis=0)
    scale = np.maximum(robust_sigma(offset), MIN_SCALE / np.median(spread, axis=0))
    weight = np.prod(np.square(np.clip(1 - np.square(offset / (TUKEY * scale)), 0, None)), axis=1)
    return scale * spread, weight


def _accumulate(
    normal: np.ndarray, right: np.ndarray, columns: np.ndarray, block: _Block, scale: np.ndarray, weight: np.ndarray
) -> None:  # fmt: skip
    root = (np.sqrt(weight)[:, None] / scale).ravel()
    jacobian = block.derivatives.reshape(len(root), len(columns)) * root[:, None]
    normal[np.ix_(columns, columns)] += jacobian.T @ jacobian
    right[columns] += jacobian.T @ (block.residual.ravel() * root)
