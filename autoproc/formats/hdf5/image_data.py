"""Which data sets of a master hold the images, and which detector made them: one choice for all readers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from autoproc.formats.hdf5.image_evidence import NO_IMAGES, Evidence, evidence_of
from autoproc.formats.hdf5.nexus_fields import attribute, groups_of_class, is_external, number, text

NUMBERED = re.compile(r"data_\d+")
STACK = (3, 4)
"""Dimensions of a stack of images: (image, slow, fast), or (image, channel, slow, fast) where there are channels."""


def entry_of(handle: h5py.File) -> h5py.Group | None:
    """The entry that @default names, else the first; None where there is none."""
    entries = groups_of_class(handle, "NXentry")
    named = [entry for entry in entries if entry.name == f"/{attribute(handle, 'default').strip('/')}"]
    entry = named[0] if named else entries[0] if entries else handle.get("entry")
    return entry if isinstance(entry, h5py.Group) else None


def image_names(entry: h5py.Group) -> tuple[h5py.Group, list[str]] | None:
    """The group with the images and the names in it of their data sets, in order; None where there are none yet.

    Of several stacks of images that which the fewest of the detector's size, the number of images or angles and
    whatever the name stands for speak against. Of equals, as NeXus has it: in the NXdata group that @default names,
    then `data`, then any other; in it the @signal, then all of data_000001, data_000002 ..., then `data`; of others
    whole numbers before fractions, then the one of most pixels in all. External links are not
    followed, and nothing speaks against them: their files may not be there yet.
    """
    evidence = evidence_of(entry)
    groups = _candidates(entry)
    stacks = [_Stack(group, names, place, rank) for place, group in groups for rank, names in _stacks_in(group)]
    best = min(stacks, key=lambda stack: stack.key(evidence), default=None)
    return None if best is None else (best.group, best.names)


@dataclass(frozen=True, slots=True)
class _Stack:
    """What may be the images: data sets of a group, and how NeXus ranks that and them, the best at 0."""

    group: h5py.Group
    names: list[str]
    place: int
    rank: int

    def key(self, evidence: Evidence) -> tuple[int, ...]:
        """Sorts stacks, the likeliest first."""
        if any(is_external(self.group, name) for name in self.names):
            return (0, self.place, self.rank, 0, 0)
        items = [item for item in map(self.group.get, self.names) if is_image_stack(item)]
        size = sum(int(np.prod(item.shape)) for item in items)
        return (evidence.against(items), self.place, self.rank, items[0].dtype.kind == "f", -size)


def _candidates(entry: h5py.Group) -> list[tuple[int, h5py.Group]]:
    """Groups that may hold images, with their rank."""
    default = text(entry.attrs.get("default", "")).strip("/")
    groups = groups_of_class(entry, "NXdata")
    plain = entry.get("data")
    if isinstance(plain, h5py.Group) and plain not in groups:
        groups.append(plain)

    def rank(group: h5py.Group) -> int:
        name = group.name.rsplit("/", 1)[-1]
        return 0 if default and name == default else 1 if name == "data" else 2

    instruments = groups_of_class(entry, "NXinstrument")
    detectors = [d for instrument in instruments for d in groups_of_class(instrument, "NXdetector")]
    return [*((rank(group), group) for group in groups), *((3, detector) for detector in detectors)]


def _stacks_in(group: h5py.Group) -> Iterator[tuple[int, list[str]]]:
    """What may be images in a group: rank and names."""
    numbered = sorted((name for name in group if NUMBERED.fullmatch(name)), key=lambda name: (len(name), name))
    signal = text(group.attrs.get("signal", "")).strip()
    flagged = [name for name in group if _is_flagged(group, name)]
    first = [name for name in (signal, *flagged) if name in group and name not in numbered][:1]
    if first and _may_be_stack(group, first[0]):
        yield 0, first
    if numbered and _may_be_stack(group, numbered[0]):
        yield 1, numbered
    for name in group:
        if name not in (*first, *numbered) and not NO_IMAGES.search(name) and _may_be_stack(group, name):
            yield (2 if name == "data" else 3), [name]


def _is_flagged(group: h5py.Group, name: str) -> bool:
    """The older way to name a signal: an attribute of the data set itself."""
    item = None if is_external(group, name) else group.get(name)
    return isinstance(item, h5py.Dataset) and text(item.attrs.get("signal", "")) == "1"


def _may_be_stack(group: h5py.Group, name: str) -> bool:
    if is_external(group, name):
        return True
    item = group.get(name)
    return is_image_stack(item)


def is_image_stack(item: object) -> bool:
    """A data set of images: numbers in three dimensions, or four of which the second counts channels."""
    return isinstance(item, h5py.Dataset) and item.ndim in STACK and item.dtype.kind in "iuf"


def choose_detector(instrument: h5py.Group, shape: tuple[int, int]) -> tuple[h5py.Group | None, list[h5py.Group]]:
    """The NXdetector that made images of (slow, fast) `shape`, and the others that have pixels as well.

    Beam monitors and cameras are written as detectors too: it has modules or pixel sizes, and the images' size.
    """
    detectors = groups_of_class(instrument, "NXdetector")
    plain = instrument.get("detector")
    if not detectors and isinstance(plain, h5py.Group):
        detectors = [plain]
    if not detectors:
        return None, []
    ranked = sorted(detectors, key=lambda detector: _evidence(detector, shape), reverse=True)
    others = [detector for detector in ranked[1:] if _evidence(detector, shape)[1]]
    return ranked[0], others


def _evidence(detector: h5py.Group, shape: tuple[int, int]) -> tuple[bool, bool, bool]:
    """How much says that images come from a detector: their size, pixels, its usual name."""
    sizes = [np.asarray(m["data_size"][()]).ravel()[-2:].tolist() for m in modules_of(detector) if "data_size" in m]
    specific = detector.get("detectorSpecific", detector)
    n_pixels = [number(specific, f"{axis}_pixels_in_detector") for axis in "yx"] if specific is not None else []
    has_pixels = bool(sizes) or number(detector, "x_pixel_size") is not None or None not in n_pixels
    has_size = any(sorted(size) == sorted(shape) for size in [*sizes, n_pixels] if None not in size)
    return has_size, has_pixels, detector.name.rsplit("/", 1)[-1] == "detector"


def modules_of(detector: h5py.Group) -> list[h5py.Group]:
    """The modules of a detector that say where their pixels are."""
    return [m for m in groups_of_class(detector, "NXdetector_module") if "fast_pixel_direction" in m]
