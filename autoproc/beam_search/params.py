"""Parameters of the searches for the rotation axis and the beam."""

from __future__ import annotations

from pydantic import Field

from autoproc.params import Params


class FindRotationAxisParams(Params):
    """How to search for the rotation axis. Meant for wrong headers: run it when indexing fails."""

    n_spots: int = Field(1500, ge=30)
    """Spots by which axes are judged, the strongest."""

    step: float = Field(2.0, gt=0, le=10)
    """Between the directions that are tried first, all around the beam, degrees."""

    neighbours: int = Field(40, ge=5)
    """Of each spot in reciprocal space: differences as long as to the one of this number count."""


class SearchBeamParams(Params):
    """How to search for the beam centre. Meant for wrong headers: run it when indexing fails."""

    max_shift: float = Field(4.0, gt=0)
    """Greatest shift along each axis of the detector, mm."""

    far_shift: float = Field(6.0, ge=0)
    """Where no centre near the header's convinces, the search begins again from eight points so far around it, mm;
    0 keeps to the header's surroundings."""

    wedge: float = Field(3.0, gt=0)
    """Rotation, degrees, within which a wrong beam centre moves all spots alike in reciprocal space;
    differences between spots, which give the lattice's periods, are taken within it."""

    n_wedges: int = Field(16, ge=1)
    """Most wedges that are used, spread evenly over the scan."""

    spots_per_wedge: int = Field(80, ge=10)
    """Most spots of each wedge, the strongest."""

    min_cell: float = Field(3.0, gt=0)
    """Shortest period, Angstrom."""

    max_cell: float | None = Field(None, gt=0)
    """Longest period, Angstrom; none estimates it from the distances between neighbouring spots."""

    n_periods: int = Field(20, ge=3)
    """Most periods that a shift is judged by."""

    min_spots: int = Field(30, ge=10)
    """Fewest spots from which anything can be learnt."""
