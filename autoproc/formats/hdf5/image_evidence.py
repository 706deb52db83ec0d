"""What else a master says of its images: their size and their number, which tell them from other stacks beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import h5py
import numpy as np

from autoproc.formats.hdf5.nexus_fields import groups_of_class, is_external, number

NO_IMAGES = re.compile(
    r"(?:^|_)(?:(?:pixel_?|bad_?)?masks?|bad_?pixels?|flat(?:_?fields?)?|darks?|backgrounds?|bkg|pedestals?|gains?"
    r"|thumb(?:nail)?s?|previews?|errors?|variances?|sigmas?|weights?|efficiency)(?:_|\d|$)",
    re.IGNORECASE,
)
"""Names of what NXdetector and writers of masters keep beside the images; only a signal of that name is images."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """sizes : of the images, each as (shorter, longer) pixels; numbers : of them; both empty where nothing is said."""

    sizes: frozenset[tuple[int, int]]
    numbers: frozenset[int]

    def against(self, stacks: Sequence[h5py.Dataset]) -> int:
        """How many of the two speak against some data sets that are one stack together: 0, 1 or 2."""
        shape = sorted(stacks[0].shape[-2:])
        n = sum(int(stack.shape[0]) for stack in stacks)
        may_grow = stacks[-1].maxshape[0] is None and n <= max(self.numbers, default=0)
        is_other_size = bool(self.sizes) and (shape[0], shape[1]) not in self.sizes
        return is_other_size + (bool(self.numbers) and n not in self.numbers and not may_grow)


def evidence_of(entry: h5py.Group) -> Evidence:
    """What the detectors and the sample of an entry say of the images. Only sizes of data sets are looked at."""
    detectors = [d for i in groups_of_class(entry, "NXinstrument") for d in groups_of_class(i, "NXdetector")]
    sizes = {size for detector in detectors for size in _sizes(detector)}
    numbers = {n for detector in detectors for n in _announced(detector)} | set(_angles(entry))
    return Evidence(frozenset((min(size), max(size)) for size in sizes), frozenset(n for n in numbers if n > 1))


def _sizes(detector: h5py.Group) -> Iterator[tuple[int, int]]:
    modules = [m for m in groups_of_class(detector, "NXdetector_module") if _is_pair(m, "data_size")]
    if modules:
        ends = [_last_two(m, "data_size") + (_last_two(m, "data_origin") if _is_pair(m, "data_origin") else 0)
                for m in modules]  # fmt: skip
        slow, fast = np.max(ends, axis=0).tolist()
        yield slow, fast
    specific = detector.get("detectorSpecific")
    for group in (detector, specific):
        if not isinstance(group, h5py.Group):
            continue
        said = [number(group, f"{axis}_pixels_in_detector") for axis in "yx"]
        if None not in said:
            yield int(said[0] or 0), int(said[1] or 0)
        mask = group.get("pixel_mask") if not is_external(group, "pixel_mask") else None
        if isinstance(mask, h5py.Dataset) and mask.ndim > 1:
            yield int(mask.shape[-2]), int(mask.shape[-1])


def _is_pair(module: h5py.Group, name: str) -> bool:
    item = module.get(name)
    return isinstance(item, h5py.Dataset) and item.size > 1 and item.dtype.kind in "iuf"


def _last_two(module: h5py.Group, name: str) -> np.ndarray:
    return np.asarray(module[name][()]).ravel()[-2:].astype(np.int64)


def _announced(detector: h5py.Group) -> Iterator[int]:
    """Numbers of images that DECTRIS's detector was armed for."""
    specific = detector.get("detectorSpecific", detector)
    n_images = number(specific, "nimages") if isinstance(specific, h5py.Group) else None
    if n_images is not None and np.isfinite(n_images):
        n_triggers = number(specific, "ntrigger") or 1
        yield from (int(n_images), int(n_images * n_triggers) if np.isfinite(n_triggers) else 0)


def _angles(entry: h5py.Group) -> Iterator[int]:
    """Numbers of angles of the axes that carry the sample."""
    for sample in groups_of_class(entry, "NXsample"):
        for name in sample:
            axes = None if is_external(sample, name) else sample.get(name)
            if isinstance(axes, h5py.Group):
                items = (None if is_external(axes, axis) else axes.get(axis) for axis in axes)
                yield from (int(item.size) for item in items if isinstance(item, h5py.Dataset) and item.ndim == 1)
