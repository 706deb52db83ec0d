"""Parameters of the comparison of Bravais lattices."""

from __future__ import annotations

from pydantic import Field

from autoproc.params import Params
from autoproc.symmetry.settings import MonoclinicSetting


class BravaisParams(Params):
    """Parameters of the comparison of Bravais lattices."""

    max_delta: float = Field(5.0, ge=0)
    """Greatest deviation of the lattice from a symmetry, Le Page's delta, degrees."""
    monoclinic_setting: MonoclinicSetting = "best"
    """"best": the least oblique cell, C or I centred; "C2": always C; "I2": always I."""
    max_spots: int = Field(8000, ge=10)
    """Spots refined against in each experiment, taken evenly over the scan; more do not change the table."""
