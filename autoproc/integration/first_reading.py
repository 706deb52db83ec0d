"""What the images show before any lattice is known, and when that is known from an attempt before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.formats.images.frames import ImageReader
from autoproc.integration.beam_level import BeamLevel
from autoproc.integration.powder_rings import PowderRing, ice_rings
from autoproc.integration.scattering import Scattering, geometry_numbers, scattering
from autoproc.integration.shadow import ShadowParams, Untrusted, find_untrusted
from autoproc.integration.survey import SpotPlaces, SpotSums, Survey, survey, surveyed_frames
from autoproc.kernels.integrate_survey import BackgroundSum
from autoproc.models.experiment import Experiment
from autoproc.robust import readout_variance

JUDGED_AGAIN = 1.5
"""Shadows and hot pixels are looked for once more when so many times the frames were looked at: fewer tell next to
nothing that is new, and it takes as long as to look at some forty (2.5 million pixels; the factor is a judgement)."""


@dataclass(frozen=True, slots=True, eq=False)
class TypicalFrame:
    """A frame that had beam: image (slow, fast) counts, the background's level, and the readout's noise, counts^2."""

    image: np.ndarray
    level: BeamLevel
    noise: float

    @property
    def photons(self) -> float:
        """Of background, on a pixel."""
        return self.level.of(self.image) / self.level.gain

    @staticmethod
    def read(reader: ImageReader, frame: int, gain: float) -> TypicalFrame:
        """Read it; gain : variance of counts over their mean."""
        image = reader.read(frame)
        level = BeamLevel.with_cap_of(image, reader.mask, reader.min_trusted, gain)
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
    experiment: Experiment,
    reader: ImageReader,
    typical: TypicalFrame,
    places: SpotPlaces,
    runs: Sequence[range],
    shadow: ShadowParams,
) -> Sources:
    """What a look at runs of frames depends on; experiment : of steady_geometry."""
    return Sources(
        (reader.n_frames, *reader.shape, reader.min_trusted, reader.max_trusted),
        _states_of_files(reader, runs),
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
) -> Look:
    """Look at spots and background; or take what an earlier look saw, where it is the same to the bit.

    experiment : of steady_geometry. The sums over the background are large, and let go.
    """
    runs = surveyed_frames(reader.n_frames, typical.photons)
    sources = sources_of(experiment, reader, typical, places, runs, shadow)
    if earlier is not None and earlier.is_of(sources):
        return earlier
    where = scattering(experiment, n_threads)
    seen = _survey(experiment, where, reader, places, typical.level, runs, n_threads, typical.noise)
    untrusted = _untrusted(experiment, where, reader, seen.background, shadow, typical.noise, n_threads)
    rings = ice_rings(experiment, where, seen.background, usable_pixels(reader, untrusted))
    return Look(sources, seen.spots, seen.levels, untrusted, rings)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the frames of a sweep have shown until one of them, to be gone on from when more have come.

    experiment : of steady_geometry, as it was when the first frames were looked at, and `where` its pixels are
    level, noise : of the first typical frame
    background : sums over the frames looked at; levels : of these, counts per pixel
    untrusted : shadows and hot pixels, found in the sums over n_judged frames
    """

    experiment: Experiment
    where: Scattering
    level: BeamLevel
    noise: float
    background: BackgroundSum
    levels: dict[int, float]
    untrusted: Untrusted
    n_judged: int

    def rings(self, reader: ImageReader) -> tuple[PowderRing, ...]:
        """Of ice, in the background."""
        return ice_rings(self.experiment, self.where, self.background, usable_pixels(reader, self.untrusted))


def look_further(
    before: Seen | None,
    experiment: Experiment,
    reader: ImageReader,
    typical: Callable[[], TypicalFrame],
    places: SpotPlaces,
    runs: Sequence[range],
    shadow: ShadowParams,
    n_threads: int,
    is_last: bool,
) -> tuple[Seen, SpotSums]:
    """Look at more frames, in `runs`; what these and the frames before show, and sums over the spots on these.

    before : what was seen of the frames before; without it, experiment : of steady_geometry, and typical : that gives
    a typical frame, say in what geometry is looked, and above what background
    is_last : no frames follow; shadows and hot pixels are looked for in all of them
    """
    if before is None:
        first, where = typical(), scattering(experiment, n_threads)
        level, noise = first.level, first.noise
    else:
        experiment, where, level, noise = before.experiment, before.where, before.level, before.noise
    seen = _survey(experiment, where, reader, places, level, runs, n_threads, noise)
    background, levels = seen.background, seen.levels
    if before is not None:
        background.include(before.background)
        levels = before.levels | levels
    if before is not None and not is_last and background.n_frames < JUDGED_AGAIN * before.n_judged:
        untrusted, n_judged = before.untrusted, before.n_judged
    else:
        untrusted = _untrusted(experiment, where, reader, background, shadow, noise, n_threads)
        n_judged = background.n_frames
    return Seen(experiment, where, level, noise, background, levels, untrusted, n_judged), seen.spots


def _survey(
    experiment: Experiment,
    where: Scattering,
    reader: ImageReader,
    places: SpotPlaces,
    level: BeamLevel,
    runs: Sequence[range],
    n_threads: int,
    noise: float,
) -> Survey:
    trusted = np.ascontiguousarray(reader.mask, np.uint8)
    return survey(reader, trusted, where.ring, places, level, runs, n_threads, experiment.detector[0].gain, noise)


def _untrusted(
    experiment: Experiment,
    where: Scattering,
    reader: ImageReader,
    background: BackgroundSum,
    shadow: ShadowParams,
    noise: float,
    n_threads: int,
) -> Untrusted:
    if not shadow.is_enabled:
        nothing = np.zeros(reader.shape, bool)
        return Untrusted(nothing, nothing, 0.0, 0)
    return find_untrusted(experiment, where, background, reader.mask, shadow, noise, n_threads)


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


def _states_of_files(reader: ImageReader, runs: Sequence[range]) -> tuple[tuple[str | int, ...], ...]:
    """Of the frames looked at, once each; empty where one is not there."""
    paths = dict.fromkeys(reader.path(frame) for run in runs for frame in run)
    try:
        states = {str(path): path.stat() for path in paths}
    except OSError:
        return ()
    return tuple((p, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns) for p, s in states.items())
