"""Reflection tables of strongly absorbing crystals without images: their true intensities and scales are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gemmi
import numpy as np

from autoproc.geometry.asu import to_asu
from autoproc.geometry.detector import s1_from_px
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.simulation import SimulateParams, simulate

WAVELENGTH = 1.9
"""Angstrom: below the edge of manganese, where native phasing measures and crystals absorb."""
BACKGROUND = 15.0
"""Photons under a peak."""
RELATIVE_ERROR, FLICKER = 0.02, 0.01
"""Rms errors of every observation and of every image."""
PART, LEAST_TURNED = 0.8, 0.6
"""Of the observations, and of the images in a row at least, in a draw: so every draw holds out others."""
LEAST_EXPOSURE = 0.03
"""Of the brightest draw's photons."""
WILD = 3
"""Observations a thousand times too strong in every second draw, and as many below nothing."""
COMMON: dict[str, Any] = {
    "wavelength": WAVELENGTH, "distance": 75.0, "wilson_b": 25.0, "anomalous": 0.04, "background": 0.1,
    "observation_error": 0.0, "flicker": 0.0, "n_images": 180, "width": 1.0, "beam_stop": 0.0, "hot_pixels": 0,
    "dead_pixels": 0,
}  # fmt: skip
CRYSTALS: dict[str, dict[str, Any]] = {
    "tetragonal_35": {"cell": (57.9, 57.9, 110.0, 90.0, 90.0, 90.0), "space_group": "P 41 21 2", "absorption": 0.35,
                      "d_min": 3.0, "seed": 16},
    "monoclinic_40": {"cell": (42.0, 51.0, 62.0, 90.0, 103.0, 90.0), "space_group": "P 1 21 1", "absorption": 0.40,
                      "d_min": 3.0, "seed": 3, "n_images": 240},
    "orthorhombic_45": {"cell": (45.0, 58.0, 73.0, 90.0, 90.0, 90.0), "space_group": "P 21 21 21", "absorption": 0.45,
                        "d_min": 3.0, "seed": 5},
    "trigonal_50": {"cell": (62.0, 62.0, 71.0, 90.0, 90.0, 120.0), "space_group": "P 31 2 1", "absorption": 0.50,
                    "d_min": 2.9, "seed": 8, "n_images": 120},
    "cubic_60": {"cell": (79.0, 79.0, 79.0, 90.0, 90.0, 90.0), "space_group": "I 2 3", "absorption": 0.60,
                 "d_min": 2.7, "seed": 11, "n_images": 120},
}  # fmt: skip
"""Rms of the logarithm of the transmission 0.35 to 0.60, various symmetries, 120 to 240 degrees."""


@dataclass(frozen=True, slots=True, eq=False)
class AbsorbingCrystal:
    """A sweep's observations (N,) without errors: hkl (N, 3), position (N, 3) px, px, frame, s1 (N, 3) 1/Angstrom.

    intensity : true one of the hand that each measures; factor : what the experiment makes of it, mean 1
    lp, qe, partiality : corrections that integration knows
    """

    experiment: Experiment
    hkl: np.ndarray
    position: np.ndarray
    s1: np.ndarray
    intensity: np.ndarray
    factor: np.ndarray
    lp: np.ndarray
    qe: np.ndarray
    partiality: np.ndarray

    def __len__(self) -> int:
        return len(self.hkl)


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """Reflections of one draw; intensity, factor : (N,) the truth.

    d_min : the limit of resolution to judge by, Angstrom; exposure : part of the brightest draw's photons
    """

    reflections: Reflections
    d_min: float
    exposure: float
    intensity: np.ndarray
    factor: np.ndarray


def absorbing_crystal(name: str) -> AbsorbingCrystal:
    """What every passage of a crystal's reflections puts on the detector."""
    sweep = simulate(SimulateParams(**{**COMMON, **CRYSTALS[name]}))
    seen = sweep.observations()
    experiment = sweep.experiments()[0]
    on_panel = np.all((seen.xyz[:, :2] > 2) & (seen.xyz[:, :2] < np.array(sweep.panel.image_size) - 2), axis=1)
    rows = np.flatnonzero(on_panel & (seen.partiality > 0.4) & (1 / seen.lorentz > 0.05))
    true = _true_intensities(sweep.truth, sweep.space_group, seen.hkl[rows])
    lp, qe, partiality = 1 / (seen.lorentz * seen.polarization)[rows], seen.efficiency[rows], seen.partiality[rows]
    factor = seen.counts[rows] * lp / qe / partiality / true
    return AbsorbingCrystal(
        experiment, seen.hkl[rows], seen.xyz[rows], s1_from_px(sweep.panel, sweep.beam, seen.xyz[rows, :2]), true,
        factor / factor.mean(), lp, qe, partiality,
    )  # fmt: skip


def _true_intensities(truth: Any, group: gemmi.SpaceGroup, hkl: np.ndarray) -> np.ndarray:
    asu, isym = to_asu(hkl, group)
    place = {tuple(h): n for n, h in enumerate(to_asu(truth.hkl, group)[0].tolist())}
    row = np.array([place[tuple(h)] for h in asu.tolist()])
    return np.where(isym % 2 == 1, truth.plus[row], truth.minus[row])


def draw(of: AbsorbingCrystal, number: int) -> Draw:
    """A part of the observations with errors of their own, and a limit of resolution; the same ones every time."""
    random = np.random.default_rng([number, 77])
    exposure = float(LEAST_EXPOSURE ** random.random())
    turned = random.uniform(LEAST_TURNED, 1.0)
    where = of.position[:, 2] / of.experiment.scan.n_images - random.uniform(0.0, 1.0 - turned)
    rows = np.flatnonzero((random.random(len(of)) < PART) & (where >= 0) & (where < turned))
    n = len(rows)
    lp, qe, partiality, position = of.lp[rows], of.qe[rows], of.partiality[rows], of.position[rows]
    per_photon = lp / qe
    flicker = 1 + FLICKER * random.standard_normal(of.experiment.scan.n_images)
    image = np.clip(position[:, 2].astype(np.intp), 0, len(flicker) - 1)
    error = np.exp(RELATIVE_ERROR * random.standard_normal(n)) * flicker[image]
    photons = exposure * of.intensity[rows] * of.factor[rows] * error * partiality / per_photon
    value = random.poisson(photons) + np.sqrt(BACKGROUND) * random.standard_normal(n)
    variance = np.maximum(value, 0.0) + BACKGROUND
    if number % 2:
        wild = random.choice(n, 2 * WILD, replace=False)
        value[wild[:WILD]] = 1000 * np.maximum(value[wild[:WILD]], 10.0)
        variance[wild[:WILD]] = value[wild[:WILD]]
        value[wild[WILD:]] = -4.5 * np.sqrt(variance[wild[WILD:]])
    cell = gemmi.UnitCell(*of.experiment.crystal.cell)  # type: ignore[union-attr]
    d = cell.calculate_d_array(of.hkl[rows])
    flags = np.full(n, int(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF | Flag.PREDICTED), np.uint64)
    columns = {
        "hkl": of.hkl[rows], "experiment_id": np.zeros(n), "imageset_id": np.zeros(n), "panel": np.zeros(n),
        "flags": flags, "xyz_obs_px": position, "xyz_cal_px": position, "s1": of.s1[rows], "d": d,
        "intensity_prf": value / partiality, "variance_prf": variance / partiality**2,
        "intensity_sum": value, "variance_sum": 1.3 * variance, "partiality": partiality, "lp": lp, "qe": qe,
    }  # fmt: skip
    limit = float(d.min() * random.uniform(1.0, 1.1))
    table = Reflections(columns, {0: of.experiment.identifier})
    return Draw(table, limit, exposure, of.intensity[rows], of.factor[rows])
