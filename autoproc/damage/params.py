"""Parameters of the analysis of radiation damage."""

from __future__ import annotations

from pydantic import Field, field_validator

from autoproc.params import Params


class DamageParams(Params):
    """How to analyse radiation damage."""

    d_min: float | None = Field(None, gt=0)
    """High-resolution limit, Angstrom; none takes everything that was scaled."""
    d_max: float | None = Field(None, gt=0)
    """Low-resolution limit, Angstrom; none takes everything."""
    n_shells: int = Field(8, ge=1, le=50)
    """Resolution shells of Rcp, Scp and completeness, of equal width in 1/d^2."""
    anomalous: bool = False
    """Pair observations of the same hand only; otherwise I(+) with I(-) too."""
    dose_per_image: tuple[float, ...] = ()
    """Dose of an image, in any unit: one value, or one for each experiment; none takes dose_rate, or a column of doses
    that the reflections have (DOSE of an unmerged MTZ file), or counts images."""
    dose_rate: float | None = Field(None, gt=0)
    """Dose for each second of exposure, for example MGy/s: the dose of an image is this times its exposure time."""
    starting_doses: tuple[float, ...] = ()
    """Dose that the crystal had taken before each experiment; none lets doses add up (see crystals)."""
    crystals: str = "auto"
    """Whose doses add up, in the order in which sweeps are listed: auto, those of sweeps whose lattices lie upon each
    other by the goniometer's angles, which are of one crystal; one, those of all; each, of none, so that every sweep
    begins at 0; or a number for each experiment, for example 1,1,2."""

    @field_validator("dose_per_image", "starting_doses")
    @classmethod
    def _not_negative(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if any(value < 0 for value in values):
            raise ValueError("a dose is not negative")
        return values

    @field_validator("crystals")
    @classmethod
    def _known(cls, value: str) -> str:
        parts = value.replace(" ", "").split(",")
        if value not in ("auto", "one", "each") and not all(part.isdecimal() and part.isascii() for part in parts):
            raise ValueError("it is auto, one, each, or a number for each experiment such as 1,1,2")
        return value
