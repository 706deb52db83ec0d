"""What the images show before any lattice is known, and when that is known from an attempt before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from autoproc.formats.images.frames import ImageReader
from autoproc.integration.beam_level import BeamLevel
from autoproc.integration.early_survey import EarlyFrames, survey_key
from autoproc.integration.powder_rings import PowderRing, ice_rings
from autoproc.integration.scattering import geometry_numbers, scattering
from autoproc.integration.shadow import ShadowParams, Untrusted, find_untrusted
from autoproc.integration.survey import SpotPlaces, SpotSums, survey, survey_tasks, surveyed_frames
from autoproc.models.experiment import Experiment
from autoproc.robust import readout_variance

Early = Callable[[str], EarlyFrames | None]
"""What a survey with this key has seen of the sweep's frames before; None where it is another."""


@dataclass(frozen=True, slots=True, eq=False)
class TypicalFrame:
    """A frame that had beam: image (slow, fast) counts, the background's level, and the readout's noise, counts^2."""

    image: np.ndarray
    level: BeamLevel
    noise: float

    @staticmethod
    def read(reader: ImageReader, frame: int, gain: float) -> TypicalFrame:
        """Read it; gain : variance of counts over their mean."""
        image = reader.read(frame)
        level = BeamLevel(reader.mask, image, reader.min_trusted, gain)
        return TypicalFrame(image, level, readout_variance(image, reader.mask, reader.min_trusted))


@dataclass(frozen=True, slots=True)
class Sources:
    """All that a look at the images depends on; where two are equal, so is what is seen.

    reader : number of frames, their shape, limits of trusted counts
    files : of the frames that are looked at: path, device, inode, size and time of change; empty where one is missing
    pixels : digest of the mask and of the typical frame; spots : of the spots' places
    geometry : numbers of the detector and beam, of `steady_geometry`
    """

    reader: tuple[float, ...]
    files: tuple[tuple[str | int, ...], ...]
    pixels: bytes
    spots: bytes
    geometry: tuple[float, ...]
    shadow: ShadowParams


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the images show whatever lattices are on them: small, beside the images.

    sources : what it depends on; spots : sums over the strong spots
    levels : of the frames looked at, counts per pixel; rings : of ice
    """

    sources: Sources
    spots: SpotSums
    levels: dict[int, float]
    untrusted: Untrusted
    rings: tuple[PowderRing, ...]

    def is_of(self, sources: Sources) -> bool:
        """Another look would see the same: nothing differs, the images are in files, and all of them could be read."""
        return bool(sources.files) and self.sources == sources and all(map(np.isfinite, self.levels.values()))


def sources_of(
    experiment: Experiment, reader: ImageReader, typical: TypicalFrame, places: SpotPlaces, shadow: ShadowParams
) -> Sources:
    """What a look depends on; experiment : of steady_geometry."""
    return Sources(
        (reader.n_frames, *reader.shape, reader.min_trusted, reader.max_trusted),
        _states_of_files(reader),
        _digest((reader.mask, typical.image)),
        _digest((places.xy, places.bbox)),
        geometry_numbers(experiment),
        shadow,
    )


def look(
    experiment: Experiment,
    reader: ImageReader,
    typical: TypicalFrame,
    places: SpotPlaces,
    shadow: ShadowParams,
    n_threads: int,
    earlier: Look | None = None,
    early: Early | None = None,
) -> Look:
    """Look at spots and background; or take what an earlier look saw, where it is the same to the bit.

    experiment : of steady_geometry. The sums over the background are large, and let go.
    early : what was seen while the images were collected; the result is the same as without, to the bit
    """
    sources = sources_of(experiment, reader, typical, places, shadow)
    if earlier is not None and earlier.is_of(sources):
        return earlier
    gain, noise = experiment.detector[0].gain, typical.noise
    where = scattering(experiment, n_threads)
    trusted = np.ascontiguousarray(reader.mask, np.uint8)
    known = None
    if early is not None:
        trust = reader.min_trusted, reader.max_trusted
        known = early(survey_key(trusted, geometry_numbers(experiment), trust, gain, noise))
        if known is not None and not known.covers(survey_tasks(reader.n_frames, trusted.size)):
            known = None
    seen = survey(reader, trusted, where.ring, places, typical.level, n_threads, gain, noise, known)
    nothing = np.zeros(reader.shape, bool)
    untrusted = Untrusted(nothing, nothing, 0.0, 0)
    if shadow.is_enabled:
        untrusted = find_untrusted(experiment, where, seen.background, reader.mask, shadow, noise, n_threads)
    rings = ice_rings(experiment, where, seen.background, usable_pixels(reader, untrusted))
    return Look(sources, seen.spots, seen.levels, untrusted, rings)


def usable_pixels(reader: ImageReader, untrusted: Untrusted) -> np.ndarray:
    """(slow, fast) bool: pixels that the detector vouches for, in no shadow and not hot."""
    return reader.mask & ~untrusted.is_shadowed & ~untrusted.is_hot


def _digest(arrays: Iterable[np.ndarray]) -> bytes:
    """Of shapes, types and bytes."""
    total = hashlib.blake2b(digest_size=16)
    for array in arrays:
        total.update(f"{array.shape} {array.dtype.str}".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.digest()


def _states_of_files(reader: ImageReader) -> tuple[tuple[str | int, ...], ...]:
    """Of the frames looked at, once each; empty where one is not there."""
    paths = dict.fromkeys(reader.path(frame) for run in surveyed_frames(reader.n_frames) for frame in run)
    try:
        states = {str(path): path.stat() for path in paths}
    except OSError:
        return ()
    return tuple((p, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns) for p, s in states.items())
