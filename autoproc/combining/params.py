"""Parameters of bringing several data sets together."""

from __future__ import annotations

from pydantic import Field

from autoproc.params import Params

MIN_MARGIN = 3.0
"""Standard errors by which the CC in a setting must exceed that in any other. Simulated wedges of 8 to 15 degrees
and 15 photons a reflection have more than 5."""
MAX_CELL_DIFFERENCE = 0.03
"""Relative difference of lattices up to which they are of one form; the default of `combine.max_cell_difference` too.
Chosen: data whose cells differ by 5% (simulated) are not to be merged."""


class CombineParams(Params):
    """Parameters of bringing several data sets together. Those of [symmetry] hold here too."""

    max_cell_difference: float = Field(MAX_CELL_DIFFERENCE, gt=0)
    """Data sets are of one crystal form where their lattices differ by less, on average over the form: the greatest
    relative difference of the seven lengths that determine a lattice. Three times what crystals of one form usually
    differ by; simulated cells with a spread of 0.3% are 0.3% to 0.6% apart, with one of 1% all still together."""
    reference: str | None = None
    """File with what is known of the crystal form: an MTZ file (merged or not), structure factors as mmCIF, or a model
    as PDB or mmCIF. Its space group is taken unless symmetry.space_group is given, and the setting that agrees."""
    min_margin: float = Field(MIN_MARGIN, ge=0)
    """A data set is set aside where the setting in which it agrees best with the others is better than the next one by
    fewer standard errors of the difference of their correlations."""
