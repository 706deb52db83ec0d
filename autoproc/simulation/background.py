"""What is on an image besides the crystal's spots: diffuse scattering, ice, the beam stop's shadow."""

from __future__ import annotations

import numpy as np

from autoproc.models.experiment import Panel
from autoproc.simulation.params import SimulateParams
from autoproc.simulation.spots import Rays, polarization, sensor_efficiency

# Powder rings of hexagonal ice: d in Angstrom and relative heights.
ICE_RINGS = np.array([
    (3.897, 1.0), (3.669, 0.75), (3.441, 0.6), (2.671, 0.2), (2.249, 0.35),
    (2.072, 0.3), (1.951, 0.08), (1.918, 0.25), (1.883, 0.12), (1.721, 0.05),
])  # fmt: skip
ICE_RING_WIDTH = 0.0015
SOLVENT_D, SOLVENT_WIDTH = 3.4, 0.055
DIFFUSE_WIDTH = 0.45
STOP_TRANSMISSION = 0.01
ARM_WIDTH_MM = 1.0


def pixel_directions(panel: Panel) -> np.ndarray:
    """(slow, fast, 3) unit vectors from the sample to every pixel's centre."""
    n_fast, n_slow = panel.image_size
    x = (np.arange(n_fast) + 0.5) * panel.pixel_size[0]
    y = (np.arange(n_slow) + 0.5) * panel.pixel_size[1]
    laboratory = panel.origin + x[None, :, None] * panel.fast_axis + y[:, None, None] * panel.slow_axis
    return laboratory / np.linalg.norm(laboratory, axis=2, keepdims=True)


def diffuse_background(params: SimulateParams, panel: Panel, beam: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(slow, fast) mean photons of an image without its spots: air and loop, solvent ring, ice rings."""
    s1 = pixel_directions(panel)
    inverse_d = np.linalg.norm(s1 - beam, axis=2) / params.wavelength
    level = 0.1 + 0.9 * np.exp(-((inverse_d / DIFFUSE_WIDTH) ** 2))
    level += params.solvent_ring * np.exp(-(((inverse_d - 1 / SOLVENT_D) / SOLVENT_WIDTH) ** 2))
    if params.ice > 0:
        texture = _ring_texture(s1, rng)
        for d, height in ICE_RINGS:
            level += params.ice * height * texture * np.exp(-0.5 * ((inverse_d - 1 / d) / ICE_RING_WIDTH) ** 2)
    seen = sensor_efficiency(panel, np.abs(s1 @ panel.normal)) * polarization(s1, beam, params.polarization_fraction)
    return params.background * level * seen


def _ring_texture(s1: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Variation of a powder ring with azimuth: crystallites are few and prefer directions."""
    azimuth = np.arctan2(s1[..., 1], s1[..., 0])
    texture = np.ones(azimuth.shape)
    for order in range(1, 7):
        texture += 0.15 * rng.standard_normal() * np.cos(order * azimuth + rng.uniform(0, 2 * np.pi))
    return np.maximum(texture, 0.1)


def shadow(params: SimulateParams, panel: Panel, beam: np.ndarray) -> np.ndarray | None:
    """(slow, fast) transmission of the beam stop and its arm, which points up; None where it casts no shadow."""
    cosine = float(beam @ panel.normal)
    if params.beam_stop <= 0 or cosine * float(panel.origin @ panel.normal) <= 0:
        return None
    hit = beam * float(panel.origin @ panel.normal) / cosine - panel.origin
    n_fast, n_slow = panel.image_size
    x = (np.arange(n_fast) + 0.5) * panel.pixel_size[0] - hit @ panel.fast_axis
    y = ((np.arange(n_slow) + 0.5) * panel.pixel_size[1] - hit @ panel.slow_axis)[:, None]
    soft = panel.pixel_size[0]
    disc = np.clip((np.hypot(x, y) - params.beam_stop) / soft + 0.5, 0, 1)
    arm = np.clip((np.abs(x) - ARM_WIDTH_MM / 2) / soft + 0.5, 0, 1)
    open_part = disc * np.where(y < 0, arm, 1.0)
    return STOP_TRANSMISSION + (1 - STOP_TRANSMISSION) * open_part


def ice_rays(params: SimulateParams, beam: np.ndarray, rng: np.random.Generator) -> tuple[Rays, np.ndarray]:
    """Spots of single crystallites of ice on one image: their rays and photons."""
    n = rng.poisson(params.ice_spots)
    ring = rng.choice(len(ICE_RINGS), n, p=ICE_RINGS[:, 1] / ICE_RINGS[:, 1].sum())
    two_theta = 2 * np.arcsin(np.clip(0.5 * params.wavelength / ICE_RINGS[ring, 0], 0, 1))
    azimuth = rng.uniform(0, 2 * np.pi, n)
    horizontal = np.array([1.0, 0.0, 0.0])
    vertical = np.cross(beam, horizontal)
    across = np.cos(azimuth)[:, None] * horizontal + np.sin(azimuth)[:, None] * vertical
    s1 = np.cos(two_theta)[:, None] * beam + np.sin(two_theta)[:, None] * across
    tangent = np.cross(across, beam)
    photons = 30.0 + 300.0 * rng.standard_exponential(n)
    ones = np.ones(n)
    return Rays(s1, ones, 0.5 * ones, tangent, 0.002 * ones, np.sin(two_theta), ones), photons
