"""Counts below and beyond which a detector's pixels are not to be trusted, wherever DECTRIS and NXmx put them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import h5py
import numpy as np

from autoproc.formats.hdf5.nexus_fields import groups_of_class, text_of
from autoproc.formats.header_values import overload_assumed

HIGH = ("saturation_value", "countrate_correction_count_cutoff")
LOW = ("underload_value",)
SIGNED_ASSUMED = (
    "the images are of numbers that may be negative and the file gives no underload_value: counts below 0 are taken as "
    "pixels without a value; give min_trusted= if they are counts with the noise of a readout"
)
MARKERS = 2
"""Largest values of an unsigned type that DECTRIS uses as markers of pixels without a value."""
NO_LIMIT = float(0x7FFFFFFF)
MOST_MODULES = 256
MOST_VALUES = 1 << 26
"""Of a limit that every pixel has of its own: as many as the largest detectors have pixels."""


def saturation(detector: h5py.Group, dtype: np.dtype | None = None, remarks: list[str] | None = None) -> float:
    """Counts at and beyond which pixels are overloaded: the lowest limit that the file gives.

    Firmware from 1.7 writes saturation_value, earlier ones a cut-off of the detector or, before 1.5, of its
    modules alone; the bits of a pixel are the last limit. Of limits of each pixel the lowest counts, for all of them.
    dtype : of the images; remarks : gains a sentence where the file gives no limit, or one that is none
    """
    groups = _places(detector)
    said = [limit for group in groups for limit in _limits(group, HIGH)]
    limits = [limit for limit in said if 0 < limit < np.inf]
    if not limits:
        modules = [module for group in groups for module in _modules(group)]
        said += [limit for module in modules for limit in _limits(module, HIGH)]
        limits = [limit for limit in said if 0 < limit < np.inf]
    taken = min([*limits, _of_type(dtype)])
    if remarks is not None and not limits:
        remarks.append(overload_assumed(taken, ", ".join(dict.fromkeys(_worded(limit) for limit in said))))
    return taken


def underload(detector: h5py.Group, dtype: np.dtype, remarks: list[str]) -> float:
    """The lower end of the trusted range: the highest that the file gives, -1 standing for 0, which counters have.

    dtype : of the images; remarks : gains a sentence where negative counts would be possible and nothing is said
    """
    limits = [limit for group in _places(detector) for limit in _limits(group, LOW) if np.isfinite(limit)]
    if not limits and dtype.kind in "if":
        remarks.append(SIGNED_ASSUMED)
    return least_count(max(limits, default=-1.0), dtype)


def least_count(underload_value: float, dtype: np.dtype) -> float:
    """The lower end of the trusted range of images of a type, from their underload: markers stay below it.

    Of unsigned counts none is negative but the markers; the least number of a signed type is always one.
    """
    if dtype.kind != "i":
        return max(underload_value, -1.0) if dtype.kind == "u" else underload_value
    return max(underload_value, float(np.iinfo(dtype).min + 1))


def _worded(limit: float) -> str:
    return "NaN" if np.isnan(limit) else f"{limit:.10g}"


def _places(detector: h5py.Group) -> list[h5py.Group]:
    """The detector, DECTRIS's own collection in it, and the channels of both, which old files do not class."""
    parents = [detector, *_groups(detector, "detectorSpecific")]
    classed = [group for parent in parents for group in groups_of_class(parent, "NXdetector_channel")]
    named = [group for parent in parents for group in _groups(parent, *_channel_names(parent))]
    return [*parents, *classed, *(group for group in named if group not in classed)]


def _channel_names(parent: h5py.Group) -> list[str]:
    return [name for name in parent if name.endswith("_channel")][:MOST_MODULES]


def _groups(parent: h5py.Group, *names: str) -> list[h5py.Group]:
    return [group for group in map(parent.get, names) if isinstance(group, h5py.Group)]


def _modules(group: h5py.Group) -> list[h5py.Group]:
    names = [name for name in group if name.startswith("detectorModule_")]
    return [*_groups(group, *names[:MOST_MODULES]), *groups_of_class(group, "NXdetector_module")[:MOST_MODULES]]


def _limits(group: h5py.Group, names: tuple[str, ...]) -> Iterator[float]:
    for name in names:
        item = group.get(name)
        if not isinstance(item, h5py.Dataset) or not 0 < item.size <= MOST_VALUES:
            continue
        if np.issubdtype(item.dtype, np.number):
            values = np.unique(np.asarray(item[()]).ravel())
            values = values[np.isfinite(values)] if np.any(np.isfinite(values)) else values[:1]
            if len(values) > MOST_MODULES:  # of each pixel: the lowest that is a limit, and the highest
                values = np.array([values[int(np.argmax(values > 0))], values[-1]])
            yield from values.astype(float).tolist()
        elif item.size == 1:
            with suppress(ValueError):  # some writers give numbers as text
                yield float(text_of(group, name))


def _of_type(dtype: np.dtype | None) -> float:
    if dtype is None or dtype.kind not in "iu":
        return NO_LIMIT
    top = float(np.iinfo(dtype).max)
    return min(NO_LIMIT, top - MARKERS if dtype.kind == "u" else top)
