"""Where on the pattern a pixel is: its scattering angle, its direction around the beam, its polarisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.geometry.corrections import polarisation_factor
from autoproc.geometry.detector import s1_from_mm
from autoproc.models.experiment import Experiment, Panel
from autoproc.threads import map_in_order

N_SECTORS = 36
BAND = 64
"""Rows worked on at a time: their wave vectors stay in a core's own memory."""
LEAST_POLARISATION = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Scattering:
    """Of every pixel, (slow, fast).

    ring : int32, one for about each pixel of radius; sector : uint8, from 0 to N_SECTORS - 1 around the beam
    polarisation : float32, factor by which the beam's polarisation weakens what is scattered there
    """

    ring: np.ndarray
    sector: np.ndarray
    polarisation: np.ndarray


def scattering(experiment: Experiment, n_threads: int = 0) -> Scattering:
    """Rings, sectors and polarisation of a detector's pixels.

    Pixels are taken where they are, not where a ray entered that is seen there: of one angle, all rays move alike.
    """
    n_fast, n_slow = experiment.detector[0].image_size
    ring, sector = np.empty((n_slow, n_fast), np.int32), np.empty((n_slow, n_fast), np.uint8)
    polarisation = np.empty((n_slow, n_fast), np.float32)

    def fill(first: int) -> None:
        rows = slice(first, min(first + BAND, n_slow))
        ring[rows], sector[rows], polarisation[rows] = _of_rows(experiment, rows)

    for _ in map_in_order(fill, range(0, n_slow, BAND), n_threads):
        pass
    return Scattering(ring, sector, polarisation)


def ring_width(panel: Panel) -> float:
    """Scattering angle, radians, that a ring spans: about that of a pixel near the beam."""
    return float(np.arctan(min(panel.pixel_size) / max(panel.distance, 1e-6)))


def _of_rows(experiment: Experiment, rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    beam, panel = experiment.beam, experiment.detector[0]
    fast, slow = np.meshgrid(np.arange(panel.image_size[0]) + 0.5, np.arange(rows.start, rows.stop) + 0.5)
    s1 = s1_from_mm(panel, beam, np.stack([fast, slow], axis=-1) * np.asarray(panel.pixel_size))
    cosine = np.clip(s1 @ beam.s0 * beam.wavelength**2, -1, 1)
    across = np.cross(beam.s0, experiment.goniometer.lab_axis)
    angle = np.arctan2(s1 @ across, s1 @ np.cross(across, beam.s0) / np.linalg.norm(beam.s0))
    sector = np.minimum(((angle / (2 * np.pi) + 0.5) * N_SECTORS).astype(np.uint8), N_SECTORS - 1)
    polarisation = np.maximum(polarisation_factor(beam, s1), LEAST_POLARISATION)
    return (np.arccos(cosine) / ring_width(panel)).astype(np.int32), sector, polarisation
