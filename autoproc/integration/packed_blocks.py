"""Blocks of rotation to be measured by another process, and what it has measured, as arrays.

Numbers stay what they are to the bit, so that what is measured apart is what is measured here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import astuple, fields

import numpy as np

from autoproc.formats.images.frames import ImageReader
from autoproc.integration.beam_level import BeamLevel, FramesWithBeam
from autoproc.integration.blocks import Measuring
from autoproc.integration.kabsch import SpotFrames
from autoproc.integration.passes import MeasuredReflections, ToMeasure, measure_all
from autoproc.integration.profiles import DetectorRegions, FittedProfiles
from autoproc.integration.shoeboxes import RotationBlock
from autoproc.kernels.integrate_background import Background
from autoproc.kernels.integrate_fit import Measurements
from autoproc.linear_algebra import single_threaded_blas

Arrays = Mapping[str, np.ndarray]
NUMBERS = ("radius", "gain", "missing_error", "noise")
COUNTS = ("n_images", "min_pixels")
"""Of Measuring."""
OF_REFLECTIONS = ("bbox", "zeta", "d", "lattice")
OF_FRAMES, OF_BACKGROUND = ("centre", "transform", "rate"), tuple(field.name for field in fields(Background))


def packed(what: ToMeasure, lit: FramesWithBeam) -> dict[str, np.ndarray]:
    """What is to be measured as arrays, with what is known of the beam's level; whoever measures has a reader."""
    how = what.how
    return {
        "mask": _digest(lit.mask), "trusted": np.packbits(what.trusted), "shape": np.array(what.trusted.shape),
        **{name: getattr(what.frames, name) for name in OF_FRAMES},
        **{name: getattr(what, name) for name in OF_REFLECTIONS},
        "blocks": np.array([astuple(block) for block in what.blocks]),
        "counts": np.array([
            *(getattr(how, name) for name in COUNTS), lit.n_frames, lit.min_trusted, what.regions.n,
            what.min_references,
        ]),
        "numbers": np.array([*(getattr(how, name) for name in NUMBERS), lit.max_trusted, lit.level.cap]),
        "level_frames": np.array(list(lit.levels), np.int64), "levels": np.array(list(lit.levels.values()), float),
    }  # fmt: skip


def unpacked(arrays: Arrays, reader: ImageReader, n_threads: int) -> tuple[ToMeasure, FramesWithBeam]:
    """What is to be measured, and the reader's frames with what is known of their beam.

    Raises ValueError where the reader is not one of the images that are meant.
    """
    n_images, min_pixels, n_frames, min_trusted, n_regions, min_references = map(int, arrays["counts"])
    *numbers, max_trusted, cap = map(float, arrays["numbers"])
    shape = tuple(map(int, arrays["shape"]))
    same = (reader.shape, reader.min_trusted, reader.max_trusted) == (shape, min_trusted, max_trusted)
    if not same or reader.n_frames < n_frames or bytes(_digest(reader.mask)) != bytes(arrays["mask"]):
        raise ValueError("the images are not those that are meant, or their mask is another")
    how = Measuring(
        **dict(zip(NUMBERS, numbers, strict=True)), n_images=n_images, min_pixels=min_pixels, n_threads=n_threads,
    )  # fmt: skip
    blocks = [RotationBlock(*map(int, row)) for row in arrays["blocks"]]
    n_pixels = shape[0] * shape[1]
    trusted = np.unpackbits(arrays["trusted"], count=n_pixels).reshape(shape)
    frames = SpotFrames(*(arrays[name] for name in OF_FRAMES))
    level = BeamLevel(reader.mask, min_trusted, how.gain, cap)
    levels = dict(zip(arrays["level_frames"].tolist(), arrays["levels"].tolist(), strict=True))
    lit = FramesWithBeam(reader, level, levels)
    what = ToMeasure(
        trusted=trusted, frames=frames, **{name: arrays[name] for name in OF_REFLECTIONS}, blocks=blocks,
        regions=DetectorRegions(reader.shape, n_regions), min_references=min_references, how=how,
    )  # fmt: skip
    return what, lit


@single_threaded_blas
def measured_apart(what: ToMeasure, lit: FramesWithBeam, wanted: range) -> dict[str, np.ndarray]:
    """Measure some of the blocks; what came of it, and which frames had no full beam, as arrays."""
    measured = measure_all(lit, what, wanted)
    return {
        "table": measured.measurements.table, "is_reference": measured.is_reference,
        "is_contested": measured.is_contested, "ends": measured.profiles.ends,
        "coefficients": measured.profiles.coefficients,
        **{f"background_{name}": getattr(measured.background, name) for name in OF_BACKGROUND},
        "without_beam": np.array(sorted(lit.without_beam), np.int64), "dimmed": np.array(sorted(lit.dimmed), np.int64),
    }  # fmt: skip


def joined_in(arrays: Arrays, what: ToMeasure, wanted: range, lit: FramesWithBeam) -> MeasuredReflections:
    """What another process has measured; the frames that had no full beam are noted in `lit`.

    Raises KeyError or ValueError where the arrays are not those of the blocks that are wanted.
    """
    own = what.blocks[wanted.start : wanted.stop]
    n = own[-1].last - own[0].first
    background = Background(*(arrays[f"background_{name}"] for name in OF_BACKGROUND))
    tables = (arrays["table"], arrays["is_reference"], arrays["is_contested"], background.mean)
    if any(len(table) != n for table in tables) or len(arrays["ends"]) != len(wanted):
        raise ValueError(f"there are not the {n} reflections of {len(wanted)} blocks")
    profiles = FittedProfiles(what.regions, arrays["ends"], arrays["coefficients"])
    lit.include(arrays["without_beam"].tolist(), arrays["dimmed"].tolist())
    return MeasuredReflections(
        Measurements(arrays["table"]), background, arrays["is_reference"], arrays["is_contested"], profiles
    )


def _digest(mask: np.ndarray) -> np.ndarray:
    return np.frombuffer(hashlib.blake2b(np.packbits(mask).data, digest_size=16).digest(), np.uint8)
