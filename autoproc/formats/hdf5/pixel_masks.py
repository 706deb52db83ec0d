"""Pixel masks of NXmx and DECTRIS files, of whatever shape and type they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass

import h5py
import numpy as np

from autoproc.formats.hdf5.nexus_fields import groups_of_class

VIRTUAL = 1 << 31
"""The only bit of NXmx's pixel_mask that tells of a usable pixel: one between chips whose count is shared out.

Bits 0 to 8 are gaps, dead, too weak, too strong, noisy, clustered and user's pixels (NXdetector); whoever sets one
that the standard leaves open means something by it, so that all but this one are bad.
"""
MASK = re.compile(r"pixel_mask(_\d{1,4})?")
MOSTLY = 0.6
"""Of the pixels: a mask that leaves fewer is doubted (gaps take 8%, and half a detector may be in the shade)."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelMask:
    """good : (slow, fast) bool, True where a pixel may be used, or None where the file has no mask that fits.

    warnings : what is wrong with masks, in plain words
    """

    good: np.ndarray | None
    warnings: tuple[str, ...] = ()


def pixel_mask(detector: h5py.Group, shape: tuple[int, int]) -> PixelMask:
    """The mask of a detector for images of (slow, fast) `shape`: every one that fits counts."""
    found: list[np.ndarray] = []
    warnings: list[str] = []
    for item in _candidates(detector, warnings):
        bits = _in_shape(item, shape, warnings)
        if bits is not None:
            found.append(good_pixels(bits))
    good = np.logical_and.reduce(found) if found else None
    if good is not None and good.mean() < 1 - MOSTLY:
        warnings.append(
            f"the pixel mask leaves {good.mean():.0%} of the pixels: is it the wrong way round? (0 is a good pixel)"
        )
    return PixelMask(good, tuple(warnings))


def good_pixels(bits: np.ndarray) -> np.ndarray:
    """True where no bit says that a pixel is bad; masks may be bool, integers or floats."""
    if bits.dtype.kind == "f":
        return bits == 0
    if bits.dtype.kind == "i" and bits.dtype.itemsize == 4:
        bits = bits.view(np.uint32)
    good = bits == 0
    if bits.dtype.kind == "u" and bits.dtype.itemsize >= 4:
        good |= bits == VIRTUAL
    return good


def _candidates(detector: h5py.Group, warnings: list[str]) -> list[h5py.Dataset]:
    """Data sets that are masks: NXmx has further ones in pixel_mask_N, and takes all together."""
    groups = [detector, *groups_of_class(detector, "NXdetector_channel")[:1], detector.get("detectorSpecific")]
    found: list[h5py.Dataset] = []
    for group in groups:
        names = [name for name in group if MASK.fullmatch(name)] if isinstance(group, h5py.Group) else []
        for name in names:
            item = group.get(name)
            if isinstance(item, h5py.Dataset) and item not in found:
                found.append(item)
            if item is None:
                warnings.append(f"{group.name}/{name} is a link to what is not there: no pixels are masked by it")
    return found


def _in_shape(item: h5py.Dataset, shape: tuple[int, int], warnings: list[str]) -> np.ndarray | None:
    """The last two dimensions of a mask, or a flat one row by row; turned where it lies the other way.

    None for one that does not fit.
    """
    if item.dtype.kind not in "biuf":
        warnings.append(f"{item.name} is no array of numbers: it is not used")
        return None
    if item.shape == (shape[0] * shape[1],):
        return np.asarray(item[()]).reshape(shape)
    last = item.shape[-2:]
    n_leading = int(np.prod(item.shape[:-2]))
    if last == shape[::-1] != shape and n_leading == 1:
        warnings.append(f"{item.name} lies the other way ({last[0]} x {last[1]}) than the images: it is turned")
        return np.asarray(item[()]).reshape(last).T
    if last != shape or n_leading == 0:
        warnings.append(
            f"{item.name} has {' x '.join(map(str, item.shape)) or 'no'} values, the images {shape[0]} x {shape[1]} "
            "pixels: it is not used; mask= names pixels by hand"
        )
        return None
    first = item[(0,) * (item.ndim - 2)] if item.ndim > 2 else item[()]
    if n_leading > 1:
        warnings.append(f"{item.name} has {n_leading} layers: the first is used")
    return np.asarray(first)
