"""Parameters of the limits by direction."""

from __future__ import annotations

from pydantic import Field

from autoproc.params import Params


class AnisotropyParams(Params):
    """Where data end in each direction."""

    cc_half: float = Field(0.3, gt=0, lt=1)
    """In each direction the limit is where CC1/2 of the reflections around it falls to this value."""
    misigma: float = Field(1.2, gt=0)
    """The same for the mean of I/sigma, in directions in which most reflections were measured once; or for what it is
    at the limit of all directions together, where that is less."""
    min_ratio: float = Field(1.1, ge=1)
    """Data are called anisotropic, and a second merged MTZ is written that ends where they end in each direction, from
    this ratio of the worst to the best limit on. Limits that differ by chance are seldom told apart: 16 of 17
    isotropic data sets had one limit in all directions, one limits that differ by 1.5% (simulated)."""
