"""The detector of an NXmx file: one flat panel from its modules, its sensor and its limits."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from autoproc.errors import UnsupportedFile
from autoproc.formats.hdf5.detector_limits import saturation, underload
from autoproc.formats.hdf5.nexus_fields import pixels, spare_number, text_of
from autoproc.formats.hdf5.nexus_geometry import panel_frame
from autoproc.formats.hdf5.segments import Segment
from autoproc.formats.header_values import (
    MIN_DISTANCE,
    HeaderOverrides,
    required_beam_centre,
    required_pixel_size,
)
from autoproc.formats.images.sensors import attenuation
from autoproc.geometry.detector import beam_centre_px
from autoproc.geometry.placement import with_beam_centre, with_distance
from autoproc.models.experiment import Beam, Detector, Panel

NO_CENTRE = 0.01
"""Pixels: a beam centre nearer than this to the corner (0, 0) was never set."""
SAME, SAME_CENTRE = 0.01, 5.0
"""Of the distance and the size of pixels, and pixels of the centre: what is said twice and differs by more is not the
same. Chosen, not measured."""


def nexus_panel(
    path: Path,
    detector: h5py.Group,
    modules: list[h5py.Group],
    images: Segment,
    beam: Beam,
    overrides: HeaderOverrides,
    warnings: list[str],
    remarks: list[str],
) -> Panel:
    """The panel that an NXmx detector's modules make, of the size of its images.

    Raises CorruptFile, UnsupportedFile, BadHeader or UnknownUnit.
    """
    fast, slow, origin, said_size = panel_frame(modules[0], detector)
    pixel_size = required_pixel_size(path, overrides.pixel_size or said_size)
    frame = (fast, slow, origin, pixel_size)
    said = _joined_modules(path, modules, detector, frame) if len(modules) > 1 else _data_size(modules[0])
    _compare_sizes(said, images.shape, warnings)
    if np.dot(np.cross(fast, slow), (0, 0, 1)) ** 2 > 0.98 and origin[2] > 0:
        # Some beamlines write a positive distance along the beam's reverse: nothing can be seen upstream.
        origin = origin * (1, 1, -1)
    symbol, mu = attenuation(text_of(detector, "sensor_material"), beam.wavelength)
    panel = Panel(
        fast_axis=fast + 0.0,
        slow_axis=slow + 0.0,
        origin=origin + 0.0,
        pixel_size=pixel_size,
        image_size=images.shape[::-1],
        trusted_range=(underload(detector, images.dtype, remarks), saturation(detector, images.dtype, remarks)),
        thickness=spare_number(detector, "sensor_thickness", "mm", "m", warnings) or 0.0,
        mu=mu,
        material=symbol,
    )
    remarks += _other_pixel_size(panel, detector, overrides)
    remarks += _contradictions(panel, detector, beam, overrides)
    return _with_centre(path, _with_distance(panel, detector, beam, overrides, warnings), detector, beam, overrides)


def _other_pixel_size(panel: Panel, detector: h5py.Group, overrides: HeaderOverrides) -> list[str]:
    """Where the detector says another size of pixels than its module, which counts: the steps from pixel to pixel."""
    said = [spare_number(detector, f"{axis}_pixel_size", "mm", "m", []) for axis in "xy"]
    x, y = said[0] or said[1], said[1] or said[0]
    if overrides.pixel_size is not None or x is None or y is None:
        return []
    fast, slow = panel.pixel_size
    if abs(x - fast) <= SAME * fast and abs(y - slow) <= SAME * slow:
        return []
    return [
        f"the detector's x_pixel_size and y_pixel_size, {x:.4g} x {y:.4g} mm, are not its module's, "
        f"{fast:.4g} x {slow:.4g} mm, which are used; pixel_size= overrides them"
    ]


def _contradictions(panel: Panel, detector: h5py.Group, beam: Beam, overrides: HeaderOverrides) -> list[str]:
    """What the detector says of its place that its chain of transformations, which counts, does not."""
    if panel.distance < MIN_DISTANCE or abs(panel.normal @ beam.direction) < 0.99:
        return []
    found = []
    distance = spare_number(detector, "distance", "mm", "m", [])
    if distance and overrides.distance is None and abs(abs(distance) - panel.distance) > SAME * panel.distance:
        found.append(
            f"the detector's distance, {abs(distance):.4g} mm, is not that of its transformations, "
            f"{panel.distance:.4g} mm, which are used"
        )
    centre = beam_centre_px(Detector((panel,)), beam)
    said = [pixels(detector, f"beam_center_{n}", size) for n, size in zip("xy", panel.pixel_size, strict=True)]
    if None in said or not any(said) or overrides.beam_centre is not None or np.hypot(*centre) <= NO_CENTRE:
        return found
    x, y = (float(value or 0.0) for value in said)
    if np.hypot(x - centre[0], y - centre[1]) > SAME_CENTRE:
        found.append(
            f"the detector's beam centre, ({x:.1f}, {y:.1f}) px, is not that of its transformations, "
            f"({centre[0]:.1f}, {centre[1]:.1f}) px, which are used"
        )
    return found


def _with_distance(
    panel: Panel, detector: h5py.Group, beam: Beam, overrides: HeaderOverrides, warnings: list[str]
) -> Panel:
    """The panel at the distance that the detector names, where its chain of transformations leaves it at the sample."""
    if panel.distance >= MIN_DISTANCE or overrides.distance is not None:
        return panel
    for name in ("distance", "detector_distance"):
        distance = spare_number(detector, name, "mm", "m", warnings)
        if distance is not None and abs(distance) >= MIN_DISTANCE:
            warnings.append(
                f"the transformations put the detector at the sample: its {name} is used, {distance:.4g} mm"
            )
            return with_distance(panel, beam, abs(distance))
    return panel


def _with_centre(path: Path, panel: Panel, detector: h5py.Group, beam: Beam, overrides: HeaderOverrides) -> Panel:
    """The panel with beam_center_x and _y where its origin lies on the beam. Raises BadHeader where both are unset."""
    if panel.distance < MIN_DISTANCE or abs(panel.normal @ beam.direction) < 0.99:
        return panel
    centre = beam_centre_px(Detector((panel,)), beam)
    if np.hypot(*centre) > NO_CENTRE or overrides.beam_centre is not None:
        return panel
    x, y = (pixels(detector, f"beam_center_{n}", size) for n, size in zip("xy", panel.pixel_size, strict=True))
    in_file = None if x is None or y is None else (x, y)
    return with_beam_centre(panel, beam, required_beam_centre(path, in_file if in_file else (0.0, 0.0)))


def _data_size(module: h5py.Group) -> tuple[int, int] | None:
    if "data_size" not in module:
        return None
    size = np.asarray(module["data_size"][()]).ravel()[-2:]
    return (int(size[0]), int(size[1])) if len(size) == 2 else None


def _compare_sizes(said: tuple[int, int] | None, shape: tuple[int, int], warnings: list[str]) -> None:
    """Firmware of EIGER detectors writes data_size the other way round: the images decide."""
    if said is not None and said not in (shape, shape[::-1]):
        warnings.append(
            f"the detector is said to have {said[0]} x {said[1]} pixels, the images have {shape[0]} x {shape[1]}: "
            "the images' size is used, from the same corner"
        )


def _joined_modules(
    path: Path,
    modules: list[h5py.Group],
    detector: h5py.Group,
    frame: tuple[np.ndarray, np.ndarray, np.ndarray, tuple[float, float]],
) -> tuple[int, int]:
    """(slow, fast) size of the one panel that several modules make; they must lie on its grid."""
    fast, slow, origin, pixel_size = frame
    extent = np.zeros(2, int)
    first = np.asarray(modules[0]["data_origin"][()]).ravel()[-2:]
    for module in modules:
        corner = np.asarray(module["data_origin"][()]).ravel()[-2:]
        _, _, here, _ = panel_frame(module, detector)
        steps = corner - first
        expected = origin + steps[1] * pixel_size[0] * fast + steps[0] * pixel_size[1] * slow
        if np.linalg.norm(here - expected) > 0.05 * pixel_size[0]:
            raise UnsupportedFile(path=path, reason="its detector modules do not lie on one flat grid of pixels")
        extent = np.maximum(extent, corner + np.asarray(module["data_size"][()]).ravel()[-2:])
    return int(extent[0]), int(extent[1])
