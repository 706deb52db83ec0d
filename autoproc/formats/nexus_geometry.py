"""Chains of NeXus transformations, and the detector and goniometer that they describe.

NeXus uses the McStas frame (X horizontal, Y up, Z along the beam); autoproc uses that of imgCIF.
"""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np

from autoproc.formats.expt import goniometer_from_axes
from autoproc.formats.nexus_fields import attribute, text, values_in
from autoproc.geometry.rotation import rotation_matrix
from autoproc.models.experiment import Goniometer

IMGCIF_FROM_MCSTAS = np.diag([-1.0, 1.0, -1.0])
MAX_CHAIN = 64


@dataclass(frozen=True, slots=True)
class Transformation:
    """One axis: values (n,) in mm or degrees, unit vector and offset (mm) in the McStas frame."""

    path: str
    is_rotation: bool
    values: np.ndarray
    vector: np.ndarray
    offset: np.ndarray
    end: np.ndarray | None
    increment: np.ndarray | None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def varies(self) -> bool:
        """More than one value, and not all alike."""
        return len(self.values) > 1 and bool(np.ptp(self.values) > 0)

    def matrix(self, translate: bool = True) -> np.ndarray:
        """(4, 4) homogeneous matrix at the first value (Konnert et al., NXtransformations)."""
        result = np.eye(4)
        result[:3, 3] = self.offset
        if self.is_rotation:
            result[:3, :3] = rotation_matrix(self.vector, np.radians(self.values[0]))
        elif translate:
            result[:3, 3] += self.values[0] * self.vector
        return result


def read_transformation(item: h5py.Dataset) -> Transformation:
    """One axis with its end positions and increments where the file gives them."""
    is_rotation = attribute(item, "transformation_type", "translation") == "rotation"
    unit = "deg" if is_rotation else "mm"
    default_unit = "deg" if is_rotation else "m"
    vector = np.asarray(item.attrs.get("vector", (1.0, 0.0, 0.0)), float)
    offset = np.asarray(item.attrs.get("offset", (0.0, 0.0, 0.0)), float)
    offset_unit = attribute(item, "offset_units", attribute(item, "units", "mm") if not is_rotation else "mm")
    factor = {"m": 1e3, "cm": 10.0, "um": 1e-3}.get(offset_unit.strip().lower(), 1.0)

    def beside(suffix: str) -> np.ndarray | None:
        other = item.parent.get(item.name.rsplit("/", 1)[-1] + suffix)
        return values_in(other, unit, default_unit) if isinstance(other, h5py.Dataset) else None

    norm = np.linalg.norm(vector)
    return Transformation(
        item.name,
        is_rotation,
        values_in(item, unit, default_unit),
        vector / norm if norm else vector,
        offset * factor,
        beside("_end"),
        beside("_increment_set"),
    )


def dependency_chain(start: h5py.Dataset) -> list[Transformation]:
    """The axes from `start` up to the laboratory ('.'), nearest first.

    Raises ValueError for a dependency that is not there or a chain that never ends.
    """
    chain = []
    item: h5py.Dataset | None = start
    while item is not None:
        chain.append(read_transformation(item))
        if len(chain) > MAX_CHAIN:
            raise ValueError(f"the chain of transformations from {start.name} does not end")
        item = depends_on(item)
    return chain


def depends_on(item: h5py.Dataset | h5py.Group) -> h5py.Dataset | None:
    """What an axis, a detector or a sample depends on; None for '.'."""
    if "depends_on" in item.attrs:
        path = attribute(item, "depends_on")
        base = item.parent
    elif isinstance(item, h5py.Group) and "depends_on" in item:
        path, base = text(item["depends_on"]), item
    else:
        return None
    path = path.strip()
    if path in ("", "."):
        return None
    found = item.file.get(path) if path.startswith("/") else base.get(path)
    if isinstance(found, h5py.Group):
        return depends_on(found)
    if not isinstance(found, h5py.Dataset):
        raise ValueError(f"{item.name} depends on {path}, which is not in the file")
    return found


def panel_frame(module: h5py.Group) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[float, float]]:
    """Fast and slow axes, origin (mm, imgCIF frame) and pixel size (fast, slow; mm) of a detector module."""
    fast = read_transformation(module["fast_pixel_direction"])
    slow = read_transformation(module["slow_pixel_direction"])
    above_fast = depends_on(module["fast_pixel_direction"])
    above_slow = depends_on(module["slow_pixel_direction"])
    to_lab_fast = _product(dependency_chain(above_fast)) if above_fast is not None else np.eye(4)
    to_lab_slow = _product(dependency_chain(above_slow)) if above_slow is not None else np.eye(4)
    origin = (to_lab_fast @ np.append(fast.offset, 1.0))[:3]
    turn = IMGCIF_FROM_MCSTAS
    return (
        turn @ to_lab_fast[:3, :3] @ fast.vector,
        turn @ to_lab_slow[:3, :3] @ slow.vector,
        turn @ origin,
        (float(fast.values[0]), float(slow.values[0])),
    )


def sample_axes(sample: h5py.Group) -> list[Transformation]:
    """The rotation axes below the sample, from the crystal outwards."""
    start = depends_on(sample)
    return [t for t in dependency_chain(start) if t.is_rotation] if start is not None else []


def scan_axis_index(axes: list[Transformation]) -> int:
    """Which axis is scanned: the first that varies; else the first with a rotation per image; else 0."""
    for test in (lambda t: t.varies, _turns_within_an_image):
        for index, axis in enumerate(axes):
            if test(axis):
                return index
    return 0


def goniometer_of(axes: list[Transformation]) -> Goniometer:
    """The goniometer that rotation axes make; a single axis is its own datum."""
    vectors = np.array([IMGCIF_FROM_MCSTAS @ a.vector for a in axes]) + 0.0
    if len(axes) == 1:
        return Goniometer(vectors[0])
    angles = tuple(float(a.values[0]) for a in axes)
    return goniometer_from_axes(vectors, tuple(a.name for a in axes), angles, scan_axis_index(axes))


def rotation_per_image(axis: Transformation) -> np.ndarray:
    """(n,) degrees that each image covers; empty where the file does not say."""
    if axis.end is not None and len(axis.end) == len(axis.values):
        return axis.end - axis.values
    if axis.increment is not None and len(axis.increment):
        return np.broadcast_to(axis.increment, len(axis.values)) if len(axis.increment) == 1 else axis.increment
    return np.diff(axis.values)


def _turns_within_an_image(axis: Transformation) -> bool:
    widths = rotation_per_image(axis)
    return bool(len(widths)) and bool(np.any(widths != 0))


def _product(chain: list[Transformation]) -> np.ndarray:
    result = np.eye(4)
    for transformation in chain:
        result = transformation.matrix() @ result
    return result
