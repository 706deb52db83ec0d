"""Several sweeps and crystals under one set of parameters: residuals, normal equations, steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoproc.models.experiment import Beam, Detector, Goniometer
from autoproc.refinement.gradients import Gradients, Observations, Prediction, gradients, predict, residuals
from autoproc.refinement.model import (
    CrystalModel,
    beam_turning_axes,
    detector_axes,
    detector_centre,
    moved_detector,
    turned_beam,
)

SMOOTH_OMEGA = np.radians(0.1)
SMOOTH_STRAIN = 2e-3


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The models as they stand. Experiments may share them."""

    detectors: tuple[Detector, ...]
    beams: tuple[Beam, ...]
    crystals: tuple[CrystalModel, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """The spots of one experiment and which of the state's models predict them."""

    observed: Observations
    goniometer: Goniometer
    detector: int
    beam: int
    crystal: int


@dataclass(frozen=True, slots=True, eq=False)
class Free:
    """Which parameters are refined, the same for every model of a kind.

    detector : of shifts along fast, slow, normal and turns about them; beam : turns within the
    plane of beam and spindle and out of it; orientation, cell : bool
    """

    detector: tuple[bool, ...] = (True,) * 6
    beam: tuple[bool, bool] = (True, False)
    orientation: bool = True
    cell: bool = True

    def per_coefficient(self, crystal: CrystalModel) -> np.ndarray:
        """(3 + k,) bool of one coefficient of a crystal."""
        return np.array([self.orientation] * 3 + [self.cell] * len(crystal.strains))


@dataclass(frozen=True, slots=True, eq=False)
class NormalEquations:
    """matrix (n, n) and vector (n,) of the step; cost: chi squared (with the smoothness terms)."""

    matrix: np.ndarray
    vector: np.ndarray
    cost: float
    rmsd: np.ndarray
    n_used: int


class Problem:
    """A least-squares problem over sweeps; pure: `linearise` and `stepped` change nothing."""

    def __init__(self, sweeps: tuple[Sweep, ...], state: State, free: Free) -> None:
        self.sweeps = sweeps
        self.free = free
        sizes = [sum(free.detector)] * len(state.detectors) + [sum(free.beam)] * len(state.beams)
        sizes += [len(c.omega) * int(free.per_coefficient(c).sum()) for c in state.crystals]
        ends = np.cumsum([0, *sizes])
        columns = [np.arange(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True)]
        n_detectors, n_beams = len(state.detectors), len(state.beams)
        self.detector_columns = columns[:n_detectors]
        self.beam_columns = columns[n_detectors : n_detectors + n_beams]
        self.crystal_columns = columns[n_detectors + n_beams :]
        self.n_parameters = int(ends[-1])

    def predict(self, state: State, sweep: Sweep) -> Prediction:
        """Predicted positions of a sweep's spots."""
        return predict(
            sweep.observed, state.beams[sweep.beam], state.detectors[sweep.detector], sweep.goniometer,
            state.crystals[sweep.crystal],
        )  # fmt: skip

    def gradients(self, state: State, sweep: Sweep, predicted: Prediction) -> Gradients:
        """Derivatives of a sweep's predictions with respect to the free parameters."""
        beam, detector = state.beams[sweep.beam], state.detectors[sweep.detector]
        crystal = state.crystals[sweep.crystal]
        full = gradients(
            sweep.observed,
            predicted,
            (beam, detector, sweep.goniometer, crystal),
            (detector_axes(detector), detector_centre(detector)),
            beam_turning_axes(beam, sweep.goniometer.lab_axis),
        )
        return Gradients(
            full.detector[:, :, np.array(self.free.detector)],
            full.beam[:, :, np.array(self.free.beam)],
            full.crystal[:, :, self.free.per_coefficient(crystal)],
        )

    def linearise(self, state: State) -> NormalEquations:
        """Normal equations at a state, summed over all sweeps, with the smoothers' weak restraints."""
        matrix, vector = np.zeros((self.n_parameters,) * 2), np.zeros(self.n_parameters)
        cost, squares, n_used = 0.0, np.zeros(3), 0
        for sweep in self.sweeps:
            predicted = self.predict(state, sweep)
            difference = residuals(sweep.observed, predicted)
            used = np.isfinite(difference).all(axis=1) & (sweep.observed.weights[:, 0] > 0)
            weights = np.where(used[:, None], sweep.observed.weights, 0.0)
            difference = np.where(used[:, None], difference, 0.0)
            derivatives = self.gradients(state, sweep, predicted)
            self._accumulate(matrix, vector, state, sweep, derivatives, difference, weights)
            cost += float(np.sum(weights * difference**2))
            squares += np.sum(difference[used] ** 2, axis=0)
            n_used += int(np.count_nonzero(used))
        cost += self._restrain(matrix, vector, state)
        return NormalEquations(matrix, vector, cost, np.sqrt(squares / max(n_used, 1)), n_used)

    def stepped(self, state: State, shift: np.ndarray) -> State:
        """The state after a vector of shifts (n_parameters,)."""
        detectors = tuple(
            self._stepped_detector(d, shift[c]) for d, c in zip(state.detectors, self.detector_columns, strict=True)
        )
        beams = tuple(self._stepped_beam(n, b, shift[self.beam_columns[n]]) for n, b in enumerate(state.beams))
        crystals = tuple(
            self._stepped_crystal(c, shift[k]) for c, k in zip(state.crystals, self.crystal_columns, strict=True)
        )
        return State(detectors, beams, crystals)

    def _accumulate(
        self,
        matrix: np.ndarray,
        vector: np.ndarray,
        state: State,
        sweep: Sweep,
        derivatives: Gradients,
        difference: np.ndarray,
        weights: np.ndarray,
    ) -> None:
        crystal = state.crystals[sweep.crystal]
        first, active = crystal.smoother.weights(sweep.observed.frame)
        shared = np.concatenate([derivatives.detector, derivatives.beam], axis=2)
        shared_columns = np.concatenate([self.detector_columns[sweep.detector], self.beam_columns[sweep.beam]])
        size = derivatives.crystal.shape[2]
        root = np.sqrt(weights)
        by_interval = np.argsort(first, kind="stable")
        edges = np.searchsorted(first[by_interval], np.arange(first.max(initial=0) + 2))
        for interval, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
            if low == high:
                continue
            rows = by_interval[low:high] if len(edges) > 2 else slice(None)
            own = derivatives.crystal[rows]
            spread = [own * active[rows, a, None, None] for a in range(active.shape[1])]
            jacobian = np.concatenate([shared[rows], *spread], axis=2) * root[rows][:, :, None]
            flat = np.where(root[rows][:, :, None] > 0, jacobian, 0.0).reshape(-1, jacobian.shape[2])
            start = self.crystal_columns[sweep.crystal][:1].sum() + interval * size
            columns = np.concatenate([shared_columns, start + np.arange(size * active.shape[1])]).astype(int)
            matrix[np.ix_(columns, columns)] += flat.T @ flat
            vector[columns] -= flat.T @ (root[rows] * difference[rows]).ravel()

    def _restrain(self, matrix: np.ndarray, vector: np.ndarray, state: State) -> float:
        """Weak restraints on neighbouring coefficients: they decide only where no spots do."""
        cost = 0.0
        for crystal, columns in zip(state.crystals, self.crystal_columns, strict=True):
            if len(crystal.omega) == 1:
                continue
            free = self.free.per_coefficient(crystal)
            values = np.concatenate([crystal.omega, crystal.strain], axis=1)[:, free]
            sigma = np.array([SMOOTH_OMEGA] * 3 + [SMOOTH_STRAIN] * len(crystal.strains))[free]
            difference = np.diff(np.eye(len(values)), axis=0)
            block = np.kron(difference.T @ difference, np.diag(sigma**-2.0))
            matrix[np.ix_(columns, columns)] += block
            vector[columns] -= block @ values.ravel()
            cost += float(values.ravel() @ block @ values.ravel())
        return cost

    def _stepped_detector(self, detector: Detector, shift: np.ndarray) -> Detector:
        if not len(shift):
            return detector
        motion = np.zeros(6)
        motion[np.array(self.free.detector)] = shift
        axes = detector_axes(detector)
        return moved_detector(
            detector, np.concatenate([motion[:3] @ axes, motion[3:] @ axes]), detector_centre(detector)
        )

    def _stepped_beam(self, index: int, beam: Beam, shift: np.ndarray) -> Beam:
        if not len(shift):
            return beam
        sweep = next(s for s in self.sweeps if s.beam == index)
        axes = beam_turning_axes(beam, sweep.goniometer.lab_axis)[np.array(self.free.beam)]
        return turned_beam(beam, shift @ axes)

    def _stepped_crystal(self, crystal: CrystalModel, shift: np.ndarray) -> CrystalModel:
        free = self.free.per_coefficient(crystal)
        values = np.concatenate([crystal.omega, crystal.strain], axis=1)
        values[:, free] += shift.reshape(len(values), -1)
        return replace(crystal, omega=values[:, :3], strain=values[:, 3:])
