"""What contradicts itself or makes no sense in a file, as the steps would tell it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoproc.errors import AutoprocError
from autoproc.formats.cell_and_group import CellAgainstGroup, doubts_of_cells
from autoproc.formats.dials.refl import read_refl
from autoproc.formats.dials.sound_reflections import sound_reflections
from autoproc.formats.observed.foreign_data import ASSUMED, NotObservations
from autoproc.formats.observed.read_unmerged_mtz import read_unmerged_mtz
from autoproc.models.experiment import Experiment


def doubts_of_models(path: Path, experiments: Sequence[Experiment]) -> list[str]:
    """Of cells and space groups."""
    try:
        return doubts_of_cells(path, (e.crystal for e in experiments))
    except CellAgainstGroup as error:
        return [error.message]


def doubts_of_reflections(path: Path) -> list[str]:
    """Of a .refl file."""
    return sound_reflections(read_refl(path))[1]


def told_of_unmerged(path: Path) -> tuple[str, list[str]]:
    """What is assumed of the single observations of an MTZ file, and doubts, or why no step takes them.

    Nothing of one that holds none.
    """
    try:
        data = read_unmerged_mtz(path)
    except NotObservations:
        return "", []
    except AutoprocError as error:
        return "", [f"as observations it cannot be read: {error.message}"]
    return "\n".join(f"{ASSUMED}{sentence}" for sentence in data.assumed), list(data.warnings)
