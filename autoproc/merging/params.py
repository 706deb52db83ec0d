"""Parameters of merging, and of the resolution limit."""

from __future__ import annotations

from pydantic import Field

from autoproc.params import Params


class EstimateResolutionParams(Params):
    """How to choose the high-resolution limit."""

    cc_half: float = Field(0.3, gt=0, lt=1)
    """The limit is where the fitted CC1/2 falls to this value (Karplus & Diederichs 2012)."""
    misigma: float | None = Field(None, gt=0)
    """The limit is also where the mean of I/sigma of merged reflections falls to this value; none asks CC1/2 alone.
    Of the two limits the lower resolution counts."""
    reflections_per_shell: int = Field(100, ge=10)
    """Unique reflections in a shell on average; more make the fit smoother, fewer sharper."""
    max_shells: int = Field(60, ge=3)
    """At most so many shells."""


class MergeParams(Params):
    """How to merge."""

    d_min: float | None = Field(None, gt=0)
    """High-resolution limit, Angstrom; none keeps everything that was scaled."""
    d_max: float | None = Field(None, gt=0)
    """Low-resolution limit, Angstrom; none keeps everything."""
    free_r_sets: int = Field(20, ge=2)
    """Number of free-R sets; set 0 is the test set, so that 20 sets make it 5%."""
    free_r_seed: int = Field(0, ge=0)
    """Another seed makes another choice of test reflections."""
    reference: str | None = None
    """File whose free-R flags are carried on: an MTZ file, or structure factors as mmCIF, of the same crystal form. Its
    reflections keep their flags, and new ones are added in the same proportion; 0 is the test set in what is written.
    None takes those of combine.reference, where that is given and has some."""
    check_forms: bool = True
    """Stop where data sets are of different space groups, of cells that are not alike, the same ones twice, in
    agreement only when some are indexed in another way that the lattice allows, or from several files that are not on
    one scale, or no two of which agree; leave out those that have nothing in common with the others. False merges all
    as they are, by the space group of the first and the median of the cells.
    Exports of intensities ask for one space group and cells that are alike, too."""
    zero_dose: bool = False
    """Extrapolate each reflection to the crystal before radiation damage, where a change of the intensities with dose
    is significant (Diederichs, McSweeney & Ravelli 2003). Doses are counted in images: they add up over the sweeps of
    one crystal, in order, and begin anew with each other crystal, which sweeps of lattices that do not lie upon each
    other by the goniometer's angles are of. Outliers of scaling that are where damage had them count. Standard
    uncertainties have those of the extrapolation in them."""
