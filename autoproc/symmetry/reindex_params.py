"""Parameters of reindexing."""

from __future__ import annotations

from autoproc.models.space_group import SpaceGroupName
from autoproc.params import Params


class ReindexParams(Params):
    """Parameters of reindexing."""

    change_of_basis_op: str = "a,b,c"
    """New axes in terms of the old, "b+c,a+c,a+b"; hkl notation means the same."""
    space_group: SpaceGroupName | None = None
    """Space group of the result, to whose metric the cell is then constrained; none is the group that
    it had, where the operator brings its symmetry upon itself (any other indexing of the same axes), else P 1."""
