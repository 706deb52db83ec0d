"""Find the spots of a sweep: strong pixels by dispersion, joined over images, with their centroids."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from autoproc.errors import NoSpots
from autoproc.formats.images.frames import ImageReader
from autoproc.geometry.detector import pixel_resolution
from autoproc.geometry.ice_rings import is_on_ice_ring
from autoproc.kernels.dispersion import StrongPixels, Workspace, strong_pixels
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.robust import readout_variance
from autoproc.spot_finding.centroids import measure_spots, peak_distance, peak_pixel
from autoproc.spot_finding.checks import Peculiarities, find_notes, find_warnings, peculiarities
from autoproc.spot_finding.gathering import Gathering
from autoproc.spot_finding.images import SearchedFrame, has_no_count
from autoproc.spot_finding.params import FindSpotsParams
from autoproc.spot_finding.pixels import SpotPixels
from autoproc.spot_finding.report import format_removed, format_spots_per_image
from autoproc.spot_finding.spots_at_milestones import SpotsByMilestone
from autoproc.threads import map_in_order

LOOK_AHEAD = 16
"""Images that are searched while others are grouped into spots: only their strong pixels wait."""


Early = Callable[[str], Callable[[int], SearchedFrame | None]]
"""What a search with this key has found on frames before; None for those that it has not."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundSpots:
    """What was found.

    reflections : the spots, in order of their first pixel
    pixels : their strong pixels, in the same order
    spots_per_image : (n,) spots with their centroid on each image searched
    first_frame : frame of the first of these images, 0-based; first_image : its number in the file name
    counts : what was found and left out, in order: extracted, too_small, too_large, hot, far_peak
    hot_pixels : (K, 2) fast, slow of the pixels that are strong on most images; not to be trusted
    warnings : in plain words; notes : what needs no attention
    n_unread : images among them without a pixel to be trusted: missing, damaged or excluded
    peculiar : what is unusual about the images, in numbers
    by_milestone : which spots were known after so many images
    """

    reflections: Reflections
    pixels: SpotPixels
    spots_per_image: np.ndarray
    first_frame: int
    first_image: int
    counts: dict[str, int] = field(default_factory=dict)
    hot_pixels: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.intp))
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    n_unread: int = 0
    peculiar: Peculiarities = field(default_factory=Peculiarities)
    by_milestone: SpotsByMilestone | None = None


@single_threaded_blas
def find_spots(
    experiment: Experiment,
    reader: ImageReader,
    mask: np.ndarray,
    params: FindSpotsParams,
    n_threads: int = 0,
    frames: range | None = None,
    early: Early | None = None,
    milestones: Sequence[int] = (),
    begun: Gathering | None = None,
) -> FoundSpots:
    """Find the spots on the frames of a sweep.

    mask : (slow, fast) bool, True where a pixel may be trusted; frames : all if none are named
    early : what was found on frames before; the result is the same as without, to the bit
    milestones : numbers of images of which it is to be known what had been found on them
    begun : what was gathered of the first frames of all, which is used if `early` gives each of these
    Each thread holds one image at a time, of which only the strong pixels are kept. The result does not depend on the
    number of threads. A sweep without spots gives an empty table: see require_spots.
    """
    search = search_of(experiment, reader, mask, params)
    gathering = Gathering(mask.shape, experiment.scan, params, milestones)
    to_do = range(reader.n_frames) if frames is None else frames
    known = (lambda frame: None) if early is None else early(search.key())
    given: dict[int, SearchedFrame | None] = {}
    if begun is not None and begun.n_frames <= reader.n_frames and begun.fits(experiment.scan, params, milestones):
        first = range(begun.n_frames)
        given = dict(zip(first, map_in_order(known, first, n_threads, LOOK_AHEAD), strict=True))
        if None not in given.values():
            gathering, to_do = begun.copy(), to_do[begun.n_frames :]

    def searched(frame: int) -> SearchedFrame:
        found = given[frame] if frame in given else known(frame)
        return search(frame) if found is None else found

    for found in map_in_order(searched, to_do, n_threads, LOOK_AHEAD):
        gathering.add(found)
    return spots_of(experiment, gathering, milestones)


def spots_of(experiment: Experiment, gathering: Gathering, milestones: Sequence[int] = ()) -> FoundSpots:
    """The spots of the frames that were gathered; experiment : with the scan of these. See find_spots."""
    images, params, panel = gathering.images, gathering.params, experiment.detector[0]
    width = panel.image_size[0]
    candidates, counts = gathering.spots()
    reflections = measure_spots(candidates, panel.trusted_range[1])
    near = peak_distance(candidates, reflections["xyz_obs_px"]) <= params.max_separation
    hot, hot_at = gathering.hot_pixels(), gathering.hot_at(milestones)
    peak = peak_pixel(candidates)
    places = candidates.y[peak].astype(np.intp) * width + candidates.x[peak]
    cold = ~hot.ravel()[places]
    counts |= {"hot": int(np.sum(~cold)), "far_peak": int(np.sum(cold & ~near))}
    by_milestone = SpotsByMilestone(_of(experiment, reflections[near]), places[near], hot_at) if hot_at else None
    reflections, pixels = _of(experiment, reflections[near & cold]), candidates[near & cold]
    peculiar = peculiarities(experiment, images, reflections)
    return FoundSpots(
        reflections,
        pixels,
        images.spots_per_image(reflections),
        images.first,
        experiment.scan.image_range[0] + images.first,
        counts,
        np.argwhere(hot)[:, ::-1],
        find_warnings(peculiar, len(images.frames), len(reflections), hot, counts),
        find_notes(hot, counts),
        len(images.unread),
        peculiar,
        by_milestone,
    )


def _of(experiment: Experiment, spots: Reflections) -> Reflections:
    return spots.with_identifiers({0: experiment.identifier})


def format_found_spots(found: FoundSpots, params: FindSpotsParams, name: str = "imageset 0") -> str:
    """What was removed and why, a histogram of spots against image, and warnings."""
    text = [
        format_removed(found.counts, params.min_spot_size, params.max_spot_size),
        "",
        format_spots_per_image(found.spots_per_image, found.first_image, name),
        *(f"\nWarning: {warning}" for warning in found.warnings),
        *(f"\nNote: {note}" for note in found.notes if note not in found.warnings),
    ]
    return "\n".join(text)


def require_spots(found: FoundSpots) -> FoundSpots:
    """The same, or NoSpots if there are none."""
    if not len(found.reflections):
        raise NoSpots(n_images=len(found.spots_per_image))
    return found


def pixels_to_search(experiment: Experiment, shape: tuple[int, int], params: FindSpotsParams) -> np.ndarray:
    """(slow, fast) bool: pixels within the resolution limits and outside what is excluded."""
    searched = np.ones(shape, bool)
    for x0, x1, y0, y1 in params.exclude_regions:
        searched[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = False
    if params.d_min is None and params.d_max is None and not params.exclude_ice_rings:
        return searched
    d = pixel_resolution(experiment.detector[0], experiment.beam)
    if params.d_min is not None:
        searched &= d >= params.d_min
    if params.d_max is not None:
        searched &= d <= params.d_max
    if params.exclude_ice_rings:
        searched &= ~is_on_ice_ring(d)
    return searched


def search_of(
    experiment: Experiment, reader: ImageReader, mask: np.ndarray, params: FindSpotsParams
) -> StrongPixelSearch:
    """The search for strong pixels on a sweep's frames."""
    panel = experiment.detector[0]
    good = mask & pixels_to_search(experiment, mask.shape, params)
    good.flags.writeable = False  # looked at once, not with each image
    gain = panel.gain if params.gain is None else params.gain
    return StrongPixelSearch(reader, good, gain, panel.min_trusted, panel.trusted_range[1], params)


@dataclass(frozen=True, slots=True, eq=False)
class StrongPixelSearch:
    """The search for the strong pixels of one frame; each thread has a workspace of its own."""

    reader: ImageReader
    mask: np.ndarray
    gain: float
    lowest: int
    overload: float
    params: FindSpotsParams
    own: threading.local = field(default_factory=threading.local)

    def __call__(self, frame: int) -> SearchedFrame:
        """Read a frame and search it; no strong pixels if there are too many to be diffraction."""
        return self.on(frame, self.reader.read(frame))

    def on(self, frame: int, image: np.ndarray) -> SearchedFrame:
        """Search a frame that was read."""
        if not hasattr(self.own, "work"):
            self.own.work = Workspace()
        strong = strong_on(image, self.mask, self.params, self.gain, (self.lowest, self.overload), self.own.work)
        return SearchedFrame(frame, strong, has_no_count(image, self.lowest))

    def key(self) -> str:
        """The same for searches that find the same on the same image."""
        told = hashlib.blake2b(np.packbits(self.mask).data, digest_size=16)
        told.update(repr((self.mask.shape, self.gain, self.lowest, self.overload)).encode())
        told.update(self.params.model_dump_json().encode())
        return told.hexdigest()


def strong_on(
    image: np.ndarray,
    mask: np.ndarray,
    params: FindSpotsParams,
    gain: float,
    trusted: tuple[int, float],
    work: Workspace | None = None,
) -> StrongPixels:
    """The strong pixels of an image (slow, fast); none if there are too many to be diffraction.

    mask : (slow, fast) bool, pixels to search; trusted : counts below the first are none, from the second on overloads
    """
    lowest, overload = trusted
    return strong_pixels(
        image,
        mask,
        kernel_size=params.kernel_size,
        n_sigma_background=params.n_sigma_background,
        n_sigma_strong=params.n_sigma_strong,
        min_local=params.min_local,
        global_threshold=params.global_threshold,
        gain=gain,
        lowest=lowest,
        noise=readout_variance(image, mask, lowest),
        overload=overload,
        extended=params.algorithm == "dispersion_extended",
        max_strong=int(params.max_strong_pixel_fraction * image.size),
        work=work,
    )
