"""Intensities for symmetry analysis: chosen, corrected, in the primitive basis, with what scaling needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.geometry.corrections import lorentz_polarisation, share_of
from autoproc.geometry.rotation import crystal_from_lab
from autoproc.merging.against_others import on_common_scale
from autoproc.merging.blank_images import is_on_blank_image
from autoproc.models.experiment import Experiment
from autoproc.models.left_out import LeftOut, commonest_first, first_reasons
from autoproc.models.numbering import rows_by_experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.symmetry.reindex import reindex_hkl

MIN_PARTIALITY = 0.4
MIN_I_OVER_SIGMA = -5.0
STRONG_I_OVER_SIGMA = 10.0
MIN_STRONG_CORRELATION = 0.5
MAX_DISAGREEMENT = 6.0
PLACING = ("xyz_cal_px", "xyz_obs_px", "experiment_id", "bbox")
"""Columns that tell on which images a reflection was measured."""


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedObservations:
    """Equally long arrays, one row an observation.

    hkl : (N, 3) int32; intensity, sigma : (N,) corrected for LP, QE and partiality
    s2 : (N,) 1/d^2, 1/Angstrom^2; experiment : (N,) int; phi : (N,) radians
    direction : (N, 3) unit vector of the diffracted beam in the crystal's frame
    """

    hkl: np.ndarray
    intensity: np.ndarray
    sigma: np.ndarray
    s2: np.ndarray
    experiment: np.ndarray
    phi: np.ndarray
    direction: np.ndarray

    def __len__(self) -> int:
        return len(self.hkl)

    def __getitem__(self, rows: np.ndarray) -> CorrectedObservations:
        """The rows of a mask or index array."""
        return CorrectedObservations(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def reindexed(self, matrices: dict[int, np.ndarray]) -> CorrectedObservations:
        """The same observations with each experiment's hkl changed by its matrix."""
        hkl = self.hkl.copy()
        for experiment, rows in rows_by_experiment(self.experiment).items():
            if experiment in matrices:
                hkl[rows] = reindex_hkl(hkl[rows], matrices[experiment])
        return CorrectedObservations(
            hkl, self.intensity, self.sigma, self.s2, self.experiment, self.phi, self.direction
        )


def observations_of(experiments: Sequence[Experiment], reflections: Reflections) -> CorrectedObservations:
    """The usable observations: profile-fitted intensities where there are any, otherwise summed.

    Works on integrated reflections and, with the Lorentz-polarisation factor computed here, on indexed
    strong spots. Left out: overloads, partiality below 0.4, I/sigma below -5, not indexed, and those
    whose pixels do not look like a spot (has_bad_pixels), or that lie on blank images.
    """
    measured = _intensities(reflections)
    ids = reflections["experiment_id"]
    rows = np.flatnonzero(~np.any(list(unusable_for_symmetry(reflections, measured).values()), axis=0))
    own = rows_by_experiment(ids[rows])
    none = np.zeros(0, np.intp)
    parts = [
        _of_experiment(n, experiment, reflections, rows[own.get(n, none)], measured)
        for n, experiment in enumerate(experiments)
        if experiment.crystal is not None
    ]
    return CorrectedObservations(
        *(np.concatenate([getattr(p, f) for p in parts]) for f in CorrectedObservations.__dataclass_fields__)
    )


def scaled_observations_of(experiments: Sequence[Experiment], scaled: Reflections) -> CorrectedObservations:
    """The observations that enter merged data, on their common scale; rotation and direction are not told."""
    value, variance, is_used = on_common_scale(scaled)
    ids = scaled["experiment_id"]
    has_crystal = np.array([e.crystal is not None for e in experiments])
    rows = np.flatnonzero(is_used & scaled["hkl"].any(axis=1) & (ids >= 0))
    rows = rows[has_crystal[ids[rows]]]
    s2 = np.zeros(len(rows))
    for n, here in rows_by_experiment(ids[rows]).items():
        crystal = experiments[n].crystal
        assert crystal is not None
        s2[here] = np.sum((scaled["hkl"][rows[here]] @ crystal.A.T) ** 2, axis=1)
    nowhere = np.zeros((len(rows), 3))
    return CorrectedObservations(
        scaled["hkl"][rows], value[rows], np.sqrt(variance[rows]), s2, ids[rows], nowhere[:, 0], nowhere
    )


def unusable_for_symmetry(reflections: Reflections, measured: tuple[np.ndarray, np.ndarray]) -> dict[str, np.ndarray]:
    """By its reason, (N,) bool, what says nothing of symmetry; measured : intensity and variance (N,)."""
    intensity, variance = measured
    unknown = ~((variance > 0) & np.isfinite(intensity))
    partial = np.zeros(len(reflections), bool)
    if "partiality" in reflections:
        partial = ~(reflections["partiality"] > MIN_PARTIALITY)
    found = {
        "not indexed": ~((reflections["experiment_id"] >= 0) & np.any(reflections["hkl"] != 0, axis=1)),
        "overloaded": reflections.has_any_flag(Flag.OVERLOADED | Flag.DONT_INTEGRATE),
        "not integrated": unknown,
        "recorded in part only": partial,
        "far below zero": ~(intensity > MIN_I_OVER_SIGMA * np.sqrt(np.where(variance > 0, variance, 1.0))),
        "not of the shape of a spot": has_bad_pixels(reflections, intensity, variance),
    }
    good = ~np.any(list(found.values()), axis=0)
    placing = reflections.without(*(name for name in reflections if name not in PLACING))
    blank = np.zeros(len(reflections), bool)
    blank[good] = _is_blank(placing[good], intensity[good] / np.sqrt(variance[good]))
    return {**found, "on images without signal": blank}


def not_compared(reflections: Reflections, n_compared: int, beyond: str) -> LeftOut:
    """Why observations were not compared; beyond : why, for those that are usable and were not."""
    rules = unusable_for_symmetry(reflections, _intensities(reflections))
    bad = np.any(list(rules.values()), axis=0)
    n_good = len(reflections) - int(np.count_nonzero(bad))
    return commonest_first([*first_reasons(bad, rules.items(), ""), (beyond, n_good - n_compared)])


def _is_blank(reflections: Reflections, i_over_sigma: np.ndarray) -> np.ndarray:
    """(N,) bool: on an image without diffraction, each experiment judged by itself."""
    column = next((c for c in ("xyz_cal_px", "xyz_obs_px") if c in reflections), None)
    if column is None:
        return np.zeros(len(reflections), bool)
    frame = reflections[column][:, 2]
    ids = reflections["experiment_id"]
    span = reflections["bbox"][:, 4:] if "bbox" in reflections else None
    blank = np.zeros(len(frame), bool)
    for here in rows_by_experiment(ids).values():
        blank[here] = is_on_blank_image(frame[here], i_over_sigma[here], None if span is None else span[here])
    return blank


def _intensities(reflections: Reflections) -> tuple[np.ndarray, np.ndarray]:
    """Intensity and variance of every row, without LP correction; variance 0 where there is none."""
    integrated = "intensity_prf" in reflections or reflections.has_any_flag(Flag.INTEGRATED_SUM).any()
    value, variance = reflections["intensity_sum"], reflections["variance_sum"]
    if not integrated:
        return value, variance
    share = share_of(reflections, "sum")
    value, variance = value / share, variance / share**2
    variance = np.where(reflections.has_flag(Flag.INTEGRATED_SUM), variance, 0.0)
    if "intensity_prf" in reflections:
        fitted = reflections.has_flag(Flag.INTEGRATED_PRF) & (reflections["variance_prf"] > 0)
        if fitted.sum() > 0.5 * (variance > 0).sum():
            return reflections["intensity_prf"], np.where(fitted, reflections["variance_prf"], 0.0)
    return value, variance


def has_bad_pixels(reflections: Reflections, intensity: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """(N,) bool: strong, but unlike a spot: a hot pixel, an ice crystal or a shadow's edge.

    Strong reflections (I/sigma > 10) whose profile correlates below 0.5 with the pixels, and any whose
    profile-fitted and summed intensities differ by more than 6 sigma and 30%. One such pixel in a
    weak reflection costs a symmetry element more CC than thousands of good pairs gain.
    """
    bad = np.zeros(len(reflections), bool)
    sigma = np.sqrt(np.maximum(variance, 0.0))
    if "profile_correlation" in reflections and "intensity_prf" in reflections:
        strong = intensity > STRONG_I_OVER_SIGMA * sigma
        bad |= strong & (reflections["profile_correlation"] < MIN_STRONG_CORRELATION)
    if "intensity_prf" in reflections and "partiality" in reflections:
        summed = reflections["intensity_sum"] / share_of(reflections, "sum")
        spread = np.sqrt(np.maximum(reflections["variance_prf"] + reflections["variance_sum"], 0.0))
        difference = np.abs(reflections["intensity_prf"] - summed)
        both = reflections.has_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)
        bad |= both & (difference > MAX_DISAGREEMENT * spread) & (difference > 0.3 * np.abs(summed))
    return bad


def _of_experiment(
    n: int,
    experiment: Experiment,
    reflections: Reflections,
    rows: np.ndarray,
    measured: tuple[np.ndarray, np.ndarray],
) -> CorrectedObservations:
    assert experiment.crystal is not None
    intensity, variance = measured
    hkl = reflections["hkl"][rows]
    q = hkl @ experiment.crystal.A.T
    phi, direction = np.zeros(len(rows)), np.zeros((len(rows), 3))
    if knows_directions(reflections):
        phi = reflections["xyz_cal_mm" if "xyz_cal_mm" in reflections else "xyz_obs_mm"][rows, 2]
        s1 = reflections["s1"][rows]
        factor = _lp_over_qe(experiment, reflections, rows, s1)
        direction = crystal_from_lab(experiment.goniometer, phi, s1 / np.linalg.norm(s1, axis=1, keepdims=True))
    else:
        factor = reflections["lp"][rows] / reflections["qe"][rows]
    return CorrectedObservations(
        hkl,
        intensity[rows] * factor,
        np.sqrt(variance[rows]) * factor,
        np.einsum("ij,ij->i", q, q),
        np.full(len(rows), n),
        phi,
        direction,
    )


def knows_directions(reflections: Reflections) -> bool:
    """Whether rotation and direction of each reflection are known, as they are unless another program left them out."""
    return "s1" in reflections and ("xyz_cal_mm" in reflections or "xyz_obs_mm" in reflections)


def _lp_over_qe(experiment: Experiment, reflections: Reflections, rows: np.ndarray, s1: np.ndarray) -> np.ndarray:
    """What a measured intensity is multiplied by."""
    if "lp" not in reflections:
        return lorentz_polarisation(experiment.beam, experiment.goniometer, s1)
    lp = reflections["lp"][rows]
    return lp / reflections["qe"][rows] if "qe" in reflections else lp
