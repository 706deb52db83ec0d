"""Where the frames of a virtual data set are stored: which frame of which data set of which file."""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np

from autoproc.formats.hdf5.confined_hdf5 import is_pattern, source_name

UNLIMITED = 1 << 62
"""Counts above it stand for as many as there are."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameSources:
    """Of each frame of a virtual data set, who holds it.

    names : (file, data set) of each source, the file as the virtual data set names it, "." for its own
    source : (N,) which of them holds each frame, -1 where none does; index : (N,) its place there
    """

    names: list[tuple[str, str]]
    source: np.ndarray
    index: np.ndarray


def frame_sources(dataset: h5py.Dataset) -> FrameSources | None:
    """The sources of a virtual data set (n, slow, fast); None where they do not each hold whole frames, in order.

    That a source has frames of the same size is for the reader to see.
    """
    if dataset.ndim != 3:
        return None
    n = int(dataset.shape[0])
    found = FrameSources([], np.full(n, -1, np.int32), np.zeros(n, np.intp))
    for number, source in enumerate(dataset.virtual_sources()):
        if is_pattern(source.file_name) or is_pattern(source.dset_name):
            return None
        if not all(_takes_whole_frames(space, dataset.shape[1:]) for space in (source.vspace, source.src_space)):
            return None
        places, origins = frames_of(source.vspace, n), frames_of(source.src_space, UNLIMITED, n)
        m = min(len(places), len(origins))
        found.names.append((source_name(source.file_name), source_name(source.dset_name)))
        found.source[places[:m]], found.index[places[:m]] = number, origins[:m]
    return found


def frames_of(space: h5py.h5s.SpaceID, n: int, most: int | None = None) -> np.ndarray:
    """Frames, of n, that a selection takes, in order; no more than `most`."""
    needed = n if most is None else most
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return np.arange(needed)
    if not space.is_regular_hyperslab():
        low, high = space.get_select_bounds()
        return np.arange(low[0], min(high[0] + 1, n))
    start, stride, count, block = (int(part[0]) for part in space.get_regular_hyperslab())
    block = needed if block > UNLIMITED else min(block, needed)
    count = min(count, -(-needed // max(block, 1)))
    frames = (start + stride * np.arange(count)[:, None] + np.arange(block)).ravel()
    return frames[frames < n]


def _takes_whole_frames(space: h5py.h5s.SpaceID, pixels: tuple[int, ...]) -> bool:
    """All pixels of each frame that a selection takes, if frames are of that size; the space itself may not know it."""
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return True
    if not space.is_regular_hyperslab():
        return False
    start, stride, count, block = (part[1:] for part in space.get_regular_hyperslab())
    if len(start) != len(pixels):
        return False
    along = zip(stride, count, block, pixels, strict=True)
    return not any(start) and all((s == b or c == 1) and c * b == n for s, c, b, n in along)
