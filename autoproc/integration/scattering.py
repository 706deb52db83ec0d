"""Where on the pattern a pixel is: its scattering angle, its direction around the beam, its polarisation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoproc.geometry.corrections import polarisation_factor
from autoproc.geometry.detector import s1_from_mm
from autoproc.models.experiment import Detector, Experiment, Goniometer, Panel
from autoproc.threads import map_in_order

N_SECTORS = 36
BAND = 64
"""Rows worked on at a time: their wave vectors stay in a core's own memory."""
LEAST_POLARISATION = 0.05
CENTRE_STEP = 0.5
"""Pixels in which the beam's place on the detector is counted: rings of a pixel are off by a quarter of one at most."""
DIRECTION_STEP = 0.005
"""Of the components of directions in the detector's axes. Half of it is 0.14 degrees, more than detectors usually lean,
which so count as upright; a ring of ice of 1.9 A is then off by 0.0008 in 1/d^2, of a half-width of 0.002. Refined once
more with a second lattice, simulated detectors turned by 0.000005 and, where that was close to the first, by 0.0007."""
DISTANCE_STEP = 0.001
"""Of the distance along the beam, relative: ice rings of 2 A are off by 0.0003 in 1/d^2, a seventh of their width."""
LEAST_SLOPE = 0.1
"""Cosine between beam and normal of a panel; below it, the beam's place on the panel is far away and says little."""


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


def steady_geometry(experiment: Experiment) -> Experiment:
    """The experiment in the axes of its detector (fast, slow, normal), its geometry in whole steps, without a crystal.

    Fine enough for what is asked of rings of pixels, and the same to the bit when a detector is refined once more
    and moves by next to nothing. A panel nearly along the beam, or behind the sample, keeps its geometry exactly.
    """
    panel, beam = experiment.detector[0], experiment.beam
    axes = np.array([panel.fast_axis, panel.slow_axis, panel.normal])
    origin, along = axes @ panel.origin, axes @ beam.s0 * beam.wavelength
    if abs(along[2]) < LEAST_SLOPE or origin[2] / along[2] <= 0:
        return replace(experiment, crystal=None)
    distance = origin[2] / along[2]
    pixel = np.asarray(panel.pixel_size)
    centre = _in_steps((distance * along[:2] - origin[:2]) / pixel, CENTRE_STEP)
    distance = np.exp(_in_steps(np.log(distance), DISTANCE_STEP))
    across = _in_steps(along[:2], DIRECTION_STEP)
    along = np.array([*across, np.copysign(np.sqrt(1 - across @ across), along[2])])
    origin = distance * along - np.array([*(centre * pixel), 0.0])
    flat = replace(panel, fast_axis=np.eye(3)[0], slow_axis=np.eye(3)[1], origin=origin)
    normal = _in_steps(axes @ beam.polarization_normal, DIRECTION_STEP)
    spindle = Goniometer(_in_steps(axes @ experiment.goniometer.lab_axis, DIRECTION_STEP))
    turned = replace(beam, direction=-along, polarization_normal=normal)
    return replace(experiment, detector=Detector((flat,)), beam=turned, goniometer=spindle, crystal=None)


def geometry_numbers(experiment: Experiment) -> tuple[float, ...]:
    """All that `scattering` and rings of ice depend on, for comparison."""
    panel, beam = experiment.detector[0], experiment.beam
    vectors = (
        panel.fast_axis, panel.slow_axis, panel.origin, beam.direction, beam.polarization_normal,
        experiment.goniometer.lab_axis,
    )  # fmt: skip
    single = (*panel.pixel_size, *panel.image_size, panel.gain, beam.wavelength, beam.polarization_fraction)
    return (*np.concatenate(vectors).tolist(), *map(float, single))


def _in_steps(values: np.ndarray | float, step: float) -> np.ndarray:
    return np.rint(np.asarray(values) / step) * step + 0.0  # no -0


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
