"""Parameters of indexing."""

from __future__ import annotations

from typing import Literal

import gemmi
from pydantic import Field, field_validator

from autoproc.models.space_group import SpaceGroupName
from autoproc.params import Params


class IndexParams(Params):
    """How lattices are found among the spots, and how many."""

    unit_cell: tuple[float, float, float, float, float, float] | None = None
    """Known cell, a b c (Angstrom) alpha beta gamma (degrees), in the setting of space_group; none if unknown."""

    expected_cell: tuple[float, float, float, float, float, float] | None = None
    """Cell that the crystal is thought to have, to be told whether it has: nothing is done about it, unlike unit_cell,
    which only lattices of that cell are looked for with."""

    space_group: SpaceGroupName | None = None
    """Known space group (Hermann-Mauguin or number); its lattice constrains the cell; none is P 1."""

    max_lattices: int | None = Field(None, ge=1)
    """Largest number of lattices to look for; searching ends when 90% of the spots are indexed. None is one;
    `autoproc run` looks for more where spots are left over."""

    max_cell: float | None = Field(None, gt=0)
    """Longest cell axis to look for, Angstrom; none estimates it from the distances between spots."""

    min_cell: float = Field(3.0, gt=0)
    """Shortest cell axis to look for, Angstrom."""

    min_volume: float = Field(25.0, gt=0)
    """Smallest volume of a primitive cell, Angstrom^3."""

    d_min: float | None = Field(None, gt=0)
    """Resolution of the search, Angstrom; none is what the transform's grid allows for max_cell."""

    method: Literal["fft3d", "fft1d", "real_space_grid_search"] = "fft3d"
    """Search for periodicities: one 3-D transform; 1-D transforms along many directions; or, for a known cell,
    the whole cell in every orientation (tried by itself where the other methods index less than half of the spots)."""

    n_macro_cycles: int = Field(5, ge=1)
    """Rounds of assignment and refinement, from low resolution to all spots."""

    tolerance: float = Field(0.3, gt=0, le=0.5)
    """Largest distance of a fractional index from an integer for a spot to be indexed. Once a lattice is refined
    the limit shrinks to six standard deviations: spots that are on no lattice point are not indexed by chance."""

    min_fraction: float = Field(0.05, ge=0, le=1)
    """A lattice that indexes less than this fraction of the spots searched is not accepted."""

    min_angular_separation: float = Field(0.7, ge=0)
    """A lattice turned by less than this from an accepted one is the same lattice, degrees: mosaic blocks and the
    lattice's own spots that refinement left over. One turned by less than 5 degrees has to explain a quarter of the
    spots left over."""

    refine_detector: bool = True
    """Let the detector move while the lattices are refined."""

    @field_validator("unit_cell", "expected_cell")
    @classmethod
    def _possible_cell(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and not gemmi.UnitCell(*value).volume > 1.0:
            raise ValueError(f"{value} is not a unit cell")
        return value
