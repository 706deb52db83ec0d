"""Summation and profile fitting of shoeboxes, and the equations for learning profiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.kernels import _integrate_fit
from autoproc.kernels import arguments as given
from autoproc.kernels.integrate_background import Background
from autoproc.kernels.integrate_shoebox import Shoeboxes

MOST_GRID = 64
"""Points of a profile's grid along a side: the normal matrix has the fourth power of it."""

MOST_PIXELS = 1 << 30
"""Of a shoebox; those that take much memory already have 10^5."""


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """One row for each shoebox, in the order of _integrate_fit.measure_shoeboxes.

    table : (N, 17) float64
    """

    table: np.ndarray

    @property
    def intensity_sum(self) -> np.ndarray:
        """Photons that the frames of the scan recorded, corrected for what the peak's mask leaves out."""
        return self.table[:, 0]

    @property
    def variance_sum(self) -> np.ndarray:
        """Its variance; -1 where there was nothing to sum."""
        return self.table[:, 1]

    @property
    def intensity_prf(self) -> np.ndarray:
        """Photons of the whole reflection by profile fitting, the part outside the scan included."""
        return self.table[:, 2]

    @property
    def variance_prf(self) -> np.ndarray:
        """Its variance; -1 where there was nothing to fit."""
        return self.table[:, 3]

    @property
    def captured(self) -> np.ndarray:
        """Fraction of the whole reflection in the valid pixels of its peak."""
        return self.table[:, 4]

    @property
    def valid_fraction(self) -> np.ndarray:
        """Fraction of the peak, by flux, on pixels that are trusted and not another's."""
        return self.table[:, 5]

    @property
    def partiality(self) -> np.ndarray:
        """Fraction of the rocking curve within the scan."""
        return self.table[:, 6]

    @property
    def n_foreground(self) -> np.ndarray:
        """Pixels of the peak."""
        return self.table[:, 7]

    @property
    def n_bad(self) -> np.ndarray:
        """Untrusted or overloaded pixels of the peak."""
        return self.table[:, 8]

    @property
    def n_overloaded(self) -> np.ndarray:
        """Overloaded pixels of the peak."""
        return self.table[:, 9]

    @property
    def correlation(self) -> np.ndarray:
        """Pearson correlation of pixels and profile."""
        return self.table[:, 10]

    @property
    def background_sum(self) -> np.ndarray:
        """Background under the peak, photons."""
        return self.table[:, 11]

    @property
    def background_variance(self) -> np.ndarray:
        """Its variance."""
        return self.table[:, 12]

    @property
    def centroid(self) -> np.ndarray:
        """(N, 3) px, px, frame; the predicted position where I/sigma < 3."""
        return self.table[:, 13:16]

    @property
    def n_used(self) -> np.ndarray:
        """Pixels of the peak that were summed."""
        return self.table[:, 16]


def measure_shoeboxes(
    boxes: Shoeboxes,
    background: Background,
    profiles: np.ndarray,
    which: np.ndarray,
    spacing: float,
    mean_intensity: np.ndarray,
    radius: float,
    gain: float,
    n_images: int,
    missing_error: float,
    noise: float = 0.0,
    is_fitted: bool = True,
) -> Measurements:
    """Sum and fit every shoebox.

    profiles : (R, G, G) B-spline coefficients of densities in (eps2, eps1), per sigma_b squared
    which : (N,) profile of each shoebox; spacing : of the grid, sigma_b
    mean_intensity : (N,) photons, of whole reflections like each: steadies the variances of weak ones; negative
        where it is not known
    radius : of the peak, sigma; gain : counts per photon's variance
    noise : variance of a pixel beside that of counting, counts^2
    missing_error : relative error of the flux on missing pixels, added to the variances
    is_fitted : else they are only summed, which takes half the time, and look as if there were nothing to fit
    """
    n = len(boxes)
    profiles = given.floats(profiles, (None, None, None), "profiles")
    if profiles.shape[1] != profiles.shape[2]:
        raise ValueError(f"profiles must be (R, G, G), not {profiles.shape}")
    which = given.rows(which, len(profiles), "which")
    if len(which) != n:
        raise ValueError(f"{len(which)} profiles are named for {n} shoeboxes")
    mean, dispersion = (given.floats(a, (n,), "background") for a in (background.mean, background.dispersion))
    gain = given.positive(gain, "gain")
    table = np.zeros((n, _integrate_fit.N_RESULTS))
    if n == 0:
        return Measurements(table)
    _integrate_fit.measure_shoeboxes(
        boxes.start, boxes.counts, boxes.label, boxes.bbox, boxes.centre, boxes.transform, boxes.rate,
        mean, dispersion, given.counts(background.n_used, (n,), "n_used"), profiles, which,
        given.positive(spacing, "spacing"), given.floats(mean_intensity, (n,), "mean_intensity"),
        given.number(radius, "radius"), gain,
        given.number(noise, "noise", 0.0) / gain, given.number(n_images, "n_images"),
        given.number(missing_error, "missing_error"),
        is_fitted, _largest_box(boxes), table,
    )  # fmt: skip
    return Measurements(table)


def profile_equations(
    boxes: Shoeboxes,
    background: Background,
    rows: np.ndarray,
    intensity: np.ndarray,
    grid_size: int,
    spacing: float,
    gain: float,
    model_error: float,
    noise: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Normal matrix (G*G, G*G) and right-hand side (G*G,) for the profile that shoeboxes `rows` share.

    intensity : (N,) of the whole reflections, photons
    model_error : relative scatter of real profiles about a common one
    """
    n = len(boxes)
    grid_size, gain = given.whole(grid_size, 4, MOST_GRID, "grid_size"), given.positive(gain, "gain")
    normal, right = np.zeros((grid_size**2, grid_size**2)), np.zeros(grid_size**2)
    _integrate_fit.accumulate_profile(
        given.rows(rows, n, "rows"), boxes.start, boxes.counts, boxes.label, boxes.bbox, boxes.centre,
        boxes.transform, boxes.rate, given.floats(background.mean, (n,), "background"),
        given.floats(intensity, (n,), "intensity"), given.positive(spacing, "spacing"), gain,
        given.number(noise, "noise", 0.0) / gain, given.number(model_error, "model_error"),
        _largest_box(boxes), normal, right,
    )  # fmt: skip
    return normal, right


def _largest_box(boxes: Shoeboxes) -> int:
    """Pixels of it; they are counted in 32 bits."""
    largest = int(np.diff(boxes.start).max(initial=0))
    return given.whole(largest, 0, MOST_PIXELS, "pixels of a shoebox")
