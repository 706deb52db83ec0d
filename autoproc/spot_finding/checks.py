"""What a crystallographer should be told of the spots that were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.geometry.ice_rings import HALF_WIDTH, is_on_ice_ring
from autoproc.geometry.reciprocal import resolution, s1_of_spots
from autoproc.models.experiment import Experiment
from autoproc.models.image_facts import is_icy
from autoproc.models.reflections import Reflections
from autoproc.spot_finding.images import SearchedImages
from autoproc.wording import counted, number_ranges

BLANK_FRACTION = 0.05
"""Of the spots on a good image: fewer, and the image counts as blank."""

MIN_GOOD_COUNT = 20
"""Spots on a good image below which blank images cannot be told from weak ones."""

MIN_ICE_FRACTION = 0.1
"""Fraction of the spots on ice rings from which it is worth a warning."""

LISTED = 5
"""Pixels and ranges of images that a warning names; of more it gives the number."""

MANY_ON_HOT_PIXELS = 0.02
"""Fraction of the spots on hot pixels from which it is worth a warning: a detector to look at, or not hot at all."""

ICE_D_MIN = 1.5
"""Rings at higher resolution are weak, and lie so densely that they tell nothing, Angstrom."""


@dataclass(frozen=True, slots=True)
class Peculiarities:
    """What is unusual about the images and their spots, in numbers.

    refused : images with too many strong pixels to be diffraction; blank : images with hardly any spots, both by
        their numbers; on_good : spots that reach a good image, below which share an image is blank
    on_ice : part of the spots on the rings of ice; ice_excess : how many times as many as beside the rings; both 0
        where the spots there are no more than chance
    """

    refused: tuple[int, ...] = ()
    blank: tuple[int, ...] = ()
    on_good: float = 0.0
    on_ice: float = 0.0
    ice_excess: float = 0.0


def peculiarities(experiment: Experiment, images: SearchedImages, spots: Reflections) -> Peculiarities:
    """Look for blank and refused images, and for ice."""
    first_image = experiment.scan.image_range[0]
    refused = tuple(frame + first_image for frame in images.refused)
    blank, on_good = _blank_images(images, spots)
    return Peculiarities(refused, tuple(frame + first_image for frame in blank), on_good, *_ice(experiment, spots))


def find_warnings(
    found: Peculiarities, n_images: int, n_spots: int, hot: np.ndarray, counts: dict[str, int]
) -> tuple[str, ...]:
    """Everything worth saying, in words."""
    candidates = (
        _refused_words(found.refused),
        _blank_words(found, n_images),
        _ice_words(found),
        _hot_pixels(hot, counts) if counts["hot"] > MANY_ON_HOT_PIXELS * (n_spots + counts["hot"]) else "",
    )
    return tuple(warning for warning in candidates if warning)


def find_notes(hot: np.ndarray, counts: dict[str, int]) -> tuple[str, ...]:
    """What was done without asking and needs nobody's attention, in words."""
    return tuple(note for note in (_hot_pixels(hot, counts),) if note)


def _refused_words(refused: Sequence[int]) -> str:
    if not refused:
        return ""
    have, were = ("has", "was") if len(refused) == 1 else ("have", "were")
    return (
        f"{counted(len(refused), 'image')} {have} too many strong pixels to be diffraction and {were} left out: "
        f"{number_ranges(refused, LISTED)}; check the gain, the mask and the images"
    )


def _blank_images(images: SearchedImages, spots: Reflections) -> tuple[list[int], float]:
    """Frames with hardly any spots, and how many spots reach a good one."""
    reaching = images.spots_reaching_image(spots)
    usual = float(np.percentile(reaching, 75)) if len(reaching) else 0.0
    if usual < MIN_GOOD_COUNT:
        return [], usual
    named_elsewhere = {*images.refused, *images.unread}
    blank = [
        frame
        for frame in images.frames
        if reaching[frame - images.first] < BLANK_FRACTION * usual and frame not in named_elsewhere
    ]
    return blank, usual


def _blank_words(found: Peculiarities, n_images: int) -> str:
    if not found.blank:
        return ""
    have = "has" if len(found.blank) == 1 else "have"
    return (
        f"{len(found.blank)} of {n_images} images {have} hardly any spots (fewer than "
        f"{BLANK_FRACTION * found.on_good:.0f}, where good ones see {found.on_good:.0f}): "
        f"{number_ranges(found.blank, LISTED)}; was the beam off, or the crystal out of it?"
    )


def _ice(experiment: Experiment, spots: Reflections) -> tuple[float, float]:
    """Part of the spots on the rings of ice, and how many times as many as beside them; 0 for chance."""
    d = resolution(
        experiment.beam,
        s1_of_spots(experiment.detector, experiment.beam, spots["panel"], spots["xyz_obs_px"][:, :2]),
    )
    on_ring = is_on_ice_ring(d, HALF_WIDTH, ICE_D_MIN)
    beside = is_on_ice_ring(d, 2 * HALF_WIDTH, ICE_D_MIN) & ~on_ring
    n, expected = int(np.sum(on_ring)), int(np.sum(beside))
    if not is_icy(n, expected):
        return 0.0, 0.0
    return n / len(spots), n / max(expected, 1)


def _ice_words(found: Peculiarities) -> str:
    if found.on_ice < MIN_ICE_FRACTION:
        return ""
    return (
        f"{found.on_ice:.0%} of the spots lie at the resolutions of ice rings, {found.ice_excess:.1f} times "
        "as many as beside them: the crystal is iced; find_spots.exclude_ice_rings=true leaves them out"
    )


def _hot_pixels(hot: np.ndarray, counts: dict[str, int]) -> str:
    places = [f"({x}, {y})" for y, x in np.argwhere(hot)]
    if not places:
        return ""
    named = ", ".join(places[:LISTED]) + (f" and {len(places) - LISTED} more" if len(places) > LISTED else "")
    are, were = ("is" if len(places) == 1 else "are"), ("was" if counts["hot"] == 1 else "were")
    return (
        f"{counted(len(places), 'pixel')} {are} strong on most images, hot or in stray scatter, at (fast, slow) "
        f"{named}; "
        f"{counted(counts['hot'], 'spot')} with the peak there {were} dropped"
    )
