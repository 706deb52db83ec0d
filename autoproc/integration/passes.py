"""The second pass over the images: measure every reflection, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from autoproc.formats.images.frames import ImageReader
from autoproc.integration.beam_level import FramesWithBeam
from autoproc.integration.blocks import (
    Measuring,
    block_equations,
    block_measurements,
    first_look,
    joined_backgrounds,
    mean_intensities,
)
from autoproc.integration.kabsch import SpotFrames
from autoproc.integration.profiles import DetectorRegions, Equations, FittedProfiles, solve_profiles
from autoproc.integration.shoeboxes import RotationBlock, stream_shoeboxes
from autoproc.kernels.integrate_background import Background
from autoproc.kernels.integrate_fit import Measurements
from autoproc.kernels.integrate_shoebox import PixelMemory, Shoeboxes

NEIGHBOURS = 1
"""Rotation blocks on either side whose strong spots teach the profiles of a block."""


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredReflections:
    """Everything measured of all reflections: measurements, background and two marks, (N,) bool; and with what."""

    measurements: Measurements
    background: Background
    is_reference: np.ndarray
    is_contested: np.ndarray
    profiles: FittedProfiles

    @staticmethod
    def concatenate(parts: Sequence[MeasuredReflections]) -> MeasuredReflections:
        """Those of one sweep, in order of frame."""
        profiles = [part.profiles for part in parts]
        return MeasuredReflections(
            Measurements(np.concatenate([part.measurements.table for part in parts])),
            joined_backgrounds([part.background for part in parts]),
            np.concatenate([part.is_reference for part in parts]),
            np.concatenate([part.is_contested for part in parts]),
            FittedProfiles(
                profiles[0].regions,
                np.concatenate([one.ends for one in profiles]),
                np.concatenate([one.coefficients for one in profiles]),
            ),
        )


@dataclass(frozen=True, slots=True, eq=False)
class ToMeasure:
    """Reflections (N,), sorted by frame, and how they are measured.

    trusted : (slow, fast) uint8; bbox : (N, 6); zeta : (N,); d : (N,) Angstrom
    lattice : (N,) each lattice has profiles of its own; regions : of the detector, each with a profile of its own
    blocks : of rotation; their reflections are measured, those before and after claim the pixels that are theirs
    min_references : strong spots that a region needs for a profile
    """

    trusted: np.ndarray
    frames: SpotFrames
    bbox: np.ndarray
    zeta: np.ndarray
    d: np.ndarray
    lattice: np.ndarray
    blocks: list[RotationBlock]
    regions: DetectorRegions
    min_references: int
    how: Measuring


Measure = Callable[[FramesWithBeam, ToMeasure], MeasuredReflections]
"""Measures as `measure_all` does, to the bit, here or by several processes."""


@dataclass(frozen=True, slots=True, eq=False)
class _Learnt:
    """A block whose spots have been learnt from and that waits to be fitted."""

    boxes: Shoeboxes
    background: Background
    region: np.ndarray
    mean: np.ndarray
    equations: Equations
    teaches: np.ndarray


def measure_all(reader: ImageReader, what: ToMeasure, wanted: range | None = None) -> MeasuredReflections:
    """Measure reflections in one pass over the images.

    wanted : consecutive ones of the blocks, all if none are named. These come out as they do among all: of the others
        the NEIGHBOURS on either side are looked at too, to learn from
    A block is fitted once its neighbours are learnt from: two blocks of shoeboxes are in memory, and those that
    are being filled.
    """
    wanted = range(len(what.blocks)) if wanted is None else wanted
    own, first_learnt = what.blocks[wanted.start : wanted.stop], max(0, wanted.start - NEIGHBOURS)
    contested = np.zeros(len(what.frames), np.uint8)
    memory = PixelMemory()
    learnt = _learnt(reader, what, what.blocks[first_learnt : wanted.stop + NEIGHBOURS], contested, memory)
    of_wanted = islice(_windows(learnt), wanted.start - first_learnt, wanted.stop - first_learnt)
    results, fitted = [], []
    for window, current in of_wanted:
        profiles = _profiles([w.equations for w in window], what.regions.count, what.min_references)
        measured = block_measurements(
            current.boxes, current.background, profiles, current.region, current.mean, what.how
        )
        memory.give_back(current.boxes)
        fitted.append(profiles.astype(np.float32))  # in whole they take no more than a frame
        results.append((measured.table, current.background, current.teaches))
    tables, backgrounds, teaches = zip(*results, strict=True)
    ends = what.frames.centre[[block.last - 1 for block in own], 2]
    rows = slice(own[0].first, own[-1].last)
    return MeasuredReflections(
        Measurements(np.concatenate(tables)), joined_backgrounds(backgrounds), np.concatenate(teaches),
        contested[rows] > 0, FittedProfiles(what.regions, ends, np.stack(fitted)),
    )  # fmt: skip


def _learnt(
    reader: ImageReader, what: ToMeasure, blocks: list[RotationBlock], contested: np.ndarray, memory: PixelMemory
) -> Iterator[_Learnt]:
    """Blocks, one after the other, as soon as their shoeboxes are filled. contested : (N,) uint8, filled meanwhile."""
    how, regions = what.how, what.regions
    n_regions = regions.count * (int(what.lattice.max()) + 1)
    region = regions.of(what.frames.centre[:, :2]) + regions.count * what.lattice
    stream = stream_shoeboxes(
        reader, what.trusted, what.frames, what.bbox, blocks, how.radius, how.n_threads, contested, memory
    )
    for block, boxes in zip(blocks, stream, strict=True):
        rows = slice(block.first, block.last)
        background, first = first_look(boxes, how)
        equations, teaches = block_equations(
            boxes, background, first, what.zeta[rows], contested[rows], region[rows], n_regions, how
        )
        yield _Learnt(boxes, background, region[rows], mean_intensities(first, what.d[rows]), equations, teaches)


def _profiles(window: list[Equations], n_regions: int, min_references: int) -> np.ndarray:
    """Profiles of every region of every lattice; a lattice does not borrow from another."""
    pooled = Equations.sum_of(window)
    parts = []
    for first in range(0, len(pooled.n_spots), n_regions):
        own = slice(first, first + n_regions)
        parts.append(
            solve_profiles(Equations(pooled.normal[own], pooled.right[own], pooled.n_spots[own]), min_references)
        )
    return np.concatenate(parts)


def _windows(items: Iterator[_Learnt]) -> Iterator[tuple[list[_Learnt], _Learnt]]:
    """Each item with its neighbours on either side, as soon as these are there."""
    recent: list[_Learnt] = []
    position = 0
    for item in items:
        recent.append(item)
        if len(recent) > 2 * NEIGHBOURS + 1:
            recent.pop(0)
            position -= 1
        if len(recent) > NEIGHBOURS + position:
            yield list(recent), recent[position]
            position += 1
    while position < len(recent):
        yield recent[max(0, position - NEIGHBOURS) :], recent[position]
        position += 1
