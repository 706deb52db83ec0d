"""Parameters of the search for spots."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from autoproc.params import Params

MOST_SIGMA = 1e6
"""Standard deviations: no pixel of 32 bits is so far above a background of one count."""
LARGEST_GAIN = 1e6
"""Counts per photon, and photons per count: CCD and CMOS detectors have 0.1 to 100."""
LARGEST_COUNT = float(1 << 31)
"""Images have pixels of 32 bits."""
LARGEST_WINDOW = 441
"""Pixels of the largest window, of 21 x 21."""


class FindSpotsParams(Params):
    """How to find spots. The defaults suit photon-counting detectors."""

    algorithm: Literal["dispersion_extended", "dispersion"] = "dispersion_extended"
    """dispersion_extended leaves the peaks out of their own background and finds weaker spots and whole
    ones; dispersion is the plain method (Winter et al. 2018, Acta D74, 85)."""

    kernel_size: tuple[Annotated[int, Field(ge=1, le=10)], Annotated[int, Field(ge=1, le=10)]] = (3, 3)
    """Half size of the window of pixels around each pixel, along fast and slow, px: 3 3 is 7 x 7, a
    few times the width of a sharp spot. Increase it for spots wider than about 6 px."""

    n_sigma_background: float = Field(6.0, gt=0, le=MOST_SIGMA)
    """A window whose index of dispersion is this many standard deviations above that of a Poisson
    background holds a peak. 6 finds no spot in pure noise: under one strong pixel an image."""

    n_sigma_strong: float = Field(3.0, gt=0, le=MOST_SIGMA)
    """A pixel of a peak is strong when it is this many standard deviations above its background.
    Raise it, to 15 for example, where weak, spurious spots spoil indexing."""

    min_local: int = Field(2, ge=2, le=LARGEST_WINDOW)
    """Fewest good pixels in the window of a pixel; where there are fewer, it cannot be strong."""

    global_threshold: float = Field(0.0, ge=0, le=LARGEST_COUNT)
    """Pixels must be above this too, counts."""

    gain: float | None = Field(None, ge=1 / LARGEST_GAIN, le=LARGEST_GAIN)
    """Counts per photon; none takes it from the detector (1 for photon-counting ones). A CCD or CMOS
    detector with the wrong gain gives spots everywhere (too low) or too few (too high)."""

    min_spot_size: int = Field(3, ge=1)
    """Fewest strong pixels of a spot, over all its images. 3 excludes most noise and zingers."""

    max_spot_size: int = Field(1000, ge=1)
    """Most strong pixels of a spot, over all its images."""

    max_separation: float = Field(2.0, gt=0)
    """Greatest distance between the highest pixel of a spot and its centroid, px and images: more
    means that two spots have run together."""

    max_strong_pixel_fraction: float = Field(0.25, gt=0, le=1)
    """An image with more than this fraction of its pixels strong is left out: it is no diffraction."""

    d_min: float | None = Field(None, gt=0)
    """High-resolution limit, Angstrom; none searches to the corners."""

    d_max: float | None = Field(None, gt=0)
    """Low-resolution limit, Angstrom; none searches to the beam."""

    exclude_ice_rings: bool = False
    """Leave out the pixels on the powder rings of hexagonal ice (down to 1 Angstrom). Only for sweeps
    that ice spoils: good spots are lost with it."""

    exclude_regions: tuple[tuple[int, int, int, int], ...] = ()
    """Rectangles not to search: fast from, fast to, slow from, slow to, px, half-open."""

    hot_pixel_fraction: float = Field(0.5, gt=0, le=1)
    """A pixel that is strong on more than this fraction of the images of a rotation of 10 degrees or more,
    always about as strong or without strong neighbours, is taken for hot or for stray scatter, and spots with
    their peak on it are dropped."""
