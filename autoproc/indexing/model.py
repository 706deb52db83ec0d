"""What indexing refines: one or several lattices and the detectors of the sweeps that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.geometry.placement import moved_rigidly, panel_middle
from autoproc.geometry.rotation import cross, rotation_of_vector
from autoproc.indexing.reciprocal_spots import ReciprocalSpots, mapped_anew
from autoproc.models.experiment import Beam, Detector, Experiment

BEAM = 6
N_MOVES = 7


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Lattices on sweeps.

    sweeps : one experiment a sweep, with the geometry of the headers
    settings : a setting matrix A (3, 3) per lattice
    moves : (D, 7) per detector: shift in the laboratory (mm) and rotation vector (radians) about the
        middle of the detector's first panel, from the headers' position; and the beam's turn (radians) in the
        plane of the rotation axis from the headers' direction
    turns : (S, 3) rotation vector (radians) of the crystal on each sweep against the common setting: a
        goniometer does not bring it back exactly. Zero for a single sweep.
    """

    sweeps: tuple[Experiment, ...]
    settings: tuple[np.ndarray, ...]
    moves: np.ndarray
    turns: np.ndarray

    @property
    def detector_of_sweep(self) -> np.ndarray:
        """(S,) index of the detector of each sweep: sweeps may share one."""
        return detector_indices(self.sweeps)

    def with_settings(self, settings: Sequence[np.ndarray]) -> Model:
        """The same detectors with other lattices."""
        return replace(self, settings=tuple(settings))

    def turn_matrices(self) -> np.ndarray:
        """(S, 3, 3) of the crystal on each sweep."""
        return rotation_of_vector(self.turns)

    def placed(self, spots: ReciprocalSpots) -> ReciprocalSpots:
        """Spots in the common frame of this model."""
        return mapped_anew(self.moved_sweeps(), spots, self.turn_matrices())

    def moved_sweeps(self) -> list[Experiment]:
        """The sweeps with detectors and beams where refinement put them; what they share stays shared."""
        detectors: dict[int, Detector] = {}
        beams: dict[tuple[int, int], Beam] = {}
        moved = []
        for sweep, index in zip(self.sweeps, self.detector_of_sweep, strict=True):
            key = (id(sweep.beam), int(index))
            if index not in detectors:
                detectors[index] = moved_rigidly(
                    sweep.detector, self.moves[index, :BEAM], panel_middle(sweep.detector[0])
                )
            if key not in beams:
                turn = rotation_of_vector(self.moves[index, BEAM] * beam_turn_axis(sweep))
                beams[key] = replace(sweep.beam, direction=turn @ np.asarray(sweep.beam.direction))
            moved.append(replace(sweep, detector=detectors[index], beam=beams[key]))
        return moved


def model_of(sweeps: Sequence[Experiment]) -> Model:
    """The geometry of the headers, no lattice yet."""
    n_detectors = int(detector_indices(sweeps).max()) + 1
    return Model(tuple(sweeps), (), np.zeros((n_detectors, N_MOVES)), np.zeros((len(sweeps), 3)))


def detector_indices(sweeps: Sequence[Experiment]) -> np.ndarray:
    """(S,) which detector each sweep has, numbered in order of appearance."""
    seen: dict[int, int] = {}
    return np.array([seen.setdefault(id(s.detector), len(seen)) for s in sweeps])


def beam_turn_axis(sweep: Experiment) -> np.ndarray:
    """(3,) unit vector about which a beam turns towards the rotation axis; turns about the latter are phi's."""
    axis = cross(sweep.beam.s0, sweep.goniometer.lab_axis)
    length = float(np.linalg.norm(axis))
    return axis / length if length > 0 else np.zeros(3)
