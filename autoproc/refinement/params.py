"""Parameters of refinement."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from autoproc.params import Params

Fixable = Literal["detector", "distance", "tilt", "beam", "orientation", "cell"]


class RefineParams(Params):
    """Parameters of refinement.

    The symmetry of each crystal's space group constrains its cell. Give P 1 to let the cell be free.
    """

    scan_varying: bool | Literal["auto"] = "auto"
    """Let orientation and cell vary over the scan, after a static refinement: true, false, or auto,
    which does so for sweeps wider than min_sweep_width where the spots show variation."""

    min_sweep_width: float = Field(5.0, gt=0)
    """Sweeps narrower than this, degrees, stay static under scan_varying = auto: too little to see variation."""

    interval_width: float | Literal["auto"] = "auto"
    """Width of an interval of the smooth curves of orientation and cell, degrees; auto starts at 36 and halves
    it, down to 4, for as long as the spots support the added parameters (Bayesian information criterion)."""

    fix: tuple[Fixable, ...] = ()
    """What to keep as it is: detector (all of it), distance, tilt (the detector's rotations), beam, orientation,
    cell."""

    outliers: Literal["mcd", "tukey", "none"] = "mcd"
    """Outlier rejection: mcd (minimum covariance determinant), tukey (fences about the quartiles), none."""

    outlier_probability: float = Field(0.975, gt=0.5, lt=1)
    """MCD: spots beyond this quantile of chi squared with three degrees of freedom are outliers."""

    outlier_block_width: float = Field(18.0, gt=0)
    """Outliers are judged within blocks of rotation at least this wide, degrees."""

    weighting: Literal["rescaled", "statistical"] = "rescaled"
    """rescaled: 1/variance of the centroids, scaled so that x, y and phi each have the scatter that is observed;
    statistical: 1/variance as it is."""

    min_zeta: float = Field(0.05, ge=0, lt=1)
    """Spots with |zeta| (Kabsch) below this are too close to the spindle to count."""

    min_reflections_per_parameter: float = Field(5.0, ge=1)
    """With fewer, detector tilts, beam, detector and variation over the scan are given up, in this order; for the
    crystals alone half as many are enough."""

    reflections_per_degree: float | None = Field(1000.0, gt=0)
    """Use at most this many spots per degree and lattice, chosen evenly; none uses all of them."""

    max_iterations: int = Field(30, ge=1)
    """Steps of least squares after each rejection of outliers."""
