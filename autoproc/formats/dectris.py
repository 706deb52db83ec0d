"""DECTRIS masters without NeXus transformations: geometry from the plain fields."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from autoproc.errors import CorruptFile
from autoproc.formats.header_values import (
    NO_OVERRIDES,
    HeaderOverrides,
    required_beam_centre,
    required_distance,
)
from autoproc.formats.nexus_fields import number, text
from autoproc.formats.nexus_geometry import Transformation
from autoproc.formats.sensors import attenuation
from autoproc.models.experiment import Panel


def panel(path: Path, detector: h5py.Group, wavelength: float, overrides: HeaderOverrides = NO_OVERRIDES) -> Panel:
    """A flat detector square to the beam, from beam centre, distance and pixel size."""
    specific = detector.get("detectorSpecific") or detector
    pixel = [number(detector, f"{axis}_pixel_size", "mm", "m") for axis in "xy"]
    size = [number(specific, f"{axis}_pixels_in_detector") for axis in "xy"]
    distance = number(detector, "detector_distance", "mm", "m") or number(detector, "distance", "mm", "m")
    distance = required_distance(path, overrides.distance or distance)
    beam_x, beam_y = number(detector, "beam_center_x"), number(detector, "beam_center_y")
    in_file = None if beam_x is None or beam_y is None else (beam_x, beam_y)
    centre = required_beam_centre(path, overrides.beam_centre or in_file)
    for field, value in {"pixel size": pixel[0], "number of pixels": size[0]}.items():
        if not value:
            raise CorruptFile(path=path, reason=f"the {field} of its detector is missing")
    cutoff = number(specific, "countrate_correction_count_cutoff") or number(specific, "saturation_value")
    material = text(detector["sensor_material"]) if "sensor_material" in detector else ""
    symbol, mu = attenuation(material, wavelength)
    px, py = float(pixel[0] or 0), float(pixel[1] or pixel[0] or 0)
    return Panel(
        fast_axis=np.array([1.0, 0.0, 0.0]),
        slow_axis=np.array([0.0, -1.0, 0.0]),
        origin=np.array([-centre[0] * px, centre[1] * py, -distance]),
        pixel_size=(px, py),
        image_size=(int(size[0] or 0), int(size[1] or 0)),
        trusted_range=(-1.0, cutoff or float(0x7FFFFFFF)),
        thickness=number(detector, "sensor_thickness", "mm", "m") or 0.0,
        mu=mu,
        material=symbol,
    )


def sample_axes(entry: h5py.Group) -> list[Transformation]:
    """The rotation axes of sample/goniometer; the rotation axis lies along X of the imgCIF frame.

    Only omega is known to be horizontal; the others' directions are not in the file, so that a
    crystal turned by them is simply a crystal in another orientation.
    """
    goniometer = entry.get("sample/goniometer")
    if not isinstance(goniometer, h5py.Group) or "omega" not in goniometer:
        return []
    values = np.atleast_1d(np.asarray(goniometer["omega"][()], float)).ravel()
    end = goniometer.get("omega_end")
    increment = number(goniometer, "omega_increment") or number(goniometer, "omega_range_average")
    ends = np.atleast_1d(np.asarray(end[()], float)).ravel() if isinstance(end, h5py.Dataset) else None
    widths = np.array([increment]) if increment is not None else None
    name = f"{goniometer.name}/omega"
    return [Transformation(name, True, values, np.array([-1.0, 0.0, 0.0]), np.zeros(3), ends, widths)]
