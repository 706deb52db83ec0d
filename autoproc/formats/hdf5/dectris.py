"""DECTRIS masters without NeXus transformations: geometry from the plain fields."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from autoproc.formats.hdf5.detector_limits import saturation, underload
from autoproc.formats.hdf5.nexus_fields import number, pixels, spare_number, text_of, values_in
from autoproc.formats.hdf5.nexus_geometry import NOISE, Transformation
from autoproc.formats.hdf5.nexus_turns import turn_of
from autoproc.formats.hdf5.segments import Segment
from autoproc.formats.header_values import (
    NO_OVERRIDES,
    HeaderOverrides,
    required_beam_centre,
    required_distance,
    required_pixel_size,
)
from autoproc.formats.images.sensors import attenuation
from autoproc.models.experiment import Panel

AXES = ("omega", "phi", "chi", "kappa")
"""Axes of sample/goniometer, the likeliest to be scanned first."""


def panel(
    path: Path,
    detector: h5py.Group,
    images: Segment,
    wavelength: float,
    warnings: list[str],
    remarks: list[str],
    overrides: HeaderOverrides = NO_OVERRIDES,
) -> Panel:
    """A flat detector square to the beam, from beam centre, distance and pixel size; of the size of its images.

    Raises CorruptFile, BadHeader or UnknownUnit.
    """
    pixel = [number(detector, f"{axis}_pixel_size", "mm", "m") for axis in "xy"]
    distance = number(detector, "detector_distance", "mm", "m") or number(detector, "distance", "mm", "m")
    distance = required_distance(path, overrides.distance or distance)
    px, py = required_pixel_size(path, overrides.pixel_size or (pixel[0], pixel[1] or pixel[0]))
    beam_x, beam_y = pixels(detector, "beam_center_x", px), pixels(detector, "beam_center_y", py)
    in_file = None if beam_x is None or beam_y is None else (beam_x, beam_y)
    centre = required_beam_centre(path, overrides.beam_centre or in_file)
    symbol, mu = attenuation(text_of(detector, "sensor_material"), wavelength)
    two_theta = number(detector, "goniometer/two_theta", "deg")
    if two_theta is None:
        two_theta = number(detector, "goniometer/two_theta_start", "deg")
    if two_theta is not None and abs(two_theta) > NOISE:
        warnings.append(f"the file gives 2theta = {two_theta:g} degrees but no direction of it: it is taken as 0")
    return Panel(
        fast_axis=np.array([1.0, 0.0, 0.0]),
        slow_axis=np.array([0.0, -1.0, 0.0]),
        origin=np.array([-centre[0] * px, centre[1] * py, -distance]),
        pixel_size=(px, py),
        image_size=images.shape[::-1],
        trusted_range=(underload(detector, images.dtype, remarks), saturation(detector, images.dtype, remarks)),
        thickness=spare_number(detector, "sensor_thickness", "mm", "m", warnings) or 0.0,
        mu=mu,
        material=symbol,
    )


def scanned_axis(entry: h5py.Group, warnings: list[str]) -> list[Transformation]:
    """The axis of sample/goniometer that is scanned; it is taken to lie along X of the imgCIF frame.

    Only omega is known to be horizontal; the others' directions are not in the file, so that a
    crystal turned by them is simply a crystal in another orientation.
    """
    goniometer = entry.get("sample/goniometer")
    if not isinstance(goniometer, h5py.Group):
        return []
    axes = [axis for axis in (_axis(goniometer, name) for name in AXES) if axis is not None]
    turning = [axis for axis in axes if axis.spread > NOISE] or [
        axis for axis in axes if np.any(np.abs(axis.turn.widths(axis.values, len(axis.values))) > NOISE / 10)
    ]
    scanned = (turning or axes)[:1]
    if scanned and scanned[0].name != "omega":
        warnings.append(
            f"the sweep turns about {scanned[0].name}, whose direction the file does not give: it is taken to lie as "
            "omega does; rotation_axis= overrides it"
        )
    moving = [axis.name for axis in turning[1:]]
    if moving:
        warnings.append(f"{' and '.join(moving)} moved as well as {scanned[0].name}: only the latter is obeyed")
    return scanned


def _axis(goniometer: h5py.Group, name: str) -> Transformation | None:
    """An axis with what is said of its turning; from its start where the file gives no single angles."""
    item = goniometer.get(name) or goniometer.get(f"{name}_start")
    if not isinstance(item, h5py.Dataset) or not np.issubdtype(item.dtype, np.number) or not item.size:
        return None
    values = values_in(item, "deg")
    path = f"{goniometer.name}/{name}"
    return Transformation(path, True, values, np.array([-1.0, 0.0, 0.0]), np.zeros(3), turn_of(item, "deg", "deg"))
