"""Parameters of indexing."""

from __future__ import annotations

from typing import Literal

import gemmi
from pydantic import field_validator

from autoproc.models.space_group import SpaceGroupName
from autoproc.params import Params


class IndexParams(Params):
    """How lattices are found among the spots, and how many."""

    unit_cell: tuple[float, float, float, float, float, float] | None = None
    """Known cell, a b c (Angstrom) alpha beta gamma (degrees), in the setting of space_group; None: unknown."""

    space_group: SpaceGroupName | None = None
    """Known space group (Hermann-Mauguin or number); its lattice constrains the cell. None: P1."""

    max_lattices: int = 1
    """Largest number of lattices to look for; searching ends when 90% of the spots are indexed."""

    max_cell: float | None = None
    """Longest cell axis to look for, Angstrom; None: estimated from the distances between spots."""

    min_cell: float = 3.0
    """Shortest cell axis to look for, Angstrom."""

    min_volume: float = 25.0
    """Smallest volume of a primitive cell, cubic Angstrom."""

    d_min: float | None = None
    """Resolution of the search, Angstrom; None: what the transform's grid allows for max_cell."""

    method: Literal["fft3d", "fft1d", "real_space_grid_search"] = "fft3d"
    """Search for periodicities: one 3-D transform; 1-D transforms along many directions; or, for a known cell,
    its axes in every direction (tried by itself where a known cell is not found by the other methods)."""

    n_macro_cycles: int = 5
    """Rounds of assignment and refinement, from low resolution to all spots."""

    tolerance: float = 0.3
    """Largest distance of a fractional index from an integer for a spot to be indexed. Once a lattice is refined
    the limit shrinks to six standard deviations: spots that are on no lattice point are not indexed by chance."""

    min_fraction: float = 0.05
    """A lattice that indexes less than this fraction of the spots searched is not accepted."""

    minimum_angular_separation: float = 5.0
    """A lattice turned by less than this from an accepted one is the same lattice, degrees."""

    refine_detector: bool = True
    """Let the detector move while the lattices are refined."""

    @field_validator("unit_cell")
    @classmethod
    def _possible_cell(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and not gemmi.UnitCell(*value).volume > 1.0:
            raise ValueError(f"{value} is not a unit cell")
        return value
