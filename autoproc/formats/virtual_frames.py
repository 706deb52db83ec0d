"""Where the frames of a virtual data set are stored: which frame of which data set of which file."""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np

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
    """The sources of a virtual data set (n, slow, fast); None where they do not each hold whole frames, in order."""
    if dataset.ndim != 3:
        return None
    n, pixels = int(dataset.shape[0]), dataset.shape[1:]
    found = FrameSources([], np.full(n, -1, np.int32), np.zeros(n, np.intp))
    for number, source in enumerate(dataset.virtual_sources()):
        if "%b" in source.file_name or "%b" in source.dset_name:
            return None
        places, origins = frames_of(source.vspace, n), frames_of(source.src_space, UNLIMITED, len_needed=n)
        if not (_takes_whole_frames(source.vspace, pixels) and _takes_whole_frames(source.src_space, pixels)):
            return None
        m = min(len(places), len(origins))
        found.names.append((source.file_name, source.dset_name))
        found.source[places[:m]], found.index[places[:m]] = number, origins[:m]
    return found


def frames_of(space: h5py.h5s.SpaceID, n: int, len_needed: int | None = None) -> np.ndarray:
    """Frames, of n, that a selection takes, in order; no more than are needed."""
    needed = n if len_needed is None else len_needed
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
    """All pixels of each frame that a selection takes; a selection of all is known to fit."""
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return tuple(space.get_simple_extent_dims()[-2:]) == tuple(pixels)
    if not space.is_regular_hyperslab() or len(space.get_simple_extent_dims()) != 3:
        return False
    start, stride, count, block = (part[1:] for part in space.get_regular_hyperslab())
    along = zip(stride, count, block, pixels, strict=True)
    return not any(start) and all((s == b or c == 1) and c * b == n for s, c, b, n in along)
