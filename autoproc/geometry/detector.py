"""Detector geometry: pixels, millimetres (with parallax) and diffracted wave vectors."""

from __future__ import annotations

import numpy as np

from autoproc.kernels.spot_positions import lab_positions
from autoproc.models.experiment import Beam, Detector, Panel


def parallax_shift(panel: Panel, xy_mm: np.ndarray) -> np.ndarray:
    """Displacement of a spot by its mean absorption depth in the sensor.

    xy_mm : (..., 2), mm. Returns (..., 2), mm along fast and slow: o (s1 . fast, s1 . slow) with
    o = 1/mu - (t/cos + 1/mu) exp(-mu t/cos), t the sensor thickness and cos the cosine of the angle
    between s1 and the panel's normal, as dxtbx has it (Parkhurst 2014). Zero without a sensor.
    """
    xy_mm = np.asarray(xy_mm, float)
    if not panel.has_parallax:
        return np.zeros_like(xy_mm)
    s1 = lab_from_mm(panel, xy_mm)
    s1 /= np.linalg.norm(s1, axis=-1, keepdims=True)
    path = panel.thickness / np.abs(s1 @ panel.normal)
    depth = 1 / panel.mu - (path + 1 / panel.mu) * np.exp(-panel.mu * path)
    return depth[..., None] * np.stack([s1 @ panel.fast_axis, s1 @ panel.slow_axis], axis=-1)


def lab_from_mm(panel: Panel, xy_mm: np.ndarray) -> np.ndarray:
    """(..., 3) laboratory position, mm, of (..., 2) positions on the panel, mm."""
    xy_mm = np.asarray(xy_mm, float)
    return panel.origin + xy_mm[..., :1] * panel.fast_axis + xy_mm[..., 1:2] * panel.slow_axis


def px_to_mm(panel: Panel, xy_px: np.ndarray) -> np.ndarray:
    """Position where a ray entered the sensor, (..., 2) mm, from where it was seen, (..., 2) px."""
    xy_mm = np.asarray(xy_px, float) * np.asarray(panel.pixel_size)
    return xy_mm - parallax_shift(panel, xy_mm)


def lab_of_spots(detector: Detector, panel: np.ndarray, xy_px: np.ndarray) -> np.ndarray:
    """(N, 3) laboratory position, mm, where the rays of spots at (N, 2) px on panels (N,) entered the sensor."""
    panels = [
        (*p.origin, *p.fast_axis, *p.slow_axis, *p.normal, *p.pixel_size, p.thickness, p.mu) for p in detector.panels
    ]
    return lab_positions(xy_px, panel, np.array(panels))


def mm_to_px(panel: Panel, xy_mm: np.ndarray) -> np.ndarray:
    """Position where a ray is seen, (..., 2) px, from where it enters the sensor, (..., 2) mm."""
    xy_mm = np.asarray(xy_mm, float)
    return (xy_mm + parallax_shift(panel, xy_mm)) / np.asarray(panel.pixel_size)


def s1_from_mm(panel: Panel, beam: Beam, xy_mm: np.ndarray) -> np.ndarray:
    """(..., 3) diffracted wave vectors, 1/Angstrom, through (..., 2) positions in mm."""
    lab = lab_from_mm(panel, xy_mm)
    return lab / (np.linalg.norm(lab, axis=-1, keepdims=True) * beam.wavelength)


def s1_from_px(panel: Panel, beam: Beam, xy_px: np.ndarray) -> np.ndarray:
    """(..., 3) diffracted wave vectors, 1/Angstrom, of (..., 2) positions in px."""
    return s1_from_mm(panel, beam, px_to_mm(panel, xy_px))


def mm_from_s1(panel: Panel, s1: np.ndarray) -> np.ndarray:
    """(..., 2) mm where rays (..., 3) meet the panel's plane; NaN where they run away from it."""
    v = np.asarray(s1, float) @ np.linalg.inv(panel.d_matrix).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(v[..., 2:] > 0, v[..., :2] / v[..., 2:], np.nan)


def px_from_s1(panel: Panel, s1: np.ndarray) -> np.ndarray:
    """(..., 2) px where rays (..., 3) are seen on the panel's plane; NaN where they run away."""
    return mm_to_px(panel, mm_from_s1(panel, s1))


def is_on_panel(panel: Panel, xy_px: np.ndarray) -> np.ndarray:
    """(...) bool: positions (..., 2), px, within the panel's edges."""
    size = np.asarray(panel.image_size)
    with np.errstate(invalid="ignore"):
        return np.all((xy_px >= 0) & (xy_px < size), axis=-1)


def beam_centre_px(detector: Detector, beam: Beam) -> tuple[float, float]:
    """Where the direct beam meets the first panel's plane, (fast, slow) px, without parallax."""
    panel = detector[0]
    xy = mm_from_s1(panel, beam.s0) / np.asarray(panel.pixel_size)
    return float(xy[0]), float(xy[1])


def pixel_s1(panel: Panel, beam: Beam) -> np.ndarray:
    """(slow, fast, 3) diffracted wave vector at the centre of every pixel, 1/Angstrom."""
    n_fast, n_slow = panel.image_size
    fast, slow = np.meshgrid(np.arange(n_fast) + 0.5, np.arange(n_slow) + 0.5)
    return s1_from_px(panel, beam, np.stack([fast, slow], axis=-1))


def pixel_resolution(panel: Panel, beam: Beam) -> np.ndarray:
    """(slow, fast) resolution d of every pixel's centre, Angstrom."""
    return 1.0 / np.maximum(np.linalg.norm(pixel_s1(panel, beam) - beam.s0, axis=-1), 1e-9)
