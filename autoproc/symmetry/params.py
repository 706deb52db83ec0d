"""Parameters of symmetry determination."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from autoproc.models.space_group import SpaceGroupName
from autoproc.params import Params
from autoproc.symmetry.settings import MonoclinicSetting, Setting

MONOCLINIC: dict[Setting, MonoclinicSetting] = {"standard": "C2", "C2": "C2", "I2": "I2"}
"""What a setting asks of monoclinic groups, where it asks anything."""


class SymmetryParams(Params):
    """Parameters of symmetry determination."""

    max_delta: float = Field(2.0, ge=0)
    """Greatest deviation of the lattice from a symmetry, Le Page's delta, degrees. A refined cell is good to
    0.1 degree; 2 leaves room for poor refinement and lets the intensities decide."""
    d_min: float | None = Field(None, gt=0)
    """High-resolution limit of the reflections used, Angstrom; none takes it from min_i_over_sigma."""
    min_i_over_sigma: float = Field(4.0, ge=0)
    """Shells are used out to where <I>/<sigma> falls below this; weaker shells add noise, not information."""
    prescale: bool = True
    """Take smooth variation with rotation and direction (absorption, decay, volume) out of the intensities before
    they are compared. Needs no symmetry; without it strong absorption can hide true symmetry."""
    setting: Setting = "best"
    """How to choose among the descriptions of one crystal where space_group does not say. "best": C 2 or I 2 by beta
    nearest 90 degrees; P 2 2 21 and P 21 21 2 with the odd axis along c, otherwise a <= b <= c. "standard": the first
    setting of International Tables, C 2 always. "abc": a <= b <= c in every primitive orthorhombic group, so that
    P 21 21 2 may become P 2 21 21. "C2", "I2": as "best", but that one of the two always."""
    monoclinic_setting: MonoclinicSetting = "best"
    """The same for C 2 and I 2 alone: "best", "C2" or "I2"."""
    check_absences: bool = True
    """Look for screw axes in the axial reflections; otherwise the group without screws is taken."""
    small_molecule: bool | Literal["auto"] = "auto"
    """Weigh all 230 space groups, with glide planes, mirrors and centres, not only those of crystals of one hand.
    "auto" does so for primitive cells of less than 6000 Angstrom^3, and keeps the result where groups with mirrors or
    a centre are 20 times as likely as those without, or the reverse: proteins stay chiral."""
    laue_group: SpaceGroupName | None = None
    """Known Laue group, or a space group of it; screw axes are still looked for. None determines it."""
    space_group: SpaceGroupName | None = None
    """Known space group (Hermann-Mauguin or number), in the setting that is wanted: "P 2 21 21" has its two-fold along
    a, "P 21 21 2" or 18 along c; "I2" and "C2" are the two descriptions of one group; none determines it. Which axes of
    the lattice those are is told by unit_cell, else by the absences, else by convention and the setting."""
    expected_space_group: SpaceGroupName | None = None
    """Space group that the crystal is thought to have, to be told whether it has: nothing is done about it, unlike
    space_group."""
    unit_cell: tuple[float, float, float, float, float, float] | None = None
    """Known cell in the setting of space_group, whose axes the result keeps even where the absences speak against
    them, which is said. Without a space_group it decides which of the axes of the group that is found are a, b and c.
    `autoproc run` takes index.unit_cell."""

    @model_validator(mode="after")
    def _one_monoclinic_setting(self) -> SymmetryParams:
        asked = MONOCLINIC.get(self.setting, self.monoclinic_setting)
        if self.monoclinic_setting not in ("best", asked):
            raise ValueError(
                f"setting={self.setting} and monoclinic_setting={self.monoclinic_setting}: give one of them"
            )
        return self
