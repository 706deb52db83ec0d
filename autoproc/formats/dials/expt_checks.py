"""What the models of an .expt file must be so that anything can be calculated with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from autoproc.formats.header_values import (
    MAX_DISTANCE,
    MAX_PIXEL_SIZE,
    MAX_WAVELENGTH,
    MIN_PIXEL_SIZE,
    MIN_WAVELENGTH,
    is_pixel_size,
)
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Beam, Experiment, Goniometer, ImageSet, Panel, ProfileModel, Scan

LONGEST_SIDE = 1 << 16
"""Pixels along a panel; the largest detectors in use have 2^13."""
FLATTEST_CELL = 1e-6
"""Volume of a unit cell over the product of its edges: 1 for right angles; below this it has no reciprocal cell."""
FLATTEST_FRAME = 1e-9
"""Distance of the sample from a panel's plane over its distance from the panel, and the like of its axes."""
LONGEST = 1e9
"""Of a vector, in whatever unit, and of all other numbers without a narrower limit: no geometry of a beamline has
more than 1e6 mm, and squares and products of these are far from the end of what can be calculated with."""
LARGEST_PEDESTAL = float(1 << 30)
"""Counts; images have pixels of 32 bits."""
LARGEST_TURN = 1e6
"""Degrees of a scan's start and of an image."""
LONGEST_CELL = 1e5
"""Angstrom; the largest cells of viruses have some 1e3."""


def sound_model(experiment: Experiment) -> Experiment:
    """The same. Raises ValueError, saying which model it is, for one that nothing can be calculated with."""
    wavelength = experiment.beam.wavelength
    if isinstance(wavelength, float) and not MIN_WAVELENGTH <= wavelength <= MAX_WAVELENGTH:
        raise ValueError(
            f"its wavelength, {wavelength:g} A, is impossible ({MIN_WAVELENGTH:g} to {MAX_WAVELENGTH:g} A); import the "
            "images again with the right value (wavelength=)"
        )
    models: tuple[tuple[str, Any, Callable[[Any], bool]], ...] = (
        ("beam", experiment.beam, _is_beam), ("goniometer", experiment.goniometer, _is_goniometer),
        ("scan", experiment.scan, _is_scan), ("crystal", experiment.crystal, _is_crystal),
        ("profile", experiment.profile, _is_profile), ("imageset", experiment.imageset, _is_imageset),
    )  # fmt: skip
    for name, model, is_sound in models:
        if model is not None:
            _require_numbers(name, model)
            if not is_sound(model):
                raise ValueError(f"its {name} is impossible")
    for panel in experiment.detector.panels:
        _require_numbers("detector", panel)
    if not len(experiment.detector) or not all(map(_is_panel, experiment.detector.panels)):
        raise ValueError("its detector is impossible")
    if not isinstance(experiment.identifier, str):
        raise ValueError("an identifier is no text")
    for panel in experiment.detector.panels:
        _require_possible(panel)
    points = None if experiment.crystal is None else experiment.crystal.A_at_scan_points
    if points is not None and len(points) != experiment.scan.n_images + 1:
        raise ValueError(f"its crystal has {len(points)} orientations for {experiment.scan.n_images} images")
    return experiment


LIMITS: Mapping[str, tuple[float, float]] = {
    "pedestal": (-LARGEST_PEDESTAL, LARGEST_PEDESTAL), "oscillation": (-LARGEST_TURN, LARGEST_TURN),
    "polarization_fraction": (0.0, 1.0), "gain": (1 / LONGEST, LONGEST),
}  # fmt: skip
"""Of numbers that have narrower ones than LONGEST, by the name of their field."""
FREE = (
    "trusted_range", "mask", "cell_esd", "flux", "transmission", "image_range", "excluded", "epochs", "exposure_times",
    "batch_offset", "indices",
)  # fmt: skip
"""Fields whose numbers are compared and told, and nothing is calculated with."""


def _require_numbers(name: str, model: Any) -> None:
    """Raise ValueError for a number of a model that is out of its limits, saying which and what they are."""
    for field in fields(model):
        value = getattr(model, field.name)
        if field.name in FREE:
            continue
        low, high = LIMITS.get(field.name, (-LONGEST, LONGEST))
        listed = value if isinstance(value, tuple) else (value,)
        numbers = value if isinstance(value, np.ndarray) else np.array([n for n in listed if isinstance(n, float)])
        outside = numbers[~((low <= numbers) & (numbers <= high))]
        if len(outside):
            raise ValueError(f"its {name}'s {field.name} has {outside[0]:g}, which is impossible ({low:g} to {high:g})")


def _is_vector(values: np.ndarray, may_be_zero: bool = False) -> bool:
    return values.shape == (3,) and bool(np.all(np.isfinite(values))) and (may_be_zero or bool(np.any(values)))


def _is_beam(beam: Beam) -> bool:
    numbers = (beam.polarization_fraction, beam.divergence, beam.sigma_divergence, beam.flux, beam.transmission)
    return (
        MIN_WAVELENGTH <= beam.wavelength <= MAX_WAVELENGTH
        and _is_vector(beam.direction)
        and _is_vector(beam.polarization_normal)
        and bool(np.all(np.isfinite(numbers)))
    )


def _is_panel(panel: Panel) -> bool:
    if not (_is_vector(panel.fast_axis) and _is_vector(panel.slow_axis) and _is_vector(panel.origin, may_be_zero=True)):
        return False
    axes = (panel.fast_axis, panel.slow_axis, panel.origin)
    fast, slow, origin = (axis / max(float(np.linalg.norm(axis)), np.finfo(float).tiny) for axis in axes)
    texts = (panel.name, panel.type, panel.identifier, panel.material)
    low, high = panel.trusted_range
    return (
        abs(float(np.cross(fast, slow) @ origin)) > FLATTEST_FRAME
        and all(1 <= n <= LONGEST_SIDE for n in panel.image_size)
        and all(0 < size < np.inf for size in panel.pixel_size)
        and bool(np.all(np.isfinite((panel.thickness, panel.mu, panel.gain, panel.pedestal))))
        and panel.gain > 0
        and low <= high
        and all(isinstance(text, str) for text in texts)
    )


def _require_possible(panel: Panel) -> None:
    """Raise ValueError for a size of pixels or a distance that no detector has."""
    fast, slow = panel.pixel_size
    again = "import the images again with the right value"
    if not is_pixel_size(panel.pixel_size):
        limits = f"{MIN_PIXEL_SIZE:g} to {MAX_PIXEL_SIZE:g} mm"
        raise ValueError(f"its pixel size, {fast:g} x {slow:g} mm, is impossible ({limits}); {again} (pixel_size=)")
    if panel.distance > MAX_DISTANCE:
        raise ValueError(
            f"its detector's distance, {panel.distance:g} mm, is impossible (up to {MAX_DISTANCE:g} mm); {again} "
            "(distance=)"
        )


def _is_goniometer(goniometer: Goniometer) -> bool:
    if goniometer.axes is not None and not 0 <= goniometer.scan_axis < len(goniometer.axes) == len(goniometer.names):
        return False
    matrices = np.stack([goniometer.fixed, goniometer.setting])
    return _is_vector(goniometer.axis) and bool(np.all(np.isfinite(matrices))) and bool(np.all(np.linalg.det(matrices)))


def _is_scan(scan: Scan) -> bool:
    return bool(np.all(np.isfinite(scan.oscillation)))  # formats.dials.expt_scan bounds its images


def _is_crystal(crystal: Crystal) -> bool:
    points = np.concatenate([[crystal.A], *([] if crystal.A_at_scan_points is None else [crystal.A_at_scan_points])])
    with np.errstate(all="ignore"):
        edges = np.prod(np.linalg.norm(points, axis=1), axis=1)  # of the reciprocal cell
        if not bool(np.all(np.isfinite(points)) and np.all(np.abs(np.linalg.det(points)) > FLATTEST_CELL * edges)):
            return False
        longest = float(np.max(np.linalg.norm(crystal.real_space, axis=1)))
    if not longest <= LONGEST_CELL:
        raise ValueError(f"its cell's edge of {longest:g} A is impossible (up to {LONGEST_CELL:g} A)")
    return True


def _is_profile(profile: ProfileModel) -> bool:
    return bool(np.all(np.isfinite((profile.sigma_b, profile.sigma_m, profile.n_sigma, profile.spread))))


def _is_imageset(imageset: ImageSet) -> bool:
    return isinstance(imageset.template, str) and all(isinstance(n, int) and n >= 0 for n in imageset.indices)
