"""How far an observation lies from the other observations of its reflection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.models.reflections import Flag, Reflections


@dataclass(frozen=True, slots=True, eq=False)
class AgainstOthers:
    """Of each of N observations, by the others of its group that are used; NaN where there are none.

    n : (N,) how many others; mean, sigma : (N,) their weighted mean and its standard uncertainty
    deviation : (N,) how far it lies from that mean, in standard uncertainties of the difference
    """

    n: np.ndarray
    mean: np.ndarray
    sigma: np.ndarray
    deviation: np.ndarray


def against_others(value: np.ndarray, variance: np.ndarray, is_used: np.ndarray, group: np.ndarray) -> AgainstOthers:
    """Compare each observation with the others.

    value, variance : (N,) on the common scale; is_used : (N,) bool, observations that count for others, variance > 0
    group : (N,) intp, observations of a group measure the same reflection
    """
    weight = np.where(is_used, 1.0 / np.where(is_used, variance, 1.0), 0.0)
    weighted = weight * np.where(is_used, value, 0.0)
    n = np.bincount(group, is_used)[group].astype(int) - is_used
    total = np.where(n > 0, np.bincount(group, weight)[group] - weight, np.nan)
    mean = (np.bincount(group, weighted)[group] - weighted) / total
    of_difference = np.sqrt(np.where(variance > 0, variance, np.nan) + 1.0 / total)
    return AgainstOthers(n, mean, total**-0.5, (value - mean) / of_difference)


def on_common_scale(table: Reflections) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N,) intensity and variance of scaled reflections, NaN without a scale, and whether scaling accepts each."""
    scale = np.where(table["inverse_scale"] > 0, table["inverse_scale"], np.nan)
    value, variance = table["intensity_scale"] / scale, table["variance_scale"] / scale**2
    return value, variance, ~table.has_any_flag(Flag.BAD_FOR_SCALING) & (variance > 0) & np.isfinite(value)
