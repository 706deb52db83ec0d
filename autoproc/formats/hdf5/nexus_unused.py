"""What an HDF5 master holds that has a bearing on the data and is not used, named for the user."""

from __future__ import annotations

import re
from typing import Any

import h5py
import numpy as np

from autoproc.formats.hdf5.image_data import modules_of
from autoproc.formats.hdf5.nexus_fields import attribute, groups_of_class, number
from autoproc.formats.hdf5.nexus_geometry import choose_sample, moving_detector_axes
from autoproc.formats.hdf5.segments import Segment

SCALE = re.compile(r"pedestal|offset|add_offset|scale|scaling|scale_factor|scaling_factor")
"""What turns stored numbers into counts: as NXdata names them (also with the name of the data before them), as NXmx has
them, and as attributes that other writers of HDF5 give to a data set."""
TRANSFORMATIONS = "NXtransformations"


def unused_facts(
    handle: h5py.File, entry: h5py.Group, detector: h5py.Group, others: list[h5py.Group], images: Segment
) -> tuple[str, ...]:
    """Corrections not yet made to the images, other detectors, channels and entries; each in a few plain words."""
    found = [*_corrections(detector), *_scales(handle, detector, images)]
    found += [f"the detector {_short(other)}" for other in others]
    if images.n_channels > 1:
        found.append(f"{images.n_channels - 1} of {images.n_channels} channels at each angle: the first is processed")
    further = [e for e in groups_of_class(handle, "NXentry") if e.name != entry.name]
    found += [f"the entry {_short(other)}" for other in further]
    found += [f"the sample {_short(other)}" for other in choose_sample(entry)[1]]
    found += [f"the movement of the sample along {name}" for name in _translations(entry)]
    found += _movements(detector)
    return tuple(found)


def _short(item: h5py.Group | h5py.Dataset) -> str:
    name = item.name.rsplit("/", 1)[-1]
    return name if name.isprintable() and len(name) <= 40 else "of an odd name"


def _corrections(detector: h5py.Group) -> list[str]:
    """Corrections that the detector says were not made, where it holds what they need."""
    found = []
    groups = [group for group in (detector, detector.get("detectorSpecific")) if isinstance(group, h5py.Group)]
    said = [number(detector, name) for name in ("flatfield_correction_applied", "flatfield_applied")]
    if any("flatfield" in group for group in groups) and 0 in said and 1 not in said:
        found.append("the flat field, which was not applied to the images")
    for name, words in (
        ("dead_time", "the dead time"),
        ("countrate_correction_lookup_table", "the count rate's table"),
    ):
        is_there = any(name in group for group in groups)
        if is_there and number(detector, "countrate_correction_applied") == 0:
            found.append(f"{words}, which was not applied to the images")
    return found


def _scales(handle: h5py.File, detector: h5py.Group, images: Segment) -> list[str]:
    """What would turn stored numbers into counts: beside the images, of the detector, or attributes of the images."""
    folder, signal = images.dataset.rsplit("/", 1)
    data, stack = handle.get(folder), handle.get(images.dataset)
    found = []
    for group in (detector, data):
        for name in _names_of_scales(group, signal):
            item = group.get(name)
            is_said = isinstance(item, h5py.Dataset) and item.dtype.kind in "iuf" and item.size
            if is_said and (item.size > 1 or _changes(item[()], name)):
                found.append(f"the {name.replace('_', ' ')} beside the images: their numbers are taken as counts")
    said = stack.attrs if isinstance(stack, h5py.Dataset) else {}
    found += [
        f"the attribute {name} of the images: their numbers are taken as counts"
        for name in said
        if SCALE.fullmatch(name) and np.asarray(said[name]).dtype.kind in "iuf" and _changes(said[name], name)
    ]
    return list(dict.fromkeys(found))


def _names_of_scales(group: object, signal: str) -> list[str]:
    """Members of a group that scale or shift its images: of all of them, or of those of a name."""
    if not isinstance(group, h5py.Group):
        return []
    heads = ("", "data_", f"{signal}_")
    return [name for name in group if any(SCALE.fullmatch(name.removeprefix(head)) for head in heads)]


def _changes(values: Any, name: str) -> bool:
    """It changes numbers: a factor that is not 1, or an offset that is not 0."""
    neutral = 1.0 if "scal" in name else 0.0
    return bool(np.any(np.asarray(values, float) != neutral))


def _movements(detector: h5py.Group) -> list[str]:
    """Axes that move the detector while images are taken."""
    return [
        f"the movement of the detector's {_short(detector.file[axis.path])} from {np.min(axis.known):g} to "
        f"{np.max(axis.known):g} {'degrees' if axis.is_rotation else 'mm'}: it is kept at its first place"
        for module in modules_of(detector)[:1]
        for axis in moving_detector_axes(module, detector)
    ]


def _translations(entry: h5py.Group) -> list[str]:
    """Translations of the sample that vary from image to image, as in a helical scan."""
    chains = [
        axes for sample in groups_of_class(entry, "NXsample") for axes in groups_of_class(sample, TRANSFORMATIONS)
    ]
    return [_short(axes[name]) for axes in chains for name in axes if _moves_along(axes.get(name))]


def _moves_along(item: object) -> bool:
    if not isinstance(item, h5py.Dataset) or attribute(item, "transformation_type") != "translation":
        return False
    return item.size > 1 and item.dtype.kind in "iuf" and bool(np.ptp(np.asarray(item[()])) > 0)
