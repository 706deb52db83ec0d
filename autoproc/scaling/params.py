"""Parameters of scaling."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from autoproc.models.element_name import ElementName
from autoproc.params import Params
from autoproc.scaling.excluded_images import is_range


class ScaleParams(Params):
    """How to scale."""

    anomalous: bool = True
    """Friedel mates may differ: the standard uncertainties are judged by equivalents of the same hand. Scales and
    outliers come from both hands together, with uncertainties that allow for their difference."""
    expected_element: ElementName | None = None
    """Element whose anomalous scattering the crystal was made or measured for, to be told whether there is any: nothing
    is done about it."""
    absorption_level: Literal["auto", "off", "low", "medium", "high"] = "auto"
    """Strength of the absorption correction: low is for about 1%, medium 5%, high over 25%. The restraints of medium
    leave data without absorption as they are; high can overfit few or narrow sweeps. auto is medium where scaling is
    a step by itself; `autoproc run` chooses by reflections held out."""
    decay: bool = True
    """Correct a relative B factor over the sweep (radiation damage)."""
    d_min: float | None = Field(None, gt=0)
    """High-resolution limit, Angstrom; none scales everything that was integrated."""
    d_max: float | None = Field(None, gt=0)
    """Low-resolution limit, Angstrom; none keeps everything."""
    exclude_images: tuple[str, ...] = ()
    """Images whose reflections are left out: numbers and ranges of every sweep, 7,20-25, or experiment:first:last as in
    DIALS, 0:20:25, numbered as in the file names. import_sweep.exclude_images leaves them out from the start."""
    keep_first: float = Field(1.0, gt=0, le=1)
    """Part of the images of each sweep, from its first, that is scaled; what comes after is left out, as damaged."""
    error_model: bool = True
    """Correct the standard uncertainties by the scatter of equivalents, counting errors being those of the expected
    intensity, so that no observation weighs more for having come out low; otherwise they stay as integrated but for
    an error of 2% of the intensity."""
    min_expected_intensity: float = 25.0
    """The error model is fitted to reflections expected to be stronger, photons: weak ones do not tell of b."""
    outlier_zmax: float = Field(6.0, gt=0)
    """Standard uncertainties from the mean of the equivalents beyond which an observation is an outlier."""
    intensity_choice: Literal["profile", "sum", "combine"] = "combine"
    """Profile-fitted or summation intensities, or whichever blend of them gives the lowest Rmeas."""
    min_partiality: float = Field(0.4, ge=0, le=1)
    """Reflections of which less was recorded are left out."""
    min_i_over_sigma: float = -5.0
    """Observations more negative than this many standard uncertainties are left out."""
    min_image_ratio: float = Field(0.3, ge=0, lt=1)
    """Images whose reflections have less than this part of the intensity expected are left out as blank; 0 keeps."""
    max_image_deviation: float = Field(0.1, ge=0, le=1)
    """Images whose intensities are off by more than this part of those of the images on either side, and beyond the
    scatter of the others, are left out with what reaches into them: beam lost, shutter late. 0 keeps them all. A tenth
    is twice what the best of the usual corrections leave (ISa 20)."""
    max_shadow_ratio: float = Field(0.8, ge=0, lt=1)
    """Places on the detector where reflections have less than this part of the intensity expected are left out as
    shadowed, judged by many together, and hot places with them; 0 keeps them all."""
    max_cycles: int = Field(6, ge=1, le=50)
    """Cycles of fitting, outlier rejection and error model; stops earlier when nothing changes."""
    max_observations: int = Field(60000, ge=100)
    """Observations that determine the scales at most; the strongest of each resolution range are chosen."""
    check_settings: bool = True
    """Stop where data sets agree with the others only when they are indexed in another way that the lattice allows:
    `autoproc combine` brings them into one setting. Merged as they are, Rmeas was 0.42 for 0.08. Leave out data sets
    that have nothing in common with the others, and stop where no two agree; false scales all as they are."""
    n_bins: int = Field(20, ge=1, le=200)
    """Resolution shells of the statistics."""

    @field_validator("exclude_images")
    @classmethod
    def _are_ranges(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if not is_range(text):
                raise ValueError(f"{text} is neither an image's number nor a range as 20-25 or 0:20:25")
        return value
