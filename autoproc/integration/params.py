"""Parameters of integration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from autoproc.params import Params


class ShadowParams(Params):
    """How pixels in shadow, and hot ones, are told from the others."""

    is_enabled: bool = True
    """Look for them at all."""
    max_ratio: float = Field(0.6, gt=0, lt=1)
    """A shadow's core has less than this fraction of its ring's background: absorption by a crystal or its
    loop does not go so far in the mean of a sweep."""
    edge_ratio: float = Field(0.85, gt=0, lt=1)
    """Pixels that touch a core belong to the shadow while they have less than this fraction."""
    min_sigma: float = Field(6.0, gt=0, allow_inf_nan=False)
    """Significance of a core pixel's deficit, standard deviations; one false pixel in 10**9."""
    min_expected: float = Field(40.0, gt=0, allow_inf_nan=False)
    """Counts to be expected of an area, for it to tell."""
    max_area: int = Field(15, ge=1)
    """Largest area to average over, px square; shadows much narrower are not seen in very weak backgrounds."""
    penumbra: int = Field(2, ge=0)
    """Pixels around a shadow that are not trusted either."""
    min_core: int = Field(10, ge=1)
    """Shadows of fewer pixels than this are noise or single dead pixels."""
    hot_fraction: float = Field(0.3, gt=0, le=1)
    """A pixel brighter than background can be on at least this fraction of the frames, while its
    neighbours are not, is hot."""
    max_fraction: float = Field(0.3, ge=0, le=1)
    """A larger part of the detector in shadow is a failure of the expectation, not a shadow: then none is believed."""
    usual_fraction: float = Field(0.06, ge=0, le=1)
    """A beam stop, its arm and what else commonly stands before a detector take less of it. Where more seems to be in
    shadow, the background is uneven (tails of broad spots between darker places), and only deeper shadows count."""
    deep_ratios: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.45, 0.3)
    """In place of max_ratio, one after another, until no more than usual_fraction is in shadow."""


class StretchParams(Params):
    """How a sweep is divided into stretches that are integrated before its last image is known."""

    is_enabled: bool = True
    """Integrate a long sweep stretch by stretch, each with the models refined from the images up to its milestone, so
    that most of it is done when the last image comes. Where the models of the whole sweep do not bear those of a
    stretch out, the whole sweep is integrated with them. `autoproc run` does so; the step `integrate`, which is given
    models of the whole sweep, measures all of it with these."""
    first: float = Field(30.0, gt=0)
    """Rotation, degrees, after which models are made at the earliest."""
    shares: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.25, 0.55, 0.86)
    """Parts of the images that are to come after which models are made, where files say how many are to come. Each
    costs as much as to measure some 110 images (simulated, 2.5 million pixels), so that they are few; after the last,
    the fewer images are left the sooner all is measured. 600 images, 25 a second, took as long with 0.35, 0.7 and 0.93
    (17 s from the last, three runs of each), and longer on a slower machine (26 and 28 s; 24, 24 and 26)."""
    growth: float = Field(1.7, gt=1)
    """Where nothing says how many are to come, each further milestone comes after so many times the rotation of the one
    before, from `first` on: of 90, 120, 180 and 360 degrees 3, 33, 33 and 109 are left for the end. With 1.4 it would
    be 8, 5, 19 and 44; but two cores do not come as far with 25 images a second, of 0.2 degrees (simulated)."""
    min_images: int = Field(100, ge=10)
    """Images at the first milestone: with fewer, hot pixels and the widths of spots are not known well."""
    min_images_more: int = Field(25, ge=1)
    """Images between two milestones."""
    surveyed_first: int = Field(120, ge=1)
    """Most images that are looked at, at the first milestone, for the shapes of spots and the background."""
    surveyed_more: int = Field(20, ge=1)
    """Most images that are looked at for each further milestone."""
    surveyed_run: int = Field(20, ge=1)
    """They are taken in runs of so many, evenly spread."""
    reflections_per_degree: float = Field(100.0, gt=0)
    """Most spots of each degree that the models of a milestone are refined against, where refine allows as many."""
    max_shift: float = Field(0.3, gt=0)
    """Standard deviations of a spot by which the final models may have moved 19 of 20 reflections of a stretch."""
    min_matched: float = Field(0.99, gt=0, le=1)
    """Part of its reflections that the final models must have as well."""


class IntegrateParams(Params):
    """Parameters of integration."""

    d_min: float | None = Field(None, gt=0)
    """Highest resolution predicted, Angstrom; none is the detector's farthest corner: scaling says where data end."""
    n_sigma: float = Field(3.0, gt=0)
    """Radius of a peak in standard deviations of the spot, as everywhere in the field: 99% of the flux on a frame."""
    background_border: int = Field(3, ge=1)
    """Least width, px, of the background around a peak."""
    min_background_pixels: int = Field(10, ge=1)
    """Fewer background pixels than this and the reflection is not integrated."""
    min_valid_fraction: float = Field(0.75, gt=0, le=1)
    """Least fraction of a peak, by flux, on good pixels of its own (Kabsch 2010 uses 0.75)."""
    min_partiality: float = Field(0.05, ge=0, le=1)
    """Reflections with less than this fraction of their rocking curve inside the scan are left out."""
    max_rotation: float = Field(20.0, gt=0)
    """Reflections near the spindle that stay in diffracting position for longer, degrees, are left out: they
    take much memory, and neither their Lorentz factor nor their background is steady over it."""
    block_width: float = Field(5.0, gt=0)
    """Rotation, degrees, over which reflections share reference profiles, as in DIALS and XDS."""
    profile_regions: int = Field(3, ge=1)
    """Reference profiles on a grid of this many by this many regions of the detector."""
    min_references: int = Field(30, ge=1)
    """Strong spots a region needs for a profile of its own; with fewer it takes the whole detector's."""
    missing_flux_error: float = Field(0.2, ge=0)
    """Relative error of flux that fell on bad or contested pixels and is inferred from the profile."""
    max_sigma_m: float = Field(2.0, gt=0)
    """A larger mosaicity, degrees, is taken for a failure of refinement, not a crystal: it is cut, and said."""
    shadow: ShadowParams = ShadowParams()
    """Detection of shadows and hot pixels."""
    stretches: StretchParams = StretchParams()
    """Integration while more images come."""
