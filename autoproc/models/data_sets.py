"""What became of each data set of a group, and what it adds to the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autoproc.models.data_set_names import sweep_part


@dataclass(frozen=True, slots=True)
class DataSetRow:
    """One data set among those that were put together.

    name : for people; n_images, rotation (degrees), wavelength (Angstrom) : of its sweep
    cell : as it was integrated, Angstrom and degrees; None without a crystal
    why_aside : why it is not in the result, in words; empty where it is
    cc : of its intensities with those of all others, in its setting; None unknown
    delta_cc_half : CC1/2 of the whole with it less that without it; None unknown
    n_observations : in the merged data; n_alone : unique reflections that no other of its wavelength has
    completeness : per cent, of this and all data sets of its wavelength above it; None where it is not in the result
    rmsd : of its spots from their predictions, px, px, images, where all were indexed together; n_refined : spots
    """

    name: str
    n_images: int
    rotation: float
    wavelength: float
    cell: tuple[float, ...] | None
    why_aside: str = ""
    cc: float | None = None
    delta_cc_half: float | None = None
    n_observations: int = 0
    n_alone: int = 0
    completeness: float | None = None
    rmsd: tuple[float, float, float] | None = None
    n_refined: int = 0

    @property
    def sweep(self) -> str:
        """The name of its sweep, of which there may be several lattices."""
        return sweep_part(self.name)


def one_a_sweep(rows: Iterable[DataSetRow]) -> list[DataSetRow]:
    """The first data set of each sweep: its images and its rotation are those of all its lattices."""
    first: dict[str, DataSetRow] = {}
    for row in rows:
        first.setdefault(row.sweep, row)
    return list(first.values())
