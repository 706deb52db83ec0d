"""Chains of NeXus transformations, and the detector and goniometer that they describe.

NeXus uses the McStas frame (X horizontal, Y up, Z along the beam); autoproc uses that of imgCIF.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

import h5py
import numpy as np

from autoproc.formats.dials.expt import goniometer_from_axes
from autoproc.formats.hdf5.nexus_fields import (
    attribute,
    factor_of,
    groups_of_class,
    is_external,
    text,
    unit_of,
    values_in,
)
from autoproc.formats.hdf5.nexus_turns import Turn, angles_of, turn_of
from autoproc.formats.hdf5.units import unit_factor
from autoproc.formats.header_values import quoted
from autoproc.formats.images.rotation_steps import possible
from autoproc.geometry.rotation import rotation_matrix
from autoproc.models.experiment import Goniometer

IMGCIF_FROM_MCSTAS = np.diag([-1.0, 1.0, -1.0])
MAX_CHAIN = 64
NOISE = 0.01
"""Degrees or mm: an axis whose values differ by less stands still, whatever its encoder reads back."""
ROTATIONS = ("omega", "phi", "chi", "kappa", "two_theta", "2theta")
"""Names of axes that turn, where a file says neither the type of transformation nor the unit."""


@dataclass(frozen=True, slots=True)
class Transformation:
    """One axis: values (n,) in mm or degrees, unit vector and offset (mm) in the McStas frame."""

    path: str
    is_rotation: bool
    values: np.ndarray
    vector: np.ndarray
    offset: np.ndarray
    turn: Turn

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def varies(self) -> bool:
        """More than one value, and not all alike."""
        return self.spread > 0

    @property
    def known(self) -> np.ndarray:
        """Those of the values that are possible, without any that was never filled in; all where none is."""
        known = self.values[possible(self.values)] if self.is_rotation else self.values
        return known if len(known) else self.values

    @property
    def spread(self) -> float:
        """By how much the values differ."""
        return float(np.nan_to_num(np.ptp(self.known))) if len(self.known) > 1 else 0.0

    def matrix(self, translate: bool = True) -> np.ndarray:
        """(4, 4) homogeneous matrix at the first value (Konnert et al., NXtransformations)."""
        result = np.eye(4)
        result[:3, 3] = self.offset
        if self.is_rotation:
            result[:3, :3] = rotation_matrix(self.vector, np.radians(self.known[0]))
        elif translate:
            result[:3, 3] += self.values[0] * self.vector
        return result


def read_transformation(item: h5py.Dataset) -> Transformation:
    """One axis with what the file says of its turning within images.

    Raises UnknownUnit, or ValueError for an axis that turns and has no direction.
    """
    is_rotation = _is_rotation(item)
    unit = "deg" if is_rotation else "mm"
    default_unit = "deg" if is_rotation else "m"
    vector = np.asarray(item.attrs.get("vector", (1.0, 0.0, 0.0)), float).ravel()[:3]
    offset = np.asarray(item.attrs.get("offset", (0.0, 0.0, 0.0)), float).ravel()[:3]
    offset_unit = attribute(item, "offset_units") or ("mm" if is_rotation else unit_of(item, "m"))
    if np.any(offset):
        offset = offset * factor_of(item, "mm", given=offset_unit.strip())

    norm = np.linalg.norm(vector)
    values = values_in(item, unit, default_unit)
    if is_rotation and not (np.isfinite(norm) and norm > 0) and np.any(values):
        raise ValueError(f"{item.name} turns about an axis without a direction")
    return Transformation(
        item.name,
        is_rotation,
        angles_of(item, values) if is_rotation else values,
        vector / norm if norm else vector,
        offset,
        turn_of(item, unit, default_unit),
    )


def _is_rotation(item: h5py.Dataset) -> bool:
    """What the file says of the type; else what the unit says; else what the name does."""
    kind = attribute(item, "transformation_type").strip().lower()
    if kind in ("rotation", "translation"):
        return kind == "rotation"
    unit = unit_of(item)
    if unit and unit_factor(unit, "deg") is not None:
        return True
    return not unit and item.name.rsplit("/", 1)[-1].lower() in ROTATIONS


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
    if ".." in path.split("/"):
        path = posixpath.normpath(posixpath.join(base.name, path))  # HDF5 itself knows no way up
    found = item.file.get(path) if path.startswith("/") else base.get(path)
    if found is None and isinstance(item, h5py.Group) and not path.startswith("/"):
        found = _axes_below(item).get(path)
    if isinstance(found, h5py.Group):
        return depends_on(found)
    if not isinstance(found, h5py.Dataset):
        raise ValueError(f"{item.name} depends on {quoted(path)}, which is not in the file")
    return found


def panel_frame(
    module: h5py.Group, detector: h5py.Group | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[float, float]]:
    """Fast and slow axes, origin (mm, imgCIF frame) and pixel size (fast, slow; mm) of a detector module.

    A module that depends on nothing is moved by what its detector depends on.
    """
    fast = read_transformation(module["fast_pixel_direction"])
    slow = read_transformation(module["slow_pixel_direction"])
    above_fast = depends_on(module["fast_pixel_direction"])
    above_slow = depends_on(module["slow_pixel_direction"])
    of_detector = _detector_chain(above_fast, detector)
    to_lab_fast = _product(dependency_chain(above_fast) + of_detector if above_fast is not None else of_detector)
    to_lab_slow = _product(dependency_chain(above_slow) + of_detector if above_slow is not None else of_detector)
    origin = (to_lab_fast @ np.append(fast.offset, 1.0))[:3]
    turn = IMGCIF_FROM_MCSTAS
    return (
        turn @ to_lab_fast[:3, :3] @ fast.vector,
        turn @ to_lab_slow[:3, :3] @ slow.vector,
        turn @ origin,
        (float(fast.values[0]), float(slow.values[0])),
    )


def moving_detector_axes(module: h5py.Group, detector: h5py.Group) -> list[Transformation]:
    """The axes below a detector module whose values differ from image to image."""
    above = depends_on(module["fast_pixel_direction"])
    chain = dependency_chain(above) if above is not None else []
    return [axis for axis in (*chain, *_detector_chain(above, detector)) if axis.spread > NOISE]


def _detector_chain(of_module: h5py.Dataset | None, detector: h5py.Group | None) -> list[Transformation]:
    """What the detector depends on, where the module's own chain ends within the module."""
    start = depends_on(detector) if detector is not None else None
    if start is None:
        return []
    chain = dependency_chain(of_module) if of_module is not None else []
    return [] if any("module" not in t.path.rsplit("/", 2)[-2] for t in chain) else dependency_chain(start)


def choose_sample(entry: h5py.Group) -> tuple[list[Transformation], list[h5py.Group]]:
    """The rotation axes of the sample that was turned, and the other samples of the entry.

    Of several that which has an axis that varies, else one that has axes at all, else the one of the usual name.
    """
    samples = groups_of_class(entry, "NXsample")
    chains = [sample_axes(sample) for sample in samples]
    ranks = [(not any(axis.spread > NOISE for axis in axes), not axes) for axes in chains]
    if not samples:
        return [], []
    chosen = min(range(len(samples)), key=lambda n: ranks[n])
    return chains[chosen], [sample for n, sample in enumerate(samples) if n != chosen]


def sample_axes(sample: h5py.Group) -> list[Transformation]:
    """The rotation axes below the sample, from the crystal outwards.

    Where the sample depends on nothing ("."), the axes beside it that none depends on are tried: the chain with
    an axis that varies, else the longest.
    """
    start = depends_on(sample)
    if start is not None:
        return [t for t in dependency_chain(start) if t.is_rotation]
    axes = {path: item for path, item in _axes_below(sample).items() if "depends_on" in item.attrs}
    below = {found.name for found in map(depends_on, axes.values()) if found is not None}
    chains = [dependency_chain(item) for item in axes.values() if item.name not in below]
    turning = [[t for t in chain if t.is_rotation] for chain in chains]
    return max(turning, key=lambda axes: (any(a.varies for a in axes), len(axes)), default=[])


def _axes_below(group: h5py.Group) -> dict[str, h5py.Dataset]:
    """The axes in the NXtransformations groups of a sample or detector, by name."""
    found: dict[str, h5py.Dataset] = {}
    for name in group:
        inner = None if is_external(group, name) else group.get(name)
        if (
            not isinstance(inner, h5py.Group)
            or attribute(inner, "NX_class", "NXtransformations") != "NXtransformations"
        ):
            continue
        for axis in inner:
            item = inner.get(axis)
            if isinstance(item, h5py.Dataset) and "vector" in item.attrs:
                found.setdefault(axis, item)
    return found


def scan_axis_index(axes: list[Transformation]) -> int:
    """Which axis is scanned: that which varies most; else the first with a rotation per image; else 0."""
    ranges = [axis.spread for axis in axes]
    if ranges and max(ranges) > 0:
        return int(np.argmax(ranges))
    return next((index for index, axis in enumerate(axes) if _turns_within_an_image(axis)), 0)


def other_moving_axes(axes: list[Transformation]) -> list[Transformation]:
    """Axes that turn beside the one that is scanned, by more than an encoder's noise."""
    scanned = scan_axis_index(axes)
    return [a for n, a in enumerate(axes) if n != scanned and a.spread > NOISE]


def goniometer_of(axes: list[Transformation]) -> Goniometer:
    """The goniometer that rotation axes make; a single axis is its own datum."""
    vectors = np.array([IMGCIF_FROM_MCSTAS @ a.vector for a in axes]) + 0.0
    if len(axes) == 1:
        return Goniometer(vectors[0])
    angles = tuple(float(a.known[0]) for a in axes)
    return goniometer_from_axes(vectors, tuple(a.name for a in axes), angles, scan_axis_index(axes))


def _turns_within_an_image(axis: Transformation) -> bool:
    return bool(np.any(axis.turn.widths(axis.values, len(axis.values))))


def _product(chain: list[Transformation]) -> np.ndarray:
    result = np.eye(4)
    for transformation in chain:
        result = transformation.matrix() @ result
    return result
