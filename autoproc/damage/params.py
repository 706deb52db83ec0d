"""Parameters of the analysis of radiation damage."""

from __future__ import annotations

from pydantic import Field, field_validator

from autoproc.params import Params

LEAST_DOSE, LARGEST_DOSE = 1e-9, 1e15
"""Of an image, in any unit: 1e-9 to 1e15, as Gy, MGy, photons or seconds of any beam are, and no sums overflow."""


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
    dose_rate: float | None = Field(None, ge=LEAST_DOSE, le=LARGEST_DOSE)
    """Dose for each second of exposure, for example MGy/s: the dose of an image is this times its exposure time."""
    starting_doses: tuple[float, ...] = ()
    """Dose that the crystal had taken before each experiment; none lets doses add up (see crystals)."""
    crystals: str = "auto"
    """Whose doses add up, in the order in which sweeps are listed: auto, those of sweeps whose lattices lie upon each
    other by the goniometer's angles, which are of one crystal; one, those of all; each, of none, so that every sweep
    begins at 0; or a number for each experiment, for example 1,1,2."""

    @field_validator("dose_per_image")
    @classmethod
    def _possible(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(LEAST_DOSE <= value <= LARGEST_DOSE for value in values):
            raise ValueError(f"the dose of an image is {LEAST_DOSE:g} to {LARGEST_DOSE:g}, in any unit")
        return values

    @field_validator("starting_doses")
    @classmethod
    def _not_negative(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 <= value <= LARGEST_DOSE for value in values):
            raise ValueError(f"a dose at the start is 0 to {LARGEST_DOSE:g}, in any unit")
        return values

    @field_validator("crystals")
    @classmethod
    def _known(cls, value: str) -> str:
        parts = value.replace(" ", "").split(",")
        if value not in ("auto", "one", "each") and not all(part.isdecimal() and part.isascii() for part in parts):
            raise ValueError("it is auto, one, each, or a number for each experiment such as 1,1,2")
        return value
