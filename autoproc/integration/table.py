"""The table of integrated reflections from what was predicted and measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.geometry.corrections import lorentz_polarisation, sensor_efficiency
from autoproc.geometry.detector import mm_from_s1, px_to_mm
from autoproc.integration.passes import MeasuredReflections
from autoproc.integration.predict import Predictions
from autoproc.kernels.integrate_fit import Measurements
from autoproc.models.experiment import Experiment
from autoproc.models.left_out import LeftOut, first_reasons
from autoproc.models.reflections import Flag, Reflections


def integrated_table(
    experiments: Sequence[Experiment],
    predictions: Predictions,
    measured: MeasuredReflections,
    bbox: np.ndarray,
    flags: np.ndarray,
    min_valid: float,
) -> Reflections:
    """All predicted reflections of the lattices of one sweep with what was measured; flags (N,) are those known before.

    A reflection is integrated where at least min_valid of its peak, by flux, is on good pixels,
    none overloaded, its background is known, and it does not hold photons of something else. Values
    of the others are 0 with a variance of -1.
    """
    m, background = measured.measurements, measured.background
    good = (m.valid_fraction >= min_valid) & (m.n_overloaded == 0) & background.is_known
    good &= ~_is_alien(m) & ~(measured.is_contested & holds_neighbours_photons(m))
    is_summed = good & (m.variance_sum > 0)
    is_fitted = good & (m.variance_prf > 0)
    sweep = experiments[0]
    columns = {
        "hkl": predictions.hkl,
        "experiment_id": predictions.experiment,
        "imageset_id": np.zeros(len(predictions), np.int32),
        "panel": np.zeros(len(predictions), np.uint64),
        "flags": _flags(flags, measured, good, is_summed, is_fitted),
        "bbox": bbox,
        "s1": predictions.s1,
        "entering": predictions.entering,
        "intensity_sum": np.where(is_summed, m.intensity_sum, 0.0),
        "variance_sum": np.where(is_summed, m.variance_sum, -1.0),
        "intensity_prf": np.where(is_fitted, m.intensity_prf, 0.0),
        "variance_prf": np.where(is_fitted, m.variance_prf, -1.0),
        "background_mean": np.nan_to_num(background.mean),
        "background_sum": m.background_sum,
        "background_variance": m.background_variance,
        "partiality": m.partiality,
        "lp": lorentz_polarisation(sweep.beam, sweep.goniometer, predictions.s1),
        "qe": sensor_efficiency(sweep.detector[0], predictions.s1),
        "zeta": predictions.zeta,
        "d": predictions.d,
        "n_background": background.n_pixels,
        "n_background_used": background.n_used,
        "n_foreground": m.n_foreground,
        "n_valid": background.n_used + m.n_used,
        "profile_correlation": np.where(is_fitted, m.correlation, 0.0),
        "partial_id": np.arange(len(predictions)),
        **_positions(sweep, predictions, m.centroid, m.intensity_sum, m.variance_sum),
    }
    return Reflections(columns, {i: e.identifier for i, e in enumerate(experiments)})


def not_integrated(table: Reflections) -> LeftOut:
    """Why reflections that were predicted could not be integrated."""
    lost = ~table.has_any_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)
    rules = (
        ("with overloaded pixels", table.has_flag(Flag.OVERLOADED)),
        ("without enough background", table.has_flag(Flag.FAILED_DURING_BACKGROUND_MODELLING)),
        ("on bad, hot or shadowed pixels or beyond the edge", table.has_flag(Flag.FOREGROUND_INCLUDES_BAD_PIXELS)),
        ("beneath a neighbour", table.has_flag(Flag.OVERLAPPED_FG)),
    )
    return first_reasons(lost, rules, "not of the shape of a reflection")


ALIEN_SIGMA, ALIEN_CORRELATION = 10.0, 0.25


def _is_alien(m: Measurements) -> np.ndarray:
    """(N,) bool: strong, and not at all of the shape of a reflection.

    The profile's correlation is above 0.8 for I/sigma above 10 wherever the photons are the
    reflection's own. What is not predicted can lie in a peak: other crystals, and the long-lasting
    reflections near the spindle.
    """
    is_strong = (m.variance_prf > 0) & (m.intensity_prf > ALIEN_SIGMA * np.sqrt(np.maximum(m.variance_prf, 0)))
    return is_strong & (m.correlation < ALIEN_CORRELATION)


MIXED_SIGMA, MIXED_CORRELATION, MIXED_PART = 5.0, 0.7, 0.7


def holds_neighbours_photons(m: Measurements) -> np.ndarray:
    """(N,) bool: stronger than its pixels' correlation with the profile bears out.

    A correlation r over n pixels is t = r sqrt((n - 2) / (1 - r^2)) standard deviations from none, which is I/sigma
    where counting is all that scatters. A weak reflection beside a strong one, whose tail it takes for its own, has
    less. (Above 0.7 the correlation is limited by the profile, and says nothing of neighbours.)
    """
    r = np.clip(m.correlation, 0.0, 0.99)
    t = r * np.sqrt(np.maximum(m.n_used - 2, 1) / (1 - r**2))
    signal = m.intensity_prf / np.sqrt(np.where(m.variance_prf > 0, m.variance_prf, np.inf))
    return (signal > MIXED_SIGMA) & (r < MIXED_CORRELATION) & (t < MIXED_PART * signal)


def _positions(
    experiment: Experiment, predictions: Predictions, observed: np.ndarray, intensity: np.ndarray, variance: np.ndarray
) -> dict[str, np.ndarray]:
    """Calculated and observed positions in px and mm; the sweep's lattices share panel and scan.

    Calculated mm are where s1 meets the panel: from px back to mm the way is not the same to a tenth of a micrometre.
    """
    panel, scan = experiment.detector[0], experiment.scan
    scale = np.array([*panel.pixel_size, np.radians(scan.oscillation[1])])
    spread = 1 / 12 + 1.0 / np.maximum(intensity**2 / np.maximum(variance, 1e-6), 1e-2)
    px_variance = np.repeat(spread[:, None], 3, axis=1)

    def in_mm(xyz: np.ndarray) -> np.ndarray:
        return np.column_stack([px_to_mm(panel, xyz[:, :2]), scan.phi_at(xyz[:, 2])])

    return {
        "xyz_cal_px": predictions.xyz,
        "xyz_cal_mm": np.column_stack([mm_from_s1(panel, predictions.s1), scan.phi_at(predictions.xyz[:, 2])]),
        "xyz_obs_px": observed,
        "xyz_obs_px_variance": px_variance,
        "xyz_obs_mm": in_mm(observed),
        "xyz_obs_mm_variance": px_variance * scale**2,
    }


def _flags(
    known: np.ndarray, measured: MeasuredReflections, good: np.ndarray, is_summed: np.ndarray, is_fitted: np.ndarray
) -> np.ndarray:
    m, background = measured.measurements, measured.background
    flags = known.copy()
    for flag, where in (
        (Flag.INTEGRATED_SUM, is_summed),
        (Flag.INTEGRATED_PRF, is_fitted),
        (Flag.OVERLOADED, m.n_overloaded > 0),
        (Flag.OVERLAPPED_FG, measured.is_contested),
        (Flag.FOREGROUND_INCLUDES_BAD_PIXELS, m.n_bad > 0),
        (Flag.BACKGROUND_INCLUDES_BAD_PIXELS, background.n_used < background.n_pixels),
        (Flag.REFERENCE_SPOT, measured.is_reference),
        (Flag.USED_IN_MODELLING, measured.is_reference),
        (Flag.FAILED_DURING_BACKGROUND_MODELLING, ~background.is_known),
        (Flag.FAILED_DURING_SUMMATION, ~is_summed),
        (Flag.FAILED_DURING_PROFILE_FITTING, ~is_fitted),
    ):
        flags[where] |= np.uint64(flag)
    return flags
