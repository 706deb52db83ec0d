"""Blocks of rotation to be measured by another process, and what it has measured, as arrays.

Numbers stay what they are to the bit, so that what is measured apart is what is measured here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields, replace

import numpy as np

from autoproc.formats.images.frames import ImageReader
from autoproc.integration.beam_level import BeamLevel, FramesWithBeam
from autoproc.integration.blocks import Measuring
from autoproc.integration.kabsch import SpotFrames
from autoproc.integration.passes import MeasuredReflections, measure_all
from autoproc.integration.profiles import DetectorRegions, FittedProfiles
from autoproc.integration.shoeboxes import RotationBlock
from autoproc.kernels.integrate_background import Background
from autoproc.kernels.integrate_fit import Measurements
from autoproc.linear_algebra import single_threaded_blas

Arrays = Mapping[str, np.ndarray]
NUMBERS = ("radius", "gain", "missing_error", "noise")
COUNTS = ("n_images", "min_pixels")
"""Of Measuring."""
OF_FRAMES, OF_BACKGROUND = ("centre", "transform", "rate"), tuple(field.name for field in fields(Background))


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What `measure_all` is asked for; see there. Without a reader: whoever measures has one of his own."""

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

    def measured(self, lit: FramesWithBeam, wanted: range, n_threads: int) -> MeasuredReflections:
        """Measure some of the blocks."""
        return measure_all(
            lit, self.trusted, self.frames, self.bbox, self.zeta, self.d, self.lattice, self.blocks, self.regions,
            self.min_references, replace(self.how, n_threads=n_threads), wanted,
        )  # fmt: skip

    def packed(self, lit: FramesWithBeam) -> dict[str, np.ndarray]:
        """As arrays, with what is known of the beam's level."""
        return {
            "mask": _digest(lit.mask), "trusted": np.packbits(self.trusted), "shape": np.array(self.trusted.shape),
            **{name: getattr(self.frames, name) for name in OF_FRAMES},
            "bbox": self.bbox, "zeta": self.zeta, "d": self.d, "lattice": self.lattice,
            "blocks": np.array([astuple(block) for block in self.blocks]),
            "counts": np.array([
                *(getattr(self.how, name) for name in COUNTS), lit.n_frames, lit.min_trusted, self.regions.n,
                self.min_references,
            ]),
            "numbers": np.array([*(getattr(self.how, name) for name in NUMBERS), lit.max_trusted, lit.level.cap]),
            "level_frames": np.array(list(lit.levels), np.int64), "levels": np.array(list(lit.levels.values()), float),
        }  # fmt: skip


def unpacked(arrays: Arrays, reader: ImageReader) -> tuple[Asked, FramesWithBeam]:
    """What is asked for, and the reader's frames with what is known of their beam.

    Raises ValueError where the reader is not one of the images that are meant.
    """
    n_images, min_pixels, n_frames, min_trusted, n_regions, min_references = map(int, arrays["counts"])
    *numbers, max_trusted, cap = map(float, arrays["numbers"])
    shape = tuple(map(int, arrays["shape"]))
    same = (reader.shape, reader.min_trusted, reader.max_trusted) == (shape, min_trusted, max_trusted)
    if not same or reader.n_frames < n_frames or bytes(_digest(reader.mask)) != bytes(arrays["mask"]):
        raise ValueError("the images are not those that are meant, or their mask is another")
    how = Measuring(
        **dict(zip(NUMBERS, numbers, strict=True)), n_images=n_images, min_pixels=min_pixels, n_threads=0,
    )  # fmt: skip
    blocks = [RotationBlock(*map(int, row)) for row in arrays["blocks"]]
    n_pixels = shape[0] * shape[1]
    trusted = np.unpackbits(arrays["trusted"], count=n_pixels).reshape(shape)
    frames = SpotFrames(*(arrays[name] for name in OF_FRAMES))
    level = BeamLevel.with_cap(cap, reader.mask, min_trusted, how.gain)
    levels = dict(zip(arrays["level_frames"].tolist(), arrays["levels"].tolist(), strict=True))
    lit = FramesWithBeam(reader, level, levels)
    asked = Asked(
        trusted, frames, arrays["bbox"], arrays["zeta"], arrays["d"], arrays["lattice"], blocks,
        DetectorRegions(reader.shape, n_regions), min_references, how,
    )  # fmt: skip
    return asked, lit


@single_threaded_blas
def measured_apart(asked: Asked, lit: FramesWithBeam, wanted: range, n_threads: int) -> dict[str, np.ndarray]:
    """Measure some of the blocks; what came of it, and which frames had no full beam, as arrays."""
    measured = asked.measured(lit, wanted, n_threads)
    return {
        "table": measured.measurements.table, "is_reference": measured.is_reference,
        "is_contested": measured.is_contested, "ends": measured.profiles.ends,
        "coefficients": measured.profiles.coefficients,
        **{f"background_{name}": getattr(measured.background, name) for name in OF_BACKGROUND},
        "without_beam": np.array(sorted(lit.without_beam), np.int64), "dimmed": np.array(sorted(lit.dimmed), np.int64),
    }  # fmt: skip


def joined_in(arrays: Arrays, asked: Asked, wanted: range, lit: FramesWithBeam) -> MeasuredReflections:
    """What another process has measured; the frames that had no full beam are noted in `lit`.

    Raises KeyError or ValueError where the arrays are not those of the blocks that are wanted.
    """
    own = asked.blocks[wanted.start : wanted.stop]
    n = own[-1].last - own[0].first
    background = Background(*(arrays[f"background_{name}"] for name in OF_BACKGROUND))
    tables = (arrays["table"], arrays["is_reference"], arrays["is_contested"], background.mean)
    if any(len(table) != n for table in tables) or len(arrays["ends"]) != len(wanted):
        raise ValueError(f"there are not the {n} reflections of {len(wanted)} blocks")
    profiles = FittedProfiles(asked.regions, arrays["ends"], arrays["coefficients"])
    lit.include(arrays["without_beam"].tolist(), arrays["dimmed"].tolist())
    return MeasuredReflections(
        Measurements(arrays["table"]), background, arrays["is_reference"], arrays["is_contested"], profiles
    )


def _digest(mask: np.ndarray) -> np.ndarray:
    return np.frombuffer(hashlib.blake2b(np.packbits(mask).data, digest_size=16).digest(), np.uint8)
