"""Several sweeps and crystals under one set of parameters: residuals, normal equations, steps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import pairwise

import numpy as np

from autoproc.geometry.placement import moved_rigidly
from autoproc.models.experiment import Beam, Detector, Goniometer
from autoproc.refinement.gradients import Observations, Prediction, Wanted, gradients, predict, residuals
from autoproc.refinement.model import (
    CrystalModel,
    beam_turning_axes,
    detector_axes,
    detector_centre,
    turned_beam,
)
from autoproc.refinement.smoother import Smoother
from autoproc.threads import map_in_order

SMOOTH_OMEGA = np.radians(0.1)
SMOOTH_STRAIN = 2e-3
CHUNK = 2048
"""Spots linearised at a time; fixed, so that sums do not depend on the number of threads."""


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


@dataclass(slots=True, eq=False)
class _Sums:
    """Normal equations while they grow."""

    matrix: np.ndarray
    vector: np.ndarray
    cost: float = 0.0
    squares: np.ndarray = field(default_factory=lambda: np.zeros(3))
    n_used: int = 0

    def add(self, other: _Sums, columns: np.ndarray) -> None:
        """Add the sums over some spots with their derivatives in the parameters `columns` (n,)."""
        self.matrix[np.ix_(columns, columns)] += other.matrix
        self.vector[columns] += other.vector
        self.cost += other.cost
        self.squares += other.squares
        self.n_used += other.n_used


def _sums(jacobian: np.ndarray, difference: np.ndarray) -> _Sums:
    """Of weighted residuals (...) with derivatives (..., n)."""
    flat, difference = jacobian.reshape(-1, jacobian.shape[-1]), difference.ravel()
    return _Sums(flat.T @ flat, -(difference @ flat), float(difference @ difference))


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    """Some of a sweep's spots, in one interval of its crystal's smoother: they share their columns."""

    sweep: Sweep
    interval: int
    root: np.ndarray
    active: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class _Motions:
    """How detectors and beams of a state can move, the same for all spots.

    detectors : directions (3, 3) and centre (3,) of each; beams : (b, 3) changes of s0 by the free turns of each
    """

    detectors: tuple[tuple[np.ndarray, np.ndarray], ...]
    beams: tuple[np.ndarray, ...]


def _chunks(sweep: Sweep, smoother: Smoother) -> list[_Chunk]:
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


def _have_one_cell(one: CrystalModel, other: CrystalModel) -> bool:
    """Both are static and have a cell in common (the same object; see setup.build)."""
    return one.B is other.B and not one.smoother.n_intervals and not other.smoother.n_intervals


class Problem:
    """A least-squares problem over sweeps; pure: `linearise` and `stepped` change nothing."""

    def __init__(self, sweeps: tuple[Sweep, ...], state: State, free: Free) -> None:
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

    def _share_cells(self, state: State) -> None:
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

    def predict(self, state: State, sweep: Sweep, curve: tuple[np.ndarray, np.ndarray] | None = None) -> Prediction:
        """Predicted positions of a sweep's spots; curve : of its crystal's smoother, where that is known."""
        return predict(
            sweep.observed, state.beams[sweep.beam], state.detectors[sweep.detector], sweep.goniometer,
            state.crystals[sweep.crystal], curve,
        )  # fmt: skip

    def gradients(
        self,
        state: State,
        sweep: Sweep,
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
        wanted = Wanted(
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

    def _motions(self, state: State) -> _Motions:
        turns = [self._beam_axes(n, beam)[np.array(self.free.beam)] for n, beam in enumerate(state.beams)]
        return _Motions(
            tuple((detector_axes(d), detector_centre(d)) for d in state.detectors),
            tuple(np.cross(turn, beam.s0) for turn, beam in zip(turns, state.beams, strict=True)),
        )

    def linearise(self, state: State) -> NormalEquations:
        """Normal equations at a state, summed over all sweeps, with the smoothers' weak restraints."""
        sums = _Sums(np.zeros((self.n_parameters,) * 2), np.zeros(self.n_parameters))
        found = map_in_order(partial(self._linearised, state, self._motions(state)), self._chunks)
        for chunk, part in zip(self._chunks, found, strict=True):
            sums.add(part, self._columns(chunk))
        for crystal, columns in zip(state.crystals, self.crystal_columns, strict=True):
            if crystal.smoother.n_intervals:
                self._add_restraints(sums, crystal, columns)
        rmsd = np.sqrt(sums.squares / max(sums.n_used, 1))
        return NormalEquations(sums.matrix, sums.vector, sums.cost, rmsd, sums.n_used)

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

    def _linearised(self, state: State, motions: _Motions, chunk: _Chunk) -> _Sums:
        curve = np.full(len(chunk.active), chunk.interval), chunk.active
        predicted = self.predict(state, chunk.sweep, curve)
        difference = residuals(chunk.sweep.observed, predicted)
        jacobian = self.gradients(state, chunk.sweep, predicted, curve, chunk.root, motions)
        weighted, used = chunk.root * difference, np.isfinite(difference).all(axis=1)
        if not used.all():
            jacobian, weighted, difference = jacobian[used], weighted[used], difference[used]
        sums = _sums(jacobian, weighted)
        sums.squares, sums.n_used = np.sum(difference**2, axis=0), len(difference)
        return sums

    def _add_restraints(self, sums: _Sums, crystal: CrystalModel, columns: np.ndarray) -> None:
        """Weak restraints on neighbouring coefficients: they decide only where no spots do."""
        free = self.free.per_coefficient(crystal)
        values = np.concatenate([crystal.omega, crystal.strain], axis=1)[:, free].ravel()
        sigma = np.array([SMOOTH_OMEGA] * 3 + [SMOOTH_STRAIN] * len(crystal.strains))[free]
        jacobian = np.kron(np.diff(np.eye(len(crystal.omega)), axis=0), np.diag(1 / sigma))
        sums.add(_sums(jacobian, jacobian @ values), columns)

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
