"""Counts beyond which a detector's pixels are not to be trusted, wherever DECTRIS and NXmx put them."""

from __future__ import annotations

from collections.abc import Iterator

import h5py
import numpy as np

from autoproc.formats.nexus_fields import groups_of_class

FIELDS = ("saturation_value", "countrate_correction_count_cutoff")
MARKERS = 2
"""Largest values of an unsigned type that DECTRIS uses as markers of pixels without a value."""
NO_LIMIT = float(0x7FFFFFFF)
MOST_MODULES = 256


def saturation(detector: h5py.Group, dtype: np.dtype | None = None) -> float:
    """Counts at and beyond which pixels are overloaded: the lowest limit that the file gives.

    Firmware from 1.7 writes saturation_value, earlier ones a cut-off of the detector or, before 1.5, of its
    modules alone; the bits of a pixel are the last limit. dtype : of the images.
    """
    groups = [detector, *_groups(detector, "detectorSpecific"), *groups_of_class(detector, "NXdetector_channel")]
    limits = [limit for group in groups for limit in _limits(group)]
    if not limits:
        limits = [limit for group in groups for module in _modules(group) for limit in _limits(module)]
    return min([*limits, _of_type(dtype)])


def _groups(parent: h5py.Group, *names: str) -> list[h5py.Group]:
    return [group for group in map(parent.get, names) if isinstance(group, h5py.Group)]


def _modules(group: h5py.Group) -> list[h5py.Group]:
    names = [name for name in group if name.startswith("detectorModule_")]
    return _groups(group, *names[:MOST_MODULES])


def _limits(group: h5py.Group) -> Iterator[float]:
    for name in FIELDS:
        item = group.get(name)
        if isinstance(item, h5py.Dataset) and np.issubdtype(item.dtype, np.number) and 0 < item.size <= MOST_MODULES:
            values = np.asarray(item[()], float).ravel()
            yield from values[np.isfinite(values) & (values > 0)].tolist()


def _of_type(dtype: np.dtype | None) -> float:
    if dtype is None or dtype.kind not in "iu":
        return NO_LIMIT
    top = float(np.iinfo(dtype).max)
    return min(NO_LIMIT, top - MARKERS if dtype.kind == "u" else top)
