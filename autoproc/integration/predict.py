"""Every reflection that diffracts during a scan, where and when."""

from __future__ import annotations

from dataclasses import dataclass, fields

import gemmi
import numpy as np

from autoproc.geometry.detector import is_on_panel, px_from_s1, s1_from_mm
from autoproc.geometry.reciprocal import zeta
from autoproc.geometry.rotation import lab_from_crystal
from autoproc.kernels.predict import predict_plane
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.threads import map_in_order

MIN_ZETA = 0.05
"""Reflections nearer to the spindle than this are not predicted: they stay on the sphere for many
degrees, so that neither their Lorentz factor nor their extent is known well (Kabsch 2010)."""


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predicted reflections, N rows.

    experiment : index of the lattice; hkl : (N, 3)
    s1 : (N, 3) 1/Angstrom; xyz : (N, 3) px, px, frame; phi : (N,) radians
    zeta : m2 . e1 (Kabsch 2010); d : Angstrom; entering : into the sphere as phi grows
    """

    experiment: np.ndarray
    hkl: np.ndarray
    s1: np.ndarray
    xyz: np.ndarray
    phi: np.ndarray
    zeta: np.ndarray
    d: np.ndarray
    entering: np.ndarray

    def __len__(self) -> int:
        return len(self.phi)

    def __getitem__(self, rows: np.ndarray) -> Predictions:
        """The rows of a mask or index array."""
        return Predictions(*(getattr(self, f.name)[rows] for f in fields(self)))

    @staticmethod
    def concatenate(parts: list[Predictions]) -> Predictions:
        """Tables one below the other."""
        return Predictions(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Predictions)))


def detector_d_min(experiment: Experiment) -> float:
    """The highest resolution on the detector, Angstrom: at the corner farthest from the beam."""
    beam = experiment.beam
    largest = 0.0
    for panel in experiment.detector.panels:
        size = np.asarray(panel.image_size) * panel.pixel_size
        corners = np.array([[0, 0], [size[0], 0], [0, size[1]], size])
        s1 = s1_from_mm(panel, beam, corners)
        largest = max(largest, float(np.linalg.norm(s1 - beam.s0, axis=1).max()))
    return 1.0 / largest


def predict(
    experiment: Experiment,
    d_min: float | None = None,
    padding: float = 0.0,
    index: int = 0,
    n_threads: int = 0,
    first: float = 0.0,
) -> Predictions:
    """Every reflection on the (single) panel with its crossing within the scan, or `padding` radians beyond.

    first : frame, of those crossings that are wanted
    Sorted by frame. Lattice centring absences are left out; screw axes and glide planes are not,
    for their absences are evidence in the determination of the space group.
    """
    crystal, scan, goniometer = experiment.crystal, experiment.scan, experiment.goniometer
    if crystal is None:
        raise ValueError("prediction needs a crystal")
    limit = detector_d_min(experiment) if d_min is None else max(d_min, detector_d_min(experiment))
    settings = crystal.A[None] if crystal.A_at_scan_points is None else crystal.A_at_scan_points
    turned = goniometer.fixed @ settings
    bounds = np.floor(np.linalg.norm(crystal.real_space, axis=1) * 1.01 / limit).astype(int)
    ends = np.sort(scan.phi_at(np.array([first, scan.n_images])))
    width = np.radians(scan.oscillation[1])

    def plane(h: int) -> Predictions:
        hkl, phi, frame = predict_plane(
            h, (-int(bounds[1]), int(bounds[1])), (-int(bounds[2]), int(bounds[2])), turned, goniometer.axis,
            goniometer.setting.T @ experiment.beam.s0, (float(scan.phi_at(0)), width),
            (float(ends[0]) - padding, float(ends[1]) + padding), limit,
        )  # fmt: skip
        present = centring_allows(crystal.space_group, hkl)
        return _located(experiment, crystal, index, hkl[present], phi[present], frame[present])

    planes = map_in_order(plane, range(-int(bounds[0]), int(bounds[0]) + 1), n_threads)
    found = Predictions.concatenate(list(planes))
    found = found[found.d >= limit]
    return found[np.lexsort((found.hkl[:, 2], found.hkl[:, 1], found.hkl[:, 0], found.xyz[:, 2]))]


def centring_allows(group: gemmi.SpaceGroup, hkl: np.ndarray) -> np.ndarray:
    """(N,) bool: not absent by the centring of the lattice."""
    allowed = np.ones(len(hkl), bool)
    for vector in group.operations().cen_ops:
        allowed &= (hkl @ np.asarray(vector)) % gemmi.Op.DEN == 0
    return allowed


def _located(
    experiment: Experiment, crystal: Crystal, index: int, hkl: np.ndarray, phi: np.ndarray, frame: np.ndarray
) -> Predictions:
    beam, goniometer = experiment.beam, experiment.goniometer
    rlp = np.einsum("nij,nj->ni", crystal.A_at(frame), hkl.astype(float))
    rotated = lab_from_crystal(goniometer, phi, rlp)
    s1 = rotated + beam.s0
    xy = px_from_s1(experiment.detector[0], s1)
    speed = zeta(goniometer, beam, s1)
    kept = is_on_panel(experiment.detector[0], xy) & (np.abs(speed) >= MIN_ZETA)
    d = 1.0 / np.linalg.norm(rotated, axis=1)
    xyz = np.column_stack([xy, frame])
    rows = Predictions(np.full(len(phi), index, np.int32), hkl, s1, xyz, phi, speed, d, speed < 0)
    return rows[kept]
