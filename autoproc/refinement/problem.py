"""Several sweeps and crystals under one set of parameters: residuals, normal equations, steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain, pairwise

import numpy as np

from autoproc.geometry.placement import moved_rigidly
from autoproc.models.experiment import Beam, Detector, Goniometer
from autoproc.refinement.gradients import (
    IndexedSpots,
    Prediction,
    WantedDerivatives,
    gradients,
    predicted_spots,
    residuals,
)
from autoproc.refinement.model import (
    CrystalModel,
    beam_turning_axes,
    detector_axes,
    detector_centre,
    turned_beam,
)
from autoproc.refinement.spline_smoother import SplineSmoother
from autoproc.threads import map_in_order

SMOOTH_OMEGA = np.radians(0.1)
SMOOTH_STRAIN = 2e-3
CHUNK = 4096
"""Spots linearised at a time; fixed, so that sums do not depend on the number of threads."""


@dataclass(frozen=True, slots=True, eq=False)
class RefinedModels:
    """The models as they stand. Experiments may share them."""

    detectors: tuple[Detector, ...]
    beams: tuple[Beam, ...]
    crystals: tuple[CrystalModel, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ExperimentSpots:
    """The spots of one experiment and which of the state's models predict them."""

    observed: IndexedSpots
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
class Evaluation:
    """How well the models at a state predict the spots: all that there is to know short of derivatives.

    predicted : of each chunk of spots; cost : chi squared (with the smoothness terms)
    rmsd : (3,) mm, mm, radians, of n_used spots
    """

    state: RefinedModels
    predicted: tuple[Prediction, ...]
    cost: float
    rmsd: np.ndarray
    n_used: int


@dataclass(frozen=True, slots=True, eq=False)
class NormalEquations:
    """matrix (n, n) and vector (n,) of the step; cost, rmsd and n_used as in the evaluation."""

    matrix: np.ndarray
    vector: np.ndarray
    cost: float
    rmsd: np.ndarray
    n_used: int


def _sums(jacobian: np.ndarray, difference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The share in the matrix, and in the vector, of weighted residuals (...) with derivatives (..., n)."""
    flat = jacobian.reshape(-1, jacobian.shape[-1])
    return flat.T @ flat, -(difference.ravel() @ flat)


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    """Some of a sweep's spots, in one interval of its crystal's smoother: they share their columns."""

    sweep: ExperimentSpots
    interval: int
    root: np.ndarray
    active: np.ndarray

    @property
    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """What the smoother gives for the spots."""
        return np.full(len(self.active), self.interval), self.active


@dataclass(frozen=True, slots=True, eq=False)
class _Motions:
    """How detectors and beams of a state can move, the same for all spots.

    detectors : directions (3, 3) and centre (3,) of each; beams : (b, 3) changes of s0 by the free turns of each
    """

    detectors: tuple[tuple[np.ndarray, np.ndarray], ...]
    beams: tuple[np.ndarray, ...]


def _chunks(sweep: ExperimentSpots, smoother: SplineSmoother) -> list[_Chunk]:
    """The spots of a sweep that have weight."""
    counted = np.flatnonzero(sweep.observed.weights[:, 0] > 0)
    first, active = smoother.weights(sweep.observed.frame)
    result = []
    for interval in np.unique(first[counted]):
        rows = counted[first[counted] == interval]
        for part in np.array_split(rows, int(np.ceil(len(rows) / CHUNK))):
            observed = sweep.observed[part]
            result.append(
                _Chunk(replace(sweep, observed=observed), int(interval), np.sqrt(observed.weights), active[part])
            )
    return result


def _weighted(chunk: _Chunk, predicted: Prediction) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Residuals (n, 3) of the spots that can be predicted, weighted and as they are; which, None where all can."""
    difference = residuals(chunk.sweep.observed, predicted)
    weighted, used = chunk.root * difference, np.isfinite(difference).all(axis=1)
    return (weighted, difference, None) if used.all() else (weighted[used], difference[used], used)


def _have_one_cell(one: CrystalModel, other: CrystalModel) -> bool:
    """Both are static and have a cell in common (the same object; see setup.build)."""
    return one.B is other.B and not one.smoother.n_intervals and not other.smoother.n_intervals


class RefinementProblem:
    """A least-squares problem over sweeps; pure: `evaluate`, `linearise` and `stepped` change nothing."""

    def __init__(self, sweeps: tuple[ExperimentSpots, ...], state: RefinedModels, free: Free) -> None:
        self.sweeps = sweeps
        self.free = free
        self._smoothers = [c.smoother for c in state.crystals]
        self.n_crystal = [int(free.per_coefficient(c).sum()) for c in state.crystals]
        sizes = [sum(free.detector)] * len(state.detectors) + [sum(free.beam)] * len(state.beams)
        sizes += [len(c.omega) * n for c, n in zip(state.crystals, self.n_crystal, strict=True)]
        ends = np.cumsum([0, *sizes])
        columns = [np.arange(a, b) for a, b in pairwise(ends)]
        n_detectors, n_beams = len(state.detectors), len(state.beams)
        self.detector_columns = columns[:n_detectors]
        self.beam_columns = columns[n_detectors : n_detectors + n_beams]
        self.crystal_columns = columns[n_detectors + n_beams :]
        self.n_parameters = int(ends[-1])
        self._share_cells(state)

    def _share_cells(self, state: RefinedModels) -> None:
        """Static crystals with a cell in common have the same strains; each has its orientation to itself."""
        if not self.free.cell:
            return
        first: list[int] = []
        order = np.arange(self.n_parameters)
        for n, crystal in enumerate(state.crystals):
            same = next((m for m in first if _have_one_cell(crystal, state.crystals[m])), None)
            k = len(crystal.strains)
            if same is None:
                first.append(n)
            elif k:
                order[self.crystal_columns[n][-k:]] = self.crystal_columns[same][-k:]
        kept, numbers = np.unique(order, return_inverse=True)
        self.crystal_columns = [numbers[columns] for columns in self.crystal_columns]
        self.detector_columns = [numbers[columns] for columns in self.detector_columns]
        self.beam_columns = [numbers[columns] for columns in self.beam_columns]
        self.n_parameters = len(kept)

    def predict(
        self, state: RefinedModels, sweep: ExperimentSpots, curve: tuple[np.ndarray, np.ndarray] | None = None
    ) -> Prediction:
        """Predicted positions of a sweep's spots; curve : of its crystal's smoother, where that is known."""
        return predicted_spots(
            sweep.observed, state.beams[sweep.beam], state.detectors[sweep.detector], sweep.goniometer,
            state.crystals[sweep.crystal], curve,
        )  # fmt: skip

    def gradients(
        self,
        state: RefinedModels,
        sweep: ExperimentSpots,
        predicted: Prediction,
        curve: tuple[np.ndarray, np.ndarray],
        root: np.ndarray,
        motions: _Motions | None = None,
    ) -> np.ndarray:
        """(N, 3, n) derivatives of a sweep's predictions, times root (N, 3), with respect to the free parameters.

        These are those of the detector, of the beam and of the coefficients of the crystal that count for a spot.
        motions : those of the state, where they are known
        """
        crystal = state.crystals[sweep.crystal]
        motions = motions or self._motions(state)
        wanted = WantedDerivatives(
            np.flatnonzero(self.free.detector),
            motions.beams[sweep.beam],
            np.flatnonzero(self.free.per_coefficient(crystal)),
            curve[1],
            root,
        )
        return gradients(
            sweep.observed,
            predicted,
            (state.detectors[sweep.detector], sweep.goniometer, crystal),
            motions.detectors[sweep.detector],
            wanted,
            crystal.smoothed(crystal.omega, curve),
        )

    def _motions(self, state: RefinedModels) -> _Motions:
        turns = [self._beam_axes(n, beam)[np.array(self.free.beam)] for n, beam in enumerate(state.beams)]
        return _Motions(
            tuple((detector_axes(d), detector_centre(d)) for d in state.detectors),
            tuple(np.cross(turn, beam.s0) for turn, beam in zip(turns, state.beams, strict=True)),
        )

    def evaluate(self, state: RefinedModels) -> Evaluation:
        """What a state predicts of all sweeps, with the smoothers' weak restraints."""
        predicted, costs, squares, counts = [], [], [], []
        for one, difference, cost in map_in_order(partial(self._judged, state), self._chunks):
            predicted.append(one)
            costs.append(cost)
            squares.append(np.sum(difference**2, axis=0))
            counts.append(len(difference))
        off = [jacobian @ values for jacobian, values, _ in self._restraints(state)]
        costs += [float(one @ one) for one in off]
        n_used = sum(counts)
        rmsd = np.sqrt(sum(squares, np.zeros(3)) / max(n_used, 1))
        return Evaluation(state, tuple(predicted), sum(costs, 0.0), rmsd, n_used)

    def linearise(self, at: Evaluation) -> NormalEquations:
        """Normal equations where a state was evaluated, summed over all sweeps, with the restraints."""
        matrix, vector = np.zeros((self.n_parameters,) * 2), np.zeros(self.n_parameters)
        chunks = zip(self._chunks, at.predicted, strict=True)
        found = map_in_order(partial(self._linearised, at.state, self._motions(at.state)), chunks)
        of_chunks = ((*sums, self._columns(chunk)) for chunk, sums in zip(self._chunks, found, strict=True))
        of_restraints = ((*_sums(jac, jac @ values), columns) for jac, values, columns in self._restraints(at.state))
        for own_matrix, own_vector, columns in chain(of_chunks, of_restraints):
            matrix[np.ix_(columns, columns)] += own_matrix
            vector[columns] += own_vector
        return NormalEquations(matrix, vector, at.cost, at.rmsd, at.n_used)

    def stepped(self, state: RefinedModels, shift: np.ndarray) -> RefinedModels:
        """The state after a vector of shifts (n_parameters,)."""
        detectors = tuple(
            self._stepped_detector(d, shift[c]) for d, c in zip(state.detectors, self.detector_columns, strict=True)
        )
        beams = tuple(self._stepped_beam(n, b, shift[self.beam_columns[n]]) for n, b in enumerate(state.beams))
        crystals = tuple(
            self._stepped_crystal(c, shift[k]) for c, k in zip(state.crystals, self.crystal_columns, strict=True)
        )
        return RefinedModels(detectors, beams, crystals)

    @cached_property
    def _chunks(self) -> list[_Chunk]:
        return [chunk for sweep in self.sweeps for chunk in _chunks(sweep, self._smoothers[sweep.crystal])]

    def _columns(self, chunk: _Chunk) -> np.ndarray:
        """The parameters that a chunk's predictions depend on."""
        sweep = chunk.sweep
        crystal = self.crystal_columns[sweep.crystal]
        size = self.n_crystal[sweep.crystal]
        own = crystal[chunk.interval * size : (chunk.interval + chunk.active.shape[1]) * size]
        return np.concatenate([self.detector_columns[sweep.detector], self.beam_columns[sweep.beam], own])

    def _judged(self, state: RefinedModels, chunk: _Chunk) -> tuple[Prediction, np.ndarray, float]:
        """The prediction of a chunk, the residuals of the spots that can be predicted, and their chi squared."""
        predicted = self.predict(state, chunk.sweep, chunk.curve)
        weighted, difference, _ = _weighted(chunk, predicted)
        return predicted, difference, float(weighted.ravel() @ weighted.ravel())

    def _linearised(
        self, state: RefinedModels, motions: _Motions, of: tuple[_Chunk, Prediction]
    ) -> tuple[np.ndarray, np.ndarray]:
        chunk, predicted = of
        jacobian = self.gradients(state, chunk.sweep, predicted, chunk.curve, chunk.root, motions)
        weighted, _, used = _weighted(chunk, predicted)
        return _sums(jacobian if used is None else jacobian[used], weighted)

    def _restraints(self, state: RefinedModels) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Weak restraints on neighbouring coefficients, which decide only where no spots do.

        For each crystal that varies the derivatives (m, n), the values (n,) and which parameters these are.
        """
        for crystal, columns in zip(state.crystals, self.crystal_columns, strict=True):
            if not crystal.smoother.n_intervals:
                continue
            free = self.free.per_coefficient(crystal)
            values = np.concatenate([crystal.omega, crystal.strain], axis=1)[:, free].ravel()
            sigma = np.array([SMOOTH_OMEGA] * 3 + [SMOOTH_STRAIN] * len(crystal.strains))[free]
            yield np.kron(np.diff(np.eye(len(crystal.omega)), axis=0), np.diag(1 / sigma)), values, columns

    def _stepped_detector(self, detector: Detector, shift: np.ndarray) -> Detector:
        if not len(shift):
            return detector
        motion = np.zeros(6)
        motion[np.array(self.free.detector)] = shift
        axes = detector_axes(detector)
        return moved_rigidly(
            detector, np.concatenate([motion[:3] @ axes, motion[3:] @ axes]), detector_centre(detector)
        )

    def _stepped_beam(self, index: int, beam: Beam, shift: np.ndarray) -> Beam:
        if not len(shift):
            return beam
        return turned_beam(beam, shift @ self._beam_axes(index, beam)[np.array(self.free.beam)])

    def _beam_axes(self, index: int, beam: Beam) -> np.ndarray:
        """(2, 3) axes of a beam's turns; sweeps about other spindles that share it have those of the first."""
        first = next(s for s in self.sweeps if s.beam == index)
        return beam_turning_axes(beam, first.goniometer.lab_axis)

    def _stepped_crystal(self, crystal: CrystalModel, shift: np.ndarray) -> CrystalModel:
        free = self.free.per_coefficient(crystal)
        values = np.concatenate([crystal.omega, crystal.strain], axis=1)
        values[:, free] += shift.reshape(len(values), -1)
        return replace(crystal, omega=values[:, :3], strain=values[:, 3:])
