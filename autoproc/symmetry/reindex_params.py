"""Parameters of reindexing."""

from __future__ import annotations

from autoproc.models.space_group import SpaceGroupName
from autoproc.params import Params


class ReindexParams(Params):
    """Parameters of reindexing."""

    change_of_basis_op: str | None = None
    """New axes in terms of the old, "b+c,a+c,a+b"; hkl notation means the same. Where none is given the axes stay, or
    go to those of space_group where that is another setting of the crystal's: I 2 for C 2, P 2 21 21 for P 21 21 2."""
    space_group: SpaceGroupName | None = None
    """Space group of the result, in the new axes, to whose metric the cell is then constrained; none is
    the group that it had, as it is called in the new axes, or P 1 where the tables have no name for it there."""
