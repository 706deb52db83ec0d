"""Find the direction of the rotation axis: the one about which the spots turn back into a lattice."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy

from autoproc.beam_search.params import FindRotationAxisParams
from autoproc.errors import TooFewSpots
from autoproc.geometry.reciprocal import map_to_reciprocal_space
from autoproc.geometry.rotation import crystal_from_lab, lab_from_crystal, rotation_matrix, wrapped
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.experiment import Experiment, Goniometer
from autoproc.models.reflections import Reflections
from autoproc.text_tables import ruled_table

FINE_STEPS = (1.0, 0.3, 0.1)
"""Degrees: each is tried three steps to both sides of the best so far."""
CLEARLY = 1.5
"""Times the header's score from which another axis is clearly better. Simulated sweeps of 10 to 180 degrees whose
header was wrong gave 3 and more, spots without a lattice 1.1."""
SAME_AXIS = 3.0
"""Degrees: an axis as near to the header's is the header's, which indexing bears."""
FEWEST_PAIRS = 100
"""Of spots; fewer differences tell nothing."""
N_BINS = 16
"""Of the histogram of differences from its middle to its edge: several a lattice spacing."""
SURROUNDINGS = 7
"""Bins across, with which a bin is compared."""
NEAR_USUAL = 1.0
"""Degrees, within which the axis is taken for one of those below: the search is good to half a degree."""
USUAL = {"reversed": 180.0, "vertical": 90.0, "vertical and reversed": -90.0}
"""Turns of the axis about the beam, degrees, at which a beamline's goniometer is likely to stand."""


@dataclass(frozen=True, slots=True, eq=False)
class FindRotationAxisResult:
    """The best axis.

    experiment : with that axis, where it is clearly better, else with the header's
    axis, header : (3,) unit vectors in the laboratory; turn : degrees about the beam from the header's to the best
    score, header_score : how sharply differences between spots gather, 1 as in a random cloud
    mean_score : over all directions; usual : "reversed", "vertical", ... where the turn is one of those, else ""
    """

    experiment: Experiment
    axis: np.ndarray
    header: np.ndarray
    turn: float
    score: float
    header_score: float
    mean_score: float
    usual: str

    @property
    def is_improved(self) -> bool:
        """The spots clearly ask for another axis than the header's."""
        return abs(self.turn) > SAME_AXIS and self.score > CLEARLY * self.header_score


@single_threaded_blas
def find_rotation_axis(
    experiment: Experiment, spots: Reflections, params: FindRotationAxisParams
) -> FindRotationAxisResult:
    """Turn the axis about the beam, all around, and keep the direction with the sharpest difference vectors.

    With the right axis, differences between neighbouring spots of a lattice are few and repeat; with a wrong one they
    are smeared. After Kolb, Gorelik & Otten 2008, Ultramicroscopy 108, 763, who look at the directions of all
    differences on a cylinder; the short ones in three dimensions tell more where cells are large. Raises TooFewSpots.
    """
    strongest = _strongest(spots, params.n_spots)
    if len(strongest) < 30:
        raise TooFewSpots(n_spots=len(strongest), stage="the search for the rotation axis", needed=30)
    phi = experiment.scan.phi_at(strongest["xyz_obs_px"][:, 2])
    rlp = map_to_reciprocal_space(experiment, strongest)["rlp"]
    lab = lab_from_crystal(experiment.goniometer, phi, rlp)
    beam = experiment.beam.s0 / np.linalg.norm(experiment.beam.s0)
    header = experiment.goniometer.lab_axis

    reach = _reach(rlp, params.neighbours)

    def score(turn: float) -> float:
        axis = rotation_matrix(beam, np.radians(turn)) @ header
        return _sharpness(crystal_from_lab(Goniometer(axis=axis), phi, lab), reach)

    turns = np.arange(0.0, 360.0, params.step)
    scores = np.array([score(t) for t in turns])
    best, highest = float(turns[int(np.argmax(scores))]), float(scores.max())
    for step in FINE_STEPS:
        near = best + step * np.arange(-3, 4)
        finer = np.array([score(t) for t in near])
        best, highest = float(near[int(np.argmax(finer))]), float(finer.max())
    best = float(np.degrees(wrapped(np.radians(best))))
    usual = next(
        (name for name, at in USUAL.items() if abs(np.degrees(wrapped(np.radians(best - at)))) < NEAR_USUAL), ""
    )
    best = USUAL.get(usual, best)
    axis = rotation_matrix(beam, np.radians(best)) @ header
    result = FindRotationAxisResult(
        experiment, axis, header, best, highest, float(scores[0]), float(scores.mean()), usual
    )
    if not result.is_improved:
        return result
    return replace(result, experiment=replace(experiment, goniometer=Goniometer(axis=axis)))


def _strongest(spots: Reflections, n: int) -> Reflections:
    if len(spots) <= n or "intensity_sum" not in spots:
        return spots[np.unique(np.linspace(0, len(spots) - 1, n).astype(int))] if len(spots) > n else spots
    return spots[np.sort(np.argsort(-spots["intensity_sum"], kind="stable")[:n])]


def _reach(rlp: np.ndarray, neighbours: int) -> float:
    """1/Angstrom: the median distance to the neighbour of that number."""
    k = min(neighbours, len(rlp) - 1)
    return float(np.median(scipy.spatial.cKDTree(rlp).query(rlp, k=[k + 1])[0]))


def _sharpness(rlp: np.ndarray, reach: float) -> float:
    """How much more often than in their surroundings differences between spots repeat; 1 in a random cloud."""
    pairs = scipy.spatial.cKDTree(rlp).query_pairs(reach, output_type="ndarray")
    if len(pairs) < FEWEST_PAIRS:
        return 1.0
    difference = rlp[pairs[:, 0]] - rlp[pairs[:, 1]]
    cells = np.clip(((difference / reach + 1) * N_BINS).astype(int), 0, 2 * N_BINS - 1)
    flat = np.ravel_multi_index(cells.T, (2 * N_BINS,) * 3)
    counts = np.bincount(flat, minlength=(2 * N_BINS) ** 3).reshape((2 * N_BINS,) * 3).astype(float)
    counts += counts[::-1, ::-1, ::-1]
    around = scipy.ndimage.uniform_filter(counts, SURROUNDINGS, mode="constant")
    return float(np.sum(counts * (counts - 1)) / max(float(np.sum(counts * around)), 1e-12))


def format_find_rotation_axis(result: FindRotationAxisResult) -> str:
    """The header's axis and the best one, and what was decided, as text."""
    rows = [
        [name, *(f"{x:.4f}" for x in axis), f"{score:.2f}"]
        for name, axis, score in (
            ("header", result.header, result.header_score),
            ("best", result.axis, result.score),
        )
    ]
    table = ruled_table(["Axis", "x", "y", "z", "Score"], rows)
    if not result.is_improved:
        return f"{table}\n\nThe header's axis stands: no other is clearly better."
    usual = f" ({result.usual})" if result.usual else ""
    return f"{table}\n\nThe axis is turned by {result.turn:+.1f} degrees about the beam{usual}: tell the beamline."
