"""Where the diffracted rays of an image fall, how wide the spots are and what part of a reflection is recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from autoproc.models.experiment import Panel
from autoproc.simulation.passages import bragg_angle_to_beam

LEAST_WIDTH_PX = 0.05
NOTHING = 1e-200


@dataclass(frozen=True, slots=True, eq=False)
class Rays:
    """Diffraction recorded during one image.

    s1 : (N, 3) unit vectors of the mean diffracted ray
    recorded : (N,) integral over the image of the rocking curve's density; 1 / |zeta| for a full reflection
    moment : (N,) mean time of it, 0 .. 1 from start to end of the image
    tangent : (N, 3) unit vectors along the powder ring, s1 x s0
    tangent_width : (N,) standard deviation of the ray's direction along it due to mosaicity, radians
    sin_two_theta, zeta : (N,)
    """

    s1: np.ndarray
    recorded: np.ndarray
    moment: np.ndarray
    tangent: np.ndarray
    tangent_width: np.ndarray
    sin_two_theta: np.ndarray
    zeta: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """Spots on the detector, px: centre (N, 2) and the covariances of their Gaussians xx, xy, yy (N, 3)."""

    centre: np.ndarray
    covariance: np.ndarray


def diffract(
    hkl: np.ndarray, settings: np.ndarray, angles: np.ndarray, s0: np.ndarray, *, axis: np.ndarray, mosaicity: float
) -> Rays:
    """Rays of reflections hkl (N, 3) during one image.

    settings : (K + 1, 3, 3) R(phi) U B at the edges of K equal parts of the image; angles : (K + 1,) phi, radians
    mosaicity : standard deviation, radians. A still has equal angles: it records the density of the rocking
    curve at its angle, as if it turned by one mosaic spread.
    """
    wavelength = 1.0 / float(np.linalg.norm(s0))
    beam = s0 * wavelength
    r = hkl @ np.swapaxes(settings, 1, 2)
    length = np.linalg.norm(r, axis=2)
    alpha_bragg = bragg_angle_to_beam(length, wavelength)
    eps = np.arccos(np.clip(r @ beam / length, -1, 1)) - alpha_bragg
    step = (
        np.diff(angles)[:, None]
        if angles[-1] != angles[0]
        else np.full((len(angles) - 1, 1), mosaicity / (len(angles) - 1))
    )
    part = np.abs(step) * _mean_density(eps[:-1], eps[1:], mosaicity)
    recorded = part.sum(axis=0)
    weight = (part + NOTHING) / (part + NOTHING).sum(axis=0)
    moment = (np.arange(len(part)) + 0.5) @ weight / len(part)
    middle = 0.5 * np.einsum("kn,knd->nd", weight, r[:-1] + r[1:])
    length, alpha_bragg = length.mean(axis=0), alpha_bragg.mean(axis=0)
    across = middle - (middle @ beam)[:, None] * beam
    across /= np.linalg.norm(across, axis=1)[:, None]
    on_sphere = length[:, None] * (np.cos(alpha_bragg)[:, None] * beam + np.sin(alpha_bragg)[:, None] * across)
    s1 = beam + wavelength * on_sphere
    s1 /= np.linalg.norm(s1, axis=1)[:, None]
    tangent = np.cross(s1, beam)
    sin_two_theta = np.linalg.norm(tangent, axis=1)
    tangent /= sin_two_theta[:, None]
    return Rays(s1, recorded, moment, tangent, mosaicity * wavelength * length, sin_two_theta, tangent @ axis)


def _mean_density(low: np.ndarray, high: np.ndarray, sigma: float) -> np.ndarray:
    """Mean of a Gaussian's density between two deviations that change linearly."""
    span = high - low
    narrow = np.abs(span) < 1e-3 * sigma
    centre = 0.5 * (low + high) / sigma
    density = np.exp(-0.5 * centre**2) / (np.sqrt(2 * np.pi) * sigma)
    integral = ndtr(high / sigma) - ndtr(low / sigma)
    return np.where(narrow, density, integral / np.where(narrow, 1.0, span))


def land(rays: Rays, panel: Panel, divergence: float) -> Footprint:
    """Spots of the rays on the panel; divergence is the standard deviation of the rays' directions, radians.

    A photon is absorbed at an exponentially distributed depth along its ray in the sensor: the spot moves by
    the mean of that depth and grows along the ray's projection by its standard deviation. Rays that miss the
    panel's plane get NaN.
    """
    in_plane = rays.s1 @ np.column_stack([panel.fast_axis, panel.slow_axis])
    cosine = rays.s1 @ panel.normal
    origin_height = float(panel.origin @ panel.normal)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(cosine * origin_height > 0, origin_height / cosine, np.nan)
    offset = panel.origin @ np.column_stack([panel.fast_axis, panel.slow_axis])
    depth, depth_variance = absorption_depth(panel, np.abs(cosine))
    centre = reach[:, None] * in_plane - offset + depth[:, None] * in_plane
    radial = np.cross(rays.s1, rays.tangent)
    covariance = depth_variance[:, None] * _outer(in_plane)
    along_ring = divergence**2 + rays.tangent_width**2
    for direction, variance in ((rays.tangent, along_ring), (radial, np.full(len(reach), divergence**2))):
        tilt = (direction @ panel.normal) / cosine
        moved = direction @ np.column_stack([panel.fast_axis, panel.slow_axis]) - tilt[:, None] * in_plane
        covariance += (variance * reach**2)[:, None] * _outer(moved)
    pixel = panel.pixel_size[0]
    return Footprint(centre / pixel, covariance / pixel**2 + np.array([1.0, 0.0, 1.0]) * LEAST_WIDTH_PX**2)


def _outer(v: np.ndarray) -> np.ndarray:
    """(N, 3) xx, xy, yy of vectors (N, 2)."""
    return np.stack([v[:, 0] ** 2, v[:, 0] * v[:, 1], v[:, 1] ** 2], axis=1)


def absorption_depth(panel: Panel, cosine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance, mm and mm**2, of the path in the sensor of the photons that it absorbs."""
    if not panel.has_parallax:
        return np.zeros_like(cosine), np.zeros_like(cosine)
    x = panel.mu * panel.thickness / np.maximum(cosine, 1e-3)
    escaped = np.exp(-x)
    mean = 1 - x * escaped / (1 - escaped)
    square = 2 - escaped * x * (x + 2) / (1 - escaped)
    return mean / panel.mu, np.maximum(square - mean**2, 0.0) / panel.mu**2


def sensor_efficiency(panel: Panel, cosine: np.ndarray) -> np.ndarray:
    """Part of the photons that the sensor absorbs, for rays at that cosine to its normal."""
    if not panel.has_parallax:
        return np.ones_like(cosine)
    return 1 - np.exp(-panel.mu * panel.thickness / np.maximum(cosine, 1e-3))


def polarization(s1: np.ndarray, beam: np.ndarray, fraction: float) -> np.ndarray:
    """Polarisation factor of unit vectors s1 (N, 3) for a beam whose electric field is horizontal (X) in `fraction`.

    Scattering from a field E goes as 1 - (s1 . E)^2; the rest of the beam has its field vertical.
    """
    vertical = np.cross(beam, np.array([1.0, 0.0, 0.0]))
    return fraction * (1 - s1[..., 0] ** 2) + (1 - fraction) * (1 - (s1 @ vertical) ** 2)
