"""One block of shoeboxes: background, summation, learning of profiles, fitting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from autoproc.geometry.shells import shells_of_equal_number
from autoproc.integration.profiles import GRID_SIZE, SPACING, Equations, gaussian_coefficients
from autoproc.kernels.integrate_background import Background, constant_background
from autoproc.kernels.integrate_fit import Measurements, measure_shoeboxes, profile_equations
from autoproc.kernels.integrate_shoebox import Shoeboxes
from autoproc.threads import map_in_order

CHUNK = 256
"""Reflections a thread works on at a time; results do not depend on it. Of usual shoeboxes these are some 3 MB, which
stay near the processor between background and sums."""
MODEL_ERROR = 0.05
"""Relative scatter of single strong spots about their common profile: no spot dominates it."""
SHELL = 100
"""Reflections whose mean intensity is taken for that of their resolution."""
MIN_STRONG, MIN_COMPLETE, MIN_ZETA = 10.0, 0.98, 0.2
"""A spot teaches profiles with I/sigma above, and recorded fraction and valid fraction above, and |zeta| above."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """What measuring needs to know.

    radius : of a peak, sigma; gain : variance of counts over their mean; n_images : of the scan
    missing_error : relative error of flux that is inferred, not seen
    min_pixels : of background; n_threads : 0 for every core
    noise : variance of a pixel beside that of counting, counts^2
    """

    radius: float
    gain: float
    n_images: int
    missing_error: float
    min_pixels: int
    n_threads: int
    noise: float = 0.0


def chunks(n: int) -> list[tuple[int, int]]:
    """[first, last) ranges of at most CHUNK rows."""
    return [(i, min(i + CHUNK, n)) for i in range(0, n, CHUNK)]


def first_look(boxes: Shoeboxes, how: Measuring) -> tuple[Background, Measurements]:
    """Robust background of every shoebox, and its sum with the Gaussian profile, before any is learnt."""
    gaussian = gaussian_coefficients()[None]

    def look(chunk: tuple[int, int]) -> tuple[Background, np.ndarray]:
        part, n = boxes.part(*chunk), chunk[1] - chunk[0]  # whose pixels are near at hand for both
        background = constant_background(part, how.min_pixels, how.gain, how.noise)
        sums = measure_shoeboxes(
            part, background, gaussian, np.zeros(n, np.intp), SPACING, np.full(n, -1.0), how.radius, how.gain,
            how.n_images, how.missing_error, how.noise, is_fitted=False,
        )  # fmt: skip
        return background, sums.table

    backgrounds, tables = zip(*map_in_order(look, chunks(len(boxes)), how.n_threads), strict=True)
    return joined_backgrounds(backgrounds), Measurements(np.concatenate(tables))


def block_measurements(
    boxes: Shoeboxes, background: Background, profiles: np.ndarray, which: np.ndarray, mean: np.ndarray, how: Measuring
) -> Measurements:
    """Sum and fit every shoebox with the profile that `which` (N,) gives it.

    mean : (N,) intensity to be expected of each, -1 where nothing is known
    """

    def measure(chunk: tuple[int, int]) -> np.ndarray:
        part = slice(*chunk)
        known = Background(*(getattr(background, f.name)[part] for f in fields(Background)))
        return measure_shoeboxes(
            boxes.part(*chunk), known, profiles, which[part], SPACING, mean[part], how.radius, how.gain, how.n_images,
            how.missing_error, how.noise,
        ).table  # fmt: skip

    return Measurements(np.concatenate(list(map_in_order(measure, chunks(len(boxes)), how.n_threads))))


def mean_intensities(first: Measurements, d: np.ndarray) -> np.ndarray:
    """(N,) mean intensity of the reflections at each one's resolution, from a first measurement.

    -1 where there are too few to tell.
    """
    known = (first.variance_sum > 0) & (first.valid_fraction > 0.5) & (first.partiality > 0.2)
    rows = np.flatnonzero(known)
    if len(rows) < SHELL:
        return np.full(len(d), -1.0)
    s2 = d**-2
    shells = [rows[shell] for shell in shells_of_equal_number(s2[rows], SHELL)]
    whole = first.intensity_sum / np.maximum(first.partiality, 0.2)
    return np.interp(s2, [s2[s].mean() for s in shells], [max(whole[s].mean(), 0.0) for s in shells])


def block_equations(
    boxes: Shoeboxes,
    background: Background,
    first: Measurements,
    zeta: np.ndarray,
    contested: np.ndarray,
    region: np.ndarray,
    n_regions: int,
    how: Measuring,
) -> tuple[Equations, np.ndarray]:
    """Normal equations of the profiles from this block's strong spots, and (N,) bool which these are.

    region : (N,) profile that each shoebox contributes to
    """
    sigma = np.sqrt(np.maximum(first.variance_sum, 1e-6))
    teaches = (
        (first.variance_sum > 0)
        & (first.intensity_sum > MIN_STRONG * sigma)
        & background.is_known
        & (first.partiality > MIN_COMPLETE)
        & (first.valid_fraction > MIN_COMPLETE)
        & (first.n_overloaded == 0)
        & (np.abs(zeta) > MIN_ZETA)
        & (contested == 0)
    )
    total = Equations.empty(n_regions)

    def learn(index: int) -> tuple[np.ndarray, np.ndarray, int]:
        rows = np.flatnonzero(teaches & (region == index))
        normal, right = profile_equations(
            boxes, background, rows, first.intensity_sum, GRID_SIZE, SPACING, how.gain, MODEL_ERROR, how.noise
        )
        return normal, right, len(rows)

    for index, (normal, right, n_spots) in enumerate(map_in_order(learn, range(n_regions), how.n_threads)):
        total.normal[index], total.right[index], total.n_spots[index] = normal, right, n_spots
    return total, teaches


def joined_backgrounds(parts: Sequence[Background]) -> Background:
    """Those of reflections one after the other."""
    return Background(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Background)))
