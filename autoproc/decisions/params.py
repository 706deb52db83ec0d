"""How much the program may try on its own."""

from __future__ import annotations

from pydantic import Field

from autoproc.params import Params


class DecisionParams(Params):
    """What `autoproc run` tries beyond the stages as configured. Whatever a user sets is obeyed all the same."""

    enabled: bool = True
    """Try again where a result is poor and keep the better one; false runs every stage once, as configured."""
    indexing: bool = True
    """Where indexing fails or explains few spots: search the beam centre, other methods, the strongest spots alone."""
    lattices: bool = True
    """Look for further lattices where spots are left over; index.max_lattices, where given, is obeyed instead."""
    most_lattices: int = Field(4, ge=1)
    """Lattices looked for at most."""
    symmetry: bool = True
    """Lower the symmetry where scaled intensities or the spots' positions deny it; symmetry.space_group is obeyed."""
    absorption: bool = True
    """Choose scale.absorption_level, where it is "auto", by reflections held out of scaling."""
    damage: bool = True
    """Leave out the last images of a sweep where the data of the first ones are nearer to the undamaged crystal without
    them, by early observations held out; scale.keep_first, where given, is obeyed instead."""
    max_completeness_loss: float = Field(0.05, ge=0, lt=1)
    """Part of the unique reflections that leaving out damaged images may cost."""
    joint: bool = True
    """Index sweeps of a group together, as of one crystal on one goniometer, where some have too few spots to be
    processed alone, or their intensities have too little in common to be combined."""
    max_attempts: int = Field(12, ge=1)
    """Attempts beyond the first, all stages together; levels of absorption and parts of a damaged sweep, which
    cost little, do not count."""
    max_minutes: float = Field(30.0, gt=0)
    """Nothing further is begun when this much time has passed since the sweep was begun."""
