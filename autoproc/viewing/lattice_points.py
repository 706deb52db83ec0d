"""Spots as points of reciprocal space, with all that their places there depend on.

A spot is sent as a position in the laboratory, mm, and a frame, and the models beside it: whoever shows the points
computes them, and computes them anew when the beam centre or the distance is moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.geometry.detector import beam_centre_px, lab_from_mm, px_to_mm
from autoproc.geometry.ice_rings import ice_ring_inverse_d2
from autoproc.geometry.rotation import turn_to_crystal
from autoproc.models.crystal import Crystal
from autoproc.models.data_set_names import names_in_group
from autoproc.models.experiment import Beam, Experiment, Panel
from autoproc.models.reflections import Reflections
from autoproc.viewing.images import sweeps_among
from autoproc.viewing.sweep_of_rows import sweep_of_experiments, sweep_of_rows

MOST_POINTS = 1_000_000
"""Points that are sent, evenly taken from a longer table: 50 MB. A sweep of a large cell has 300,000 strong spots."""
NO_LATTICE = -1
"""In place of a lattice: the spot is not indexed."""
LARGEST_INDEX = 32767
"""What 16 bits hold; indices of real crystals are hundreds."""
ICE_D_MIN = 1.3
"""Rings of ice are shown from here, Angstrom; beyond it they are weak, and closer than a spot is wide."""
STEEPEST = 0.5
"""Cosine between beam and a detector's normal up to which moving it along the beam is what a distance means."""


@dataclass(frozen=True, slots=True)
class SweepGeometry:
    """What turns positions on one detector into reciprocal space.

    s0 : (3,) 1/Angstrom; wavelength : Angstrom
    turn : (3, 3, 3) T of rotation.turn_to_crystal; axis : (3,) of rotation, as the crystal has it
    phi : (start of frame 0, width of a frame), radians
    images : numbers (first, last); n_panels : of its detector
    along_fast, along_slow : (3,) mm, what a step of the beam centre by one pixel moves the detector by
    away : (3,) what one mm more of distance moves it by, the beam centre as it was
    beam_centre : (fast, slow) px on the first panel, None where the beam does not meet its plane; distance : mm
    """

    s0: np.ndarray
    wavelength: float
    turn: np.ndarray
    axis: np.ndarray
    phi: tuple[float, float]
    images: tuple[int, int]
    n_panels: int
    along_fast: np.ndarray
    along_slow: np.ndarray
    away: np.ndarray
    beam_centre: tuple[float, float] | None
    distance: float


@dataclass(frozen=True, slots=True)
class ShownLattice:
    """One lattice: its number among the experiments, its sweep, its crystal.

    name : of its data set among those of several sweeps, "" for one sweep
    """

    experiment: int
    sweep: int
    crystal: Crystal
    name: str = ""


@dataclass(frozen=True, slots=True)
class LatticePoints:
    """Spots of one or more sweeps.

    lattices : the experiments that have a crystal; n_spots : of the table, of which every one or every n-th is here
    row : (N,) uint32 number in the table
    lab : (N, 3) float32 mm, where the ray entered the sensor, in the laboratory
    frame : (N,) float32, from the start of the scan; xy : (N, 2) float32 px on panels (N,) uint16
    intensity : (N,) float32 photons, NaN where not known; hkl : (N, 3) int16, 0 0 0 where not indexed
    lattice : (N,) int16 index in `lattices`, or NO_LATTICE; sweep : (N,) uint16 index in `sweeps`
    """

    sweeps: tuple[SweepGeometry, ...]
    lattices: tuple[ShownLattice, ...]
    n_spots: int
    row: np.ndarray
    lab: np.ndarray
    frame: np.ndarray
    xy: np.ndarray
    panel: np.ndarray
    intensity: np.ndarray
    hkl: np.ndarray
    lattice: np.ndarray
    sweep: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def columns(self) -> Mapping[str, np.ndarray]:
        """The columns by name."""
        names = ("row", "lab", "frame", "xy", "panel", "intensity", "hkl", "lattice", "sweep")
        return {name: getattr(self, name) for name in names}


def observed_points(experiments: Sequence[Experiment], spots: Reflections, at_most: int = MOST_POINTS) -> LatticePoints:
    """The points of a table of spots or reflections that were observed. Raises MissingColumn."""
    n_spots = len(spots)
    rows = np.arange(n_spots)[:: -(-n_spots // at_most) or 1]
    rows = rows[spots["xyz_obs_px"][rows].any(axis=1)]
    spots = spots.without("shoebox")[rows]
    members = sweeps_among(experiments)
    own = sweep_of_experiments(experiments)
    names = names_in_group(experiments) or [""] * len(experiments)
    crystals = [(n, int(own[n]), e.crystal, names[n]) for n, e in enumerate(experiments) if e.crystal is not None]
    lattices = tuple(ShownLattice(*found) for found in crystals)
    sweep, lattice = sweep_of_rows(spots, experiments), _lattice_of(spots, len(experiments), lattices)
    lab = _lab([experiments[among[0]] for among in members], sweep, spots)
    whole = np.isfinite(lab).all(axis=1) & np.isfinite(spots["xyz_obs_px"]).all(axis=1)
    rows, spots, sweep, lattice, lab = rows[whole], spots[whole], sweep[whole], lattice[whole], lab[whole]
    return LatticePoints(
        sweeps=tuple(_geometry(experiments[among[0]]) for among in members),
        lattices=lattices,
        n_spots=n_spots,
        row=rows.astype(np.uint32),
        lab=lab.astype(np.float32),
        frame=spots["xyz_obs_px"][:, 2].astype(np.float32),
        xy=spots["xyz_obs_px"][:, :2].astype(np.float32),
        panel=spots["panel"].astype(np.uint16),
        intensity=_intensity(spots).astype(np.float32),
        hkl=np.where(lattice[:, None] >= 0, _hkl(spots), 0).clip(-LARGEST_INDEX, LARGEST_INDEX).astype(np.int16),
        lattice=lattice.astype(np.int16),
        sweep=sweep.astype(np.uint16),
    )


def reciprocal_points(points: LatticePoints, beam_shift: tuple[float, float] = (0, 0), longer: float = 0) -> np.ndarray:
    """(N, 3) reciprocal lattice points at phi = 0, 1/Angstrom.

    beam_shift : px, and longer : mm, by which beam centre and distance are moved; where rays enter the sensor stays
    """
    rlp = np.empty((len(points), 3))
    for number, sweep in enumerate(points.sweeps):
        here = points.sweep == number
        moved = longer * sweep.away + beam_shift[0] * sweep.along_fast + beam_shift[1] * sweep.along_slow
        lab = points.lab[here] + moved
        q = lab / (np.linalg.norm(lab, axis=1, keepdims=True) * sweep.wavelength) - sweep.s0
        phi = sweep.phi[0] + sweep.phi[1] * points.frame[here].astype(float)
        still, cosine, sine = sweep.turn
        rlp[here] = q @ still + np.cos(phi)[:, None] * (q @ cosine) + np.sin(phi)[:, None] * (q @ sine)
    return rlp


def ice_shells() -> np.ndarray:
    """(n,) d of the rings of hexagonal ice, Angstrom, from the first."""
    return 1 / np.sqrt(ice_ring_inverse_d2(ICE_D_MIN))


def _lattice_of(spots: Reflections, n_experiments: int, lattices: Sequence[ShownLattice]) -> np.ndarray:
    """(N,) the lattice of each spot, or NO_LATTICE."""
    ids = spots["experiment_id"] if "experiment_id" in spots else np.full(len(spots), -1)
    number = np.full(n_experiments + 1, NO_LATTICE)
    for n, lattice in enumerate(lattices):
        number[lattice.experiment] = n
    return np.where(_hkl(spots).any(axis=1), number[ids.clip(-1, n_experiments - 1)], NO_LATTICE)


def _hkl(spots: Reflections) -> np.ndarray:
    return spots["hkl"] if "hkl" in spots else np.zeros((len(spots), 3), np.int32)


def _intensity(spots: Reflections) -> np.ndarray:
    return spots["intensity_sum"] if "intensity_sum" in spots else np.full(len(spots), np.nan)


def _lab(experiments: Sequence[Experiment], sweep: np.ndarray, spots: Reflections) -> np.ndarray:
    """(N, 3) mm; NaN for spots of panels that there are not."""
    lab = np.full((len(spots), 3), np.nan)
    for number, experiment in enumerate(experiments):
        for index, panel in enumerate(experiment.detector.panels):
            here = (sweep == number) & (spots["panel"] == index)
            lab[here] = lab_from_mm(panel, px_to_mm(panel, spots["xyz_obs_px"][here, :2]))
    return lab


def _geometry(experiment: Experiment) -> SweepGeometry:
    panel, scan = experiment.detector[0], experiment.scan
    centre = beam_centre_px(experiment.detector, experiment.beam)
    return SweepGeometry(
        s0=experiment.beam.s0,
        wavelength=experiment.beam.wavelength,
        turn=turn_to_crystal(experiment.goniometer),
        axis=experiment.goniometer.axis @ experiment.goniometer.fixed,
        phi=(float(np.radians(scan.oscillation[0])), float(np.radians(scan.oscillation[1]))),
        images=scan.image_range,
        n_panels=len(experiment.detector),
        along_fast=-panel.pixel_size[0] * panel.fast_axis,
        along_slow=-panel.pixel_size[1] * panel.slow_axis,
        away=_away(panel, experiment.beam),
        beam_centre=centre if np.isfinite(centre).all() else None,
        distance=panel.distance,
    )


def _away(panel: Panel, beam: Beam) -> np.ndarray:
    """Along the beam, so that it hits the same pixel; along the normal of a detector that is swung far out."""
    outwards = panel.normal * np.sign(panel.origin @ panel.normal)
    along = beam.s0 * beam.wavelength
    cosine = float(along @ outwards)
    return along / cosine if cosine > STEEPEST else outwards
