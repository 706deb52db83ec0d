"""How far an axis of a NeXus file turns within an image, wherever the file says it.

NXtransformations has NAME_end and NAME_increment_set beside the axis NAME. DECTRIS's writers add NAME_increment,
NAME_range_average and NAME_range_total, in the sample's goniometer; others keep the angles in a positioner.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from autoproc.formats.hdf5.nexus_fields import attribute, is_external, values_in

EACH = ("_end", "_increment_set", "_increment", "_range_average")
"""What is said of each image, behind the name of its axis: where it ends, or how wide it is."""
TOTAL = "_range_total"
MOST_ABOVE = 3
"""Groups above an axis among which its sample is looked for."""
LEAST_WIDTH = 0.005
"""Degrees: a single end that would make images finer than the finest slices is that of the first image."""
SAME_ANGLE = 1e-3
"""Degrees, by which an axis's single angle and the first of its list elsewhere may differ for rounding."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is said of the turning within images: (n,) or (1,) each, degrees; None where nothing is.

    end : of images; increment : of images; total : of the whole sweep
    """

    end: np.ndarray | None = None
    increment: np.ndarray | None = None
    total: float | None = None

    @property
    def is_known(self) -> bool:
        """Something is said."""
        return self.end is not None or self.increment is not None or self.total is not None

    def widths(self, starts: np.ndarray, n_images: int) -> np.ndarray:
        """(n,) or (1,) degrees that each image covers; empty where nothing is said.

        starts : (m,) degrees, of the images or of the first one only
        """
        if self.end is not None and len(self.end) == len(starts) > 1:
            return self.end - starts
        if self.increment is not None:
            return np.broadcast_to(self.increment, len(starts)) if len(self.increment) == 1 else self.increment
        if self.total is not None and n_images:
            return np.array([self.total / n_images])
        if self.end is None or len(starts) != 1:
            return np.zeros(0)
        if len(self.end) > 1:
            return np.array([float(np.median(np.diff(self.end)))])
        whole = float(self.end[0] - starts[0])
        return np.array([whole / n_images if self._ends_sweep(whole, n_images) else whole])

    def remarks(self, starts: np.ndarray, n_images: int) -> list[str]:
        """What had to be guessed of the turning, in plain words."""
        if self.end is None or self.increment is not None or self.total is not None or n_images < 2:
            return []
        if len(self.end) > 1 or len(starts) != 1:
            return []
        taken = "the whole sweep" if self._ends_sweep(float(self.end[0] - starts[0]), n_images) else "the first image"
        return [
            f"the file gives a single end of the rotation, {self.end[0]:g} degrees, for {n_images} images: it is taken "
            f"as that of {taken}; oscillation= overrides it"
        ]

    @staticmethod
    def _ends_sweep(whole: float, n_images: int) -> bool:
        return n_images > 1 and abs(whole) / n_images >= LEAST_WIDTH


def turn_of(item: h5py.Dataset, unit: str, default_unit: str) -> Turn:
    """What is said beside an axis; where that is nothing, what other groups of its sample say. Raises UnknownUnit."""
    name = item.name.rsplit("/", 1)[-1].removesuffix("_start")
    turn = _turn(item.parent, name, unit, attribute(item, "units").strip() or default_unit)
    others = (_turn(group, name, unit, "deg") for group in groups_of_sample(item)) if unit == "deg" else iter(())
    return turn if turn.is_known else next((other for other in others if other.is_known), turn)


def angles_of(item: h5py.Dataset, values: np.ndarray) -> np.ndarray:
    """The angles of an axis, degrees; a list elsewhere in its sample where it has a single one, the first of them."""
    if len(values) != 1:
        return values
    name = item.name.rsplit("/", 1)[-1]
    for group in groups_of_sample(item):
        listed = _values(group, name, "deg", "deg")
        if listed is not None and len(listed) > 1 and abs(listed[0] - values[0]) < SAME_ANGLE:
            return listed
    return values


def groups_of_sample(item: h5py.Dataset) -> Iterator[h5py.Group]:
    """The groups directly below the sample to which an axis belongs, but for the axis's own."""
    own = group = item.parent
    for _ in range(MOST_ABOVE):
        if attribute(group, "NX_class") == "NXsample" or group.name.rsplit("/", 1)[-1] == "sample":
            below = (group.get(name) for name in group if not is_external(group, name))
            yield from (found for found in below if isinstance(found, h5py.Group) and found.name != own.name)
            return
        group = group.parent


def _turn(group: h5py.Group, name: str, unit: str, default_unit: str) -> Turn:
    end, *widths = (_values(group, name + suffix, unit, default_unit) for suffix in EACH)
    total = _values(group, name + TOTAL, unit, default_unit)
    said = sorted((w for w in widths if w is not None), key=lambda width: not np.any(width))  # 0 is often never set
    return Turn(end, said[0] if said else None, None if total is None else float(total[0]))


def _values(group: h5py.Group, name: str, unit: str, default_unit: str) -> np.ndarray | None:
    """The values of a data set, None where it is not there, or none are numbers."""
    item = None if is_external(group, name) else group.get(name)
    if not isinstance(item, h5py.Dataset) or not item.size or not np.issubdtype(item.dtype, np.number):
        return None
    values = values_in(item, unit, default_unit)
    return values if np.any(np.isfinite(values)) else None
